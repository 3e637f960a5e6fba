"""Writes to customers and their log-ins."""

from datetime import datetime
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.models import (
    Customer,
    EmailConfirmation,
    Invitation,
    Organisation,
    Role,
    User,
)
from appliance.accounts.permissions import require_admin, require_customer_editor
from appliance.accounts.services.organisations import require_may_join
from appliance.accounts.services.people import add_user, invite, refuse_directory_values
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.clean_text import clean_email
from appliance.core.errors import BadInputError


class ContactDetails(TypedDict, total=False):
    """What the desk knows of a customer beside name and address."""

    phone: str
    mobile: str
    room: str
    department: str
    staff_number: str
    language: str
    fields: dict[
        str, object
    ]  # values of custom fields by key, as ``tickets.custom_fields`` has them


CONTACT_DETAILS = tuple(ContactDetails.__annotations__)


@transaction.atomic
def register_customer(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    claimed_organisation: str = "",
    password: str | None,
) -> Customer:
    """Create a customer with a user. Raises BadInputError when the address has a user already.

    The customer has no address until the log-in is confirmed: see ``confirmations``.
    """
    user = add_user(
        email=email,
        first_name=first_name,
        last_name=last_name,
        password=password,
        is_confirmed=False,
    )
    return add_customer(
        first_name=first_name,
        last_name=last_name,
        claimed_organisation=claimed_organisation,
        user=user,
    )


def add_customer(
    *,
    email: str = "",
    first_name: str,
    last_name: str = "",
    claimed_organisation: str = "",
    organisation: Organisation | None = None,
    is_premium: bool = False,
    user: User | None = None,
    **details: Unpack[ContactDetails],
) -> Customer:
    """Create a customer. Raises BadInputError when the address is known already."""
    customer = Customer(
        email=clean_email(email),
        first_name=first_name,
        last_name=last_name,
        claimed_organisation=claimed_organisation,
        organisation=organisation,
        is_premium=is_premium,
        user=user,
        **details,
    )
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
    except IntegrityError as error:
        raise _email_known_error(email) from error
    return customer


@transaction.atomic
def add_customer_as_agent(
    *,
    by: User,
    email: str,
    first_name: str,
    last_name: str = "",
    organisation: Organisation | None = None,
    is_premium: bool = False,
    **details: Unpack[ContactDetails],
) -> Customer:
    """Create a customer without a user, by an agent; recorded in the audit log.

    ``email`` is empty for somebody who is known by name alone.
    """
    require_customer_editor(by)
    require_may_join(by, organisation)
    customer = add_customer(
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation=organisation,
        is_premium=is_premium,
        **details,
    )
    audit.record_change(by=by, verb="added", subject=customer)
    return customer


@transaction.atomic
def change_customer(
    *,
    customer: Customer,
    by: User,
    email: str,
    first_name: str,
    last_name: str,
    organisation: Organisation | None,
    is_premium: bool,
    **details: Unpack[ContactDetails],
) -> None:
    """Change a customer. Raises BadInputError when the address is taken or they are anonymous.

    Whoever holds the address can read the customer's tickets, so that an agent changes it only
    where no ticket would reach more people than the agent may decide for.
    """
    require_customer_editor(by)
    locked = _lock_customer(customer)
    if locked.anonymised_at:
        raise BadInputError(_("This customer has been anonymised and can no longer be changed."))
    email = clean_email(email)
    refuse_directory_values(locked, email=email, first_name=first_name, last_name=last_name)
    if organisation != locked.organisation:
        require_may_join(by, organisation)
    if email != locked.email:
        _require_may_readdress(by, locked)
        clear_undeliverable(customer=locked)
    update_fields(
        locked,
        by=by,
        duplicate_error=_email_known_error(email),
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation=organisation,
        is_premium=is_premium,
        **details,
    )
    cache.invalidate(cache.TICKETS)  # lists show the name
    customer.refresh_from_db()


def mark_undeliverable(*, email: str, reason: str) -> None:
    """Mark the customer of an address whose e-mails come back; the first time counts."""
    customer = queries.find_customer(email=email)
    if customer and customer.undeliverable_since is None:
        _set_undeliverable(customer, timezone.now(), reason)


@transaction.atomic
def clear_undeliverable(*, customer: Customer, by: User | None = None) -> None:
    """Remove the mark: an e-mail came from the address, or an agent says that it is right."""
    if by is not None:
        require_customer_editor(by)
    if customer.undeliverable_since:
        _set_undeliverable(customer, None, "")
        data = {"undeliverable": {"from": True, "to": False}}
        audit.record_change(by=by, verb="changed", subject=customer, data=data)


