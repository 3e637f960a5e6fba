"""One-time links to set a password with: the desk sends no mail, so an admin hands them on."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.models import Invitation, User
from appliance.accounts.services.passwords import set_password
from appliance.accounts.services.people import end_sessions, lock
from appliance.accounts.services.rights import refuse_unless_admin
from appliance.accounts.tokens import hash_token, new_token
from appliance.core import audit
from appliance.core.errors import BadInputError

INVITATION_DAYS = 7


@transaction.atomic
def invite(*, person: User, by: User) -> str:
    """The token of a link that is valid once and for a week; earlier links of the person end.

    It is returned here and nowhere else: only its hash is kept.
    """
    refuse_unless_admin(by)
    person = lock(person)
    if not person.is_active:
        raise BadInputError(_("%(name)s is deactivated. Reactivate them first.") % {"name": person})
    Invitation.objects.filter(person=person).delete()
    token = new_token()
    Invitation.objects.create(
        person=person,
        by=by,
        token_sha256=hash_token(token),
        expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
    )
    audit.record(by=by, verb="invited", subject=person)
    return token


@transaction.atomic
def set_password_by_link(*, token: str, password: str) -> User:
    """Use the link up. Raises Http404 when it was used, has expired or never was.

    A password that is too weak (BadInputError) leaves the link as good as before.
    """
    invitation = queries.access_invitation(token, lock=True)
    person = lock(invitation.person)
    set_password(user=person, password=password)
    end_sessions(person=person)
    Invitation.objects.filter(person=person).delete()
    audit.record(by=person, verb="changed", subject=person, data={"what": "password by link"})
    return person
