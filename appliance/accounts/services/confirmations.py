"""Confirmation of log-ins: whoever registers an address has not shown that it is theirs.

Until a link sent to the address, or an agent, has confirmed it, a log-in has a customer record of
its own without an e-mail address, so that no ticket opened for the address reaches it.
"""

from datetime import timedelta
from typing import Protocol

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.models import Customer, EmailConfirmation, User
from appliance.accounts.permissions import require_customer_editor
from appliance.accounts.security import check_rate_limit, generate_token, hash_token
from appliance.accounts.services import customers, people
from appliance.core import audit, cache
from appliance.core.clean_text import clean_email
from appliance.core.errors import BadInputError

CONFIRMATION_DAYS = 3


class Mailer(Protocol):
    """What a room above this one sends to people who register or confirm their address."""

    def can_send_links(self) -> bool: ...

    def send_confirmation_link(self, person: User, token: str) -> None: ...

    def send_password_link(self, person: User, token: str) -> None: ...

    def send_known_address(self, person: User) -> None: ...

    def send_reset_link(self, person: User, token: str) -> None: ...

    def send_directory_hint(self, person: User) -> None: ...

    def send_password_changed(self, person: User) -> None: ...

    def send_address_link(self, person: User, email: str, token: str) -> None: ...

    def send_address_changed(self, person: User, email: str) -> None: ...

    def send_notice(self, email: str, subject: str, body: str) -> None: ...


mailers: list[Mailer] = []


def send_emails_by(mailer: Mailer) -> None:
    """Send e-mails about log-ins with ``mailer`` from now on."""
    if mailer not in mailers:
        mailers.append(mailer)


def can_send_links() -> bool:
    """Return whether a link can be sent to the address of a log-in."""
    return any(mailer.can_send_links() for mailer in mailers)


def send_login_notice(*, email: str, subject: str, body: str) -> None:
    """Send an e-mail about a log-in, such as a change of its second factor."""
    for mailer in mailers:
        mailer.send_notice(email, subject, body)


def send_confirmation_as_visitor(*, person: User, ip_address: str) -> bool:
    """Send a new link within the rate limit of ``ip_address``; return whether it can be sent."""
    check_rate_limit(scope="confirm", ip_address=ip_address)
    return send_confirmation(person=person)


@transaction.atomic
def send_confirmation(*, person: User) -> bool:
    """Send a link to the address of a log-in, valid once and for three days; earlier links end.

    Returns False where the help desk cannot send e-mails or does not know its own address. Raises
    BadInputError for a log-in that is confirmed, or that an admin has unlinked.
    """
    locked = User.objects.select_for_update().get(pk=person.pk)
    _require_unconfirmed(locked)
    token = _add_confirmation(locked, locked.email)
    if not can_send_links():
        return False
    for mailer in mailers:
        mailer.send_confirmation_link(locked, token)
    return True


@transaction.atomic
def request_address(*, person: User, email: str) -> None:
    """Send a link to a new address of one's own log-in; it becomes the address with the link.

    An address that has an account already is told so there, and not here. Raises BadInputError for
    a log-in that an admin has unlinked.
    """
    email = clean_email(email)
    locked = User.objects.select_for_update().get(pk=person.pk)
    _require_linked(locked)
    people.refuse_directory_values(locked, email=email)
    if queries.find_user(email=email) == locked:
        raise BadInputError(_("This is your address already. Enter another one."), field="email")
    owner = queries.find_user(email=email)
    token = _add_confirmation(locked, email)
    for mailer in mailers if can_send_links() else []:
        if owner:
            mailer.send_known_address(owner)
        else:
            mailer.send_address_link(locked, email, token)