def _set_undeliverable(customer: Customer, since: datetime | None, reason: str) -> None:
    customer.undeliverable_since, customer.undeliverable_reason = since, reason[:300]
    customer.save(update_fields=["undeliverable_since", "undeliverable_reason"])
    cache.invalidate(cache.TICKETS)  # the page of a ticket shows it


def ensure_customer(*, email: str, first_name: str, last_name: str = "") -> Customer:
    """Return the customer of this address; create one when there is none."""
    try:
        return queries.find_customer(email=email) or add_customer(
            email=email, first_name=first_name, last_name=last_name
        )
    except BadInputError:
        customer = queries.find_customer(email=email)
        if customer is None:  # not created by a concurrent request
            raise
        return customer


@transaction.atomic
def ensure_customer_of(user: User) -> Customer:
    """Return the customer record of a user; link or create one. Agents open tickets, too.

    A log-in that is not confirmed, or that was unlinked, gets a record of its own without an
    address. Linking is recorded in the audit log.
    """
    person = User.objects.select_for_update().get(pk=user.pk)
    if (customer := queries.find_customer_of(person)) is None:
        customer = _link_known_customer(person, by=person) or _add_record_of(person)
    user.customer = customer
    return customer


def _add_record_of(person: User) -> Customer:
    customer = add_customer(first_name=person.first_name, last_name=person.last_name, user=person)
    audit.record_change(by=person, verb="added", subject=customer, data={"user": str(person)})
    _give_address(customer, person, by=person)
    return customer


def link_address(person: User, *, by: User) -> None:
    """Link a confirmed log-in with the customer of its address, else give that to its own record.

    A record the log-in has already is merged into that customer.
    """
    own = Customer.objects.select_for_update().filter(user=person).first()
    if not _link_known_customer(person, by=by) and own:
        _give_address(own, person, by=by)


def _link_known_customer(person: User, *, by: User) -> Customer | None:
    """Link the customer of a confirmed log-in's address; None if there is none without a user."""
    known = queries.find_customer(email=person.email) if person.email_confirmed_at else None
    known = _lock_customer(known) if known else None
    if known is None or known.user_id or known.anonymised_at:
        return None
    if own := Customer.objects.select_for_update().filter(user=person).first():
        absorb_customer(source=own, target=known, by=by)
    else:
        update_fields(known, by=by, user=person)
    return known


def _give_address(customer: Customer, person: User, *, by: User) -> None:
    """Give a customer the address of its confirmed log-in, unless somebody has it."""
    is_taken = Customer.objects.exclude(email="").filter(email__iexact=person.email).exists()
    if person.email_confirmed_at and not is_taken and not customer.email:
        update_fields(customer, by=by, email=person.email)


def release_address(*, person: User, email: str) -> None:
    """Take an address that is not theirs any more from the customer of a log-in."""
    customer = Customer.objects.select_for_update().filter(user=person).first()
    if customer and queries.is_same_address(customer.email, email):
        update_fields(customer, by=person, email="")


def absorb_customer(*, source: Customer, target: Customer, by: User | None) -> None:
    """Move all that belongs to ``source`` to ``target`` and delete it. Both must be locked.

    Its user, its address and its contact details move where ``target`` has none.
    """
    data = {"into": str(target), "tickets": source.tickets.count()}
    audit.record_change(by=by, verb="merged", subject=source, data=data)
    for relation in Customer._meta.related_objects:
        name = relation.field.name
        rows = relation.related_model._base_manager.filter(**{name: source})
        rows.update(**{name: target})
    Customer.objects.filter(pk=target.pk, manager=target).update(manager=None)
    person, email = source.user, source.email
    details = {
        name: getattr(target, name) or getattr(source, name)
        for name in ("claimed_organisation", *CONTACT_DETAILS)
    }
    source.delete()
    update_fields(
        target,
        by=by,
        user=target.user or person,
        email=target.email or email,
        **details,
    )


def mark_confirmed(person: User, *, by: User) -> None:
    """Record that the address of a log-in is theirs. The user must be locked."""
    if person.email_confirmed_at is None:
        person.email_confirmed_at, person.unlinked_at = timezone.now(), None
        person.save(update_fields=["email_confirmed_at", "unlinked_at"])
        audit.record_change(by=by, verb="confirmed", subject=person, data={"email": person.email})


