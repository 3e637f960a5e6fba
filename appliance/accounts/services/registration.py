"""What somebody who is not signed in asks for with an address: an account, or a new password.

Where the help desk sends e-mails, every address gets the same answer, and an e-mail to the address
says the rest. Elsewhere the log-in is created at once, so that a known address has to be refused.
"""

import time
from collections.abc import Callable
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

RESET_DAYS = 1
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
    _answer_evenly(email, lambda: _register_by_email(email, names))


def request_password(*, ip_address: str, email: str) -> None:
    """Send a link to choose a new password to the address of an active log-in.

    The visitor is not told whether the address has one; it takes as long in every case.
    """
    check_rate_limit(scope="reset", ip_address=ip_address)
    _answer_evenly(email, lambda: _send_reset_link(email))


def request_own_address(*, ip_address: str, person: User, email: str) -> None:
    """Send a link to a new address of one's own log-in, if it is free; nobody is told here.

    Raises BadInputError for the address of the log-in itself, and for one an admin has unlinked.
    """
    check_rate_limit(scope="confirm", ip_address=ip_address)
    _answer_evenly(email, lambda: confirmations.request_address(person=person, email=email))


def _answer_evenly(email: str, send: Callable[[], None]) -> None:
    """Call ``send`` within the limit of the address, and take as long in every case."""
    answer_at = time.monotonic() + ANSWER_SECONDS
    if _may_send_to(email):
        send()
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
    token = ""
    if not is_known and person.role == Role.CUSTOMER:
        token = _add_link(person, days=people.INVITATION_DAYS, is_confirming=True)
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


@transaction.atomic
def _send_reset_link(email: str) -> None:
    """Send the link; for a customer who is not confirmed it confirms the address as well."""
    person = queries.find_user(email=email)
    if person is None or not person.is_active or not confirmations.can_send_links():
        return
    if person.is_from_directory:
        for mailer in confirmations.mailers:
            mailer.send_directory_hint(person)
        return
    is_doubtful = person.role == Role.CUSTOMER and not person.email_confirmed_at
    token = _add_link(person, days=RESET_DAYS, is_confirming=is_doubtful and not person.unlinked_at)
    for mailer in confirmations.mailers:
        mailer.send_reset_link(person, token)


def _add_link(person: User, *, days: int, is_confirming: bool) -> str:
    """Return the token of a new link to choose a password. Earlier links stay valid."""
    token = generate_token()
    Invitation.objects.create(
        person=person,
        customer=customers.ensure_customer_of(person) if is_confirming else None,
        token_sha256=hash_token(token),
        expires_at=timezone.now() + timedelta(days=days),
    )
    return token


def _require_open() -> None:
    if not core_queries.site_settings().is_registration_open:
        raise ForbiddenError(_("Registration is closed. Ask an agent for an account."))