@transaction.atomic
def confirm_email(*, token: str, by: User) -> None:
    """Confirm one's own address with the link sent there, and link the customer of that address.

    A new address replaces the one before. Raises Http404 for an invalid link, also for that of
    somebody else: whoever opens the link has to know the password of the log-in as well.
    """
    confirmation = queries.access_confirmation(by, token)
    person = User.objects.select_for_update().get(pk=by.pk)
    if confirmation.email == person.email:
        _require_unconfirmed(person)
    else:
        _require_linked(person)
        _change_address(person, confirmation.email)
    confirmation.delete()
    confirm_person(person, by=person)


def _add_confirmation(person: User, email: str) -> str:
    """Return the token of a new link for an address; earlier links end."""
    EmailConfirmation.objects.filter(person=person).delete()
    token = generate_token()
    EmailConfirmation.objects.create(
        person=person,
        email=email,
        token_sha256=hash_token(token),
        expires_at=timezone.now() + timedelta(days=CONFIRMATION_DAYS),
    )
    return token


def _change_address(person: User, email: str) -> None:
    """Replace the address of a log-in and of its customer, and tell the old one."""
    old = person.email
    if can_send_links() and person.email_confirmed_at:
        for mailer in mailers:
            mailer.send_address_changed(person, email)
    people.replace_address(person=person, email=email)
    customers.release_address(person=person, email=old)


@transaction.atomic
def confirm_login(*, customer: Customer, by: User) -> Customer:
    """Confirm, as an agent, that the log-in of this customer belongs to its address.

    Returns the customer the log-in has now: the one known by that address, if there is one, gets
    everything of this one. Raises BadInputError where only an admin may give access to tickets.
    """
    require_customer_editor(by)
    if customer.user is None:
        raise BadInputError(_("This customer has no user account."))
    person = User.objects.select_for_update().get(pk=customer.user.pk)
    if person.unlinked_at and not by.is_admin:
        raise BadInputError(
            _(
                "An administrator has unlinked this account. Only an administrator can link it "
                "again."
            )
        )
    known = queries.find_customer(email=person.email)
    for record in filter(None, (customer, known)):
        customers.require_may_give_access(by, record)
    EmailConfirmation.objects.filter(person=person).delete()
    confirm_person(person, by=by)
    return Customer.objects.get(user=person)


@transaction.atomic
def set_password_with_token(*, token: str, password: str) -> User:
    """Set the password of an invitation, link its customer, and delete the link.

    Raises Http404 for an invalid or expired token. A password that is too weak (BadInputError)
    leaves the link valid.
    """
    invitation = queries.access_invitation(token, lock=True)
    person = User.objects.select_for_update().get(pk=invitation.person_id)
    had_password = person.has_usable_password()
    people.set_password(user=person, password=password)
    people.end_sessions(person=person)
    if invitation.customer:
        customers.link_invited_customer(customer=invitation.customer, person=person)
    audit.record_change(
        by=person, verb="changed", subject=person, data={"what": "password by link"}
    )
    if had_password:
        send_password_changed(person)
    return person


@transaction.atomic
def change_own_password(*, person: User, password: str) -> None:
    """Change one's own password. Raises BadInputError when it is too weak.

    Every session of the user ends but one the caller renews with ``update_session_auth_hash``.
    """
    people.set_password(user=person, password=password)
    audit.record_change(by=person, verb="changed", subject=person, data={"what": "own password"})
    send_password_changed(person)


def send_password_changed(person: User) -> None:
    """Tell somebody that their password is another, in case it was not them."""
    for mailer in mailers if can_send_links() else []:
        mailer.send_password_changed(person)


def _require_unconfirmed(person: User) -> None:
    if person.email_confirmed_at:
        raise BadInputError(_("Your e-mail address is confirmed already."))
    _require_linked(person)


def _require_linked(person: User) -> None:
    if person.unlinked_at:
        raise BadInputError(
            _("An administrator has unlinked your account. Ask an agent to correct this.")
        )


def confirm_person(person: User, *, by: User) -> None:
    """Let a log-in have the customer of its address. The user must be locked."""
    customers.mark_confirmed(person, by=by)
    customers.link_address(person, by=by)
    cache.invalidate(cache.TICKETS)  # counts depend on whose tickets they see