@transaction.atomic
def create_login(*, customer: Customer, by: User) -> str:
    """Create or link a user for a customer; return the token of the link to set a password.

    A log-in somebody has registered with the same address is linked when the link is used: that
    sets a new password, and until then it may be anybody's.
    """
    require_admin(by)
    locked = _lock_customer(customer)
    if locked.is_from_directory and locked.user is None:
        raise BadInputError(
            _("%(name)s signs in with the password of the directory. Have it changed there.")
            % {"name": locked.full_name}
        )
    if not locked.email and locked.user is None:
        raise BadInputError(_("Enter the customer's e-mail address first."), field="email")
    person = locked.user or queries.find_user(email=locked.email)
    if person is None:
        person = add_user(
            email=locked.email,
            first_name=locked.first_name,
            last_name=locked.last_name,
            role=Role.CUSTOMER,
            password=None,
        )
    if person.email_confirmed_at or person.unlinked_at:
        link_customer(customer=locked, person=person, by=by)
    customer.refresh_from_db()
    return invite(person=person, by=by, customer=locked)


def link_invited_customer(*, customer: Customer, person: User) -> None:
    """Link the customer of an invitation that was used, unless they have another user by now."""
    locked = _lock_customer(customer)
    if locked.user_id not in (None, person.pk) or locked.anonymised_at:
        return
    mark_confirmed(person, by=person)
    own = Customer.objects.select_for_update().filter(user=person).first()
    if own and own != locked:
        absorb_customer(source=own, target=locked, by=person)
    elif own is None:
        update_fields(locked, by=person, user=person)
    link_address(person, by=person)
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def link_customer(*, customer: Customer, person: User, by: User) -> None:
    """Let ``person`` see this customer's tickets; this confirms the log-in."""
    require_admin(by)
    duplicate_error = BadInputError(
        _(
            "The account %(name)s is already linked to another customer. Merge the two "
            "customers instead."
        )
        % {"name": person},
        field="person",
    )
    locked = _lock_customer(customer)
    if locked.anonymised_at:
        raise BadInputError(_("This customer has been anonymised and can no longer be changed."))
    update_fields(locked, by=by, duplicate_error=duplicate_error, user=person)
    mark_confirmed(person, by=by)
    _give_address(locked, person, by=by)
    cache.invalidate(cache.TICKETS)  # counts depend on whose tickets they see
    customer.refresh_from_db()


@transaction.atomic
def unlink_customer(*, customer: Customer, by: User) -> None:
    """Stop the linked user from seeing this customer's tickets; the user stays.

    The log-in is no longer confirmed, and no link that was sent earlier links it again.
    """
    require_admin(by)
    locked = _lock_customer(customer)
    if person := locked.user:
        update_fields(locked, by=by, user=None)
        person.email_confirmed_at, person.unlinked_at = None, timezone.now()
        person.save(update_fields=["email_confirmed_at", "unlinked_at"])
        EmailConfirmation.objects.filter(person=person).delete()
        Invitation.objects.filter(person=person).delete()
    cache.invalidate(cache.TICKETS)
    customer.refresh_from_db()


def _require_may_readdress(by: User, customer: Customer) -> None:
    """Raise BadInputError unless ``by`` may change the address that new tickets are opened for."""
    if customer.has_unconfirmed_login:
        raise BadInputError(
            _("The user account of this customer is not confirmed. Confirm it instead."),
            field="email",
        )
    if customer.user and not by.is_admin:
        raise BadInputError(
            _("This customer has a user account. Ask an administrator to change the address."),
            field="email",
        )
    require_may_give_access(by, customer, field="email")


def require_may_give_access(by: User, customer: Customer, *, field: str = "") -> None:
    """Raise BadInputError where only an admin may decide who reads the customer's tickets.

    That is where these include tickets of a closed team the agent is not in, or where their
    organisation shares its tickets.
    """
    if by.is_admin:
        return
    is_shared = queries.is_in_sharing_organisation(customer)
    if is_shared or queries.has_tickets_hidden_from(by, customer):
        raise BadInputError(
            _(
                "Only an administrator can decide who reads this customer's tickets: they include "
                "tickets you cannot see, or their organisation shares tickets."
            ),
            field=field,
        )


def _lock_customer(customer: Customer) -> Customer:
    return Customer.objects.select_for_update().get(pk=customer.pk)


def _email_known_error(email: str) -> BadInputError:
    return BadInputError(
        _("%(email)s is already registered. Sign in, or ask an agent to create an account for you.")
        % {"email": email},
        field="email",
    )
