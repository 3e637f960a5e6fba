"""Passwords: checked, set, changed."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import audit
from appliance.core.errors import BadInputError


def set_password(*, user: User, password: str) -> None:
    """A new password; whoever is logged in with the old one is logged out."""
    check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])


@transaction.atomic
def change_own_password(*, person: User, old: str, new: str) -> None:
    """Raises BadInputError when ``old`` is wrong or ``new`` too weak.

    Every session of the person ends but one the caller renews with ``update_session_auth_hash``.
    """
    if not person.check_password(old):
        raise BadInputError(
            _("That is not your password. Capital and small letters differ."), field="old"
        )
    try:
        set_password(user=person, password=new)
    except BadInputError as error:
        raise BadInputError(str(error), field="password") from error
    audit.record(by=person, verb="changed", subject=person, data={"what": "own password"})


def check_password(password: str, user: User) -> None:
    """Raises BadInputError when it is too weak for this person."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadInputError(" ".join(error.messages), field="password") from error
