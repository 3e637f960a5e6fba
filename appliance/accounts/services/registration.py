"""Registration of customers by themselves.

Where the help desk sends e-mails, every address gets the same answer, and an e-mail to the address
says the rest. Elsewhere the log-in is created at once, so that a known address has to be refused.
"""

import time
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.models import Customer, Invitation, Role, User
from appliance.accounts.security import check_rate_limit, generate_token, hash_token
from appliance.accounts.services import confirmations, customers, people
from appliance.core import queries as core_queries
from appliance.core.clean_text import clean_email
from appliance.core.errors import BadInputError, ForbiddenError

ANSWER_SECONDS = 0.3  # several times what a new account takes (measured: 0.06)


def is_registration_by_email() -> bool:
    """Return whether the password is chosen through a link that is sent to the address."""
    return confirmations.can_send_links()


def register_as_visitor(*, ip_address: str, **user_data: str) -> Customer:
    """Register a customer, if registration is open and within the rate limit of ``ip_address``."""
    _require_open()
    check_rate_limit(scope="register", ip_address=ip_address)
    return customers.register_customer(**user_data)


def register_by_email(*, ip_address: str, email: str, **names: str) -> None:
    """Send a link to choose a password, or the hint that the address has an account.

    The visitor is told neither which, nor that somebody else has tried the address before them:
    beyond the hourly limit of an address nothing is sent. It takes as long in every case.
    """
    _require_open()
    check_rate_limit(scope="register", ip_address=ip_address)
    answer_at = time.monotonic() + ANSWER_SECONDS
    if _may_send_to(email):
        _register_by_email(email, names)
    time.sleep(max(0.0, answer_at - time.monotonic()))


def _may_send_to(email: str) -> bool:
    """Count the e-mail; return whether it is within the limit. Stored is a hash nobody can test."""
    digest = salted_hmac("link-to", clean_email(email).lower(), algorithm="sha256").hexdigest()
    try:
        check_rate_limit(scope="link-to", ip_address=digest)
    except BadInputError:
        return False
    return True


@transaction.atomic
def _register_by_email(email: str, names: dict[str, str]) -> None:
    person = _ensure_user(email, names)
    if person is None:
        return
    person = User.objects.select_for_update().get(pk=person.pk)
    is_known = person.email_confirmed_at or person.unlinked_at or not person.is_active
    token = "" if is_known or person.role != Role.CUSTOMER else _add_link(person)
    for mailer in confirmations.mailers:
        if token:
            mailer.send_password_link(person, token)
        else:
            mailer.send_known_address(person)


def _ensure_user(email: str, names: dict[str, str]) -> User | None:
    """Return the user of this address; None if it is equal to another but for odd letters."""
    if person := queries.find_user(email=email):
        return person
    try:
        return customers.register_customer(email=email, password=None, **names).user
    except BadInputError:  # also when a concurrent request has created it
        return queries.find_user(email=email)


def _add_link(person: User) -> str:
    """Return the token of a new link, which confirms the log-in. Earlier links stay valid."""
    token = generate_token()
    Invitation.objects.create(
        person=person,
        customer=customers.ensure_customer_of(person),
        token_sha256=hash_token(token),
        expires_at=timezone.now() + timedelta(days=people.INVITATION_DAYS),
    )
    return token


def _require_open() -> None:
    if not core_queries.site_settings().is_registration_open:
        raise ForbiddenError(_("Registration is closed. Ask an agent for an account."))
