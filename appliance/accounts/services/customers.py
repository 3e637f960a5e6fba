"""Verbs on those who ask."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.models import Customer, Organisation, Role, User
from appliance.accounts.services.doorstep import knock
from appliance.accounts.services.invitations import invite
from appliance.accounts.services.people import add_user
from appliance.accounts.services.recording import change
from appliance.accounts.services.rights import (
    refuse_unless_admin,
    refuse_unless_keeper_of_customers,
)
from appliance.core import audit, cache
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError, RefusedError


@transaction.atomic
def register_customer(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    organisation_said: str = "",
    password: str | None,
) -> Customer:
    """A customer with a log-in. Raises BadInputError when the address is known already.

    A customer known by e-mail alone is not handed to whoever registers that address: nothing
    has shown that the address is theirs. An admin joins the two.
    """
    user = add_user(email=email, first_name=first_name, last_name=last_name, password=password)
    return add_customer(
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation_said=organisation_said,
        user=user,
    )


def register_oneself(*, address: str, **person: str) -> Customer:
    """The same for a stranger at ``address``, if the desk lets strangers register."""
    if not core_queries.desk().is_registration_open:
        raise RefusedError(_("This desk opens accounts itself. Ask an agent for one."))
    knock(door="register", address=address)
    return register_customer(**person)


def add_customer(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    organisation_said: str = "",
    organisation: Organisation | None = None,
    is_premium: bool = False,
    user: User | None = None,
) -> Customer:
    """Raises BadInputError when the address is known already."""
    customer = Customer(
        email=email.strip().lower(),
        first_name=first_name,
        last_name=last_name,
        organisation_said=organisation_said,
        organisation=organisation,
        is_premium=is_premium,
        user=user,
    )
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
    except IntegrityError as error:
        raise _known(email) from error
    return customer


@transaction.atomic
def add_known_customer(
    *,
    by: User,
    email: str,
    first_name: str,
    last_name: str = "",
    organisation: Organisation | None = None,
    is_premium: bool = False,
) -> Customer:
    """One whom an agent writes down, without a log-in."""
    refuse_unless_keeper_of_customers(by)
    customer = add_customer(
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation=organisation,
        is_premium=is_premium,
    )
    audit.record(by=by, verb="added", subject=customer)
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
) -> None:
    """Raises BadInputError when the address is another customer's or this one is anonymous."""
    refuse_unless_keeper_of_customers(by)
    locked = lock(customer)
    if locked.anonymised_at:
        raise BadInputError(_("This customer was made anonymous and stays so."))
    email = email.strip().lower()
    change(
        locked,
        by=by,
        taken=_known(email),
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation=organisation,
        is_premium=is_premium,
    )
    cache.changed(cache.TICKETS)  # their name stands in lists
    customer.refresh_from_db()


def ensure_customer(*, email: str, first_name: str, last_name: str = "") -> Customer:
    """Whoever has this address; a new customer when the desk does not know it yet."""
    try:
        return queries.find_customer(email=email) or add_customer(
            email=email, first_name=first_name, last_name=last_name
        )
    except BadInputError:  # somebody else added them in the meantime
        return Customer.objects.get(email__iexact=email.strip())


def ensure_customer_of(user: User) -> Customer:
    """The customer record of whoever opens a ticket; agents ask for help, too."""
    if hasattr(user, "customer"):
        return user.customer
    customer = ensure_customer(
        email=user.email, first_name=user.first_name, last_name=user.last_name
    )
    if customer.user_id is None:
        customer.user = user
        customer.save(update_fields=["user"])
    if customer.user_id != user.pk:
        raise BadInputError(
            _("%(email)s is the address of another log-in. An admin can mend it.")
            % {"email": user.email}
        )
    return customer


@transaction.atomic
def open_log_in(*, customer: Customer, by: User) -> str:
    """A log-in for a customer known by e-mail; returns the token with which they set a password.

    A log-in of the same address that is nobody's customer yet becomes theirs.
    """
    refuse_unless_admin(by)
    locked = lock(customer)
    if locked.user is None:
        person = queries.find_user(email=locked.email) or add_user(
            email=locked.email,
            first_name=locked.first_name,
            last_name=locked.last_name,
            role=Role.CUSTOMER,
            password=None,
        )
        link_customer(customer=locked, person=person, by=by)
    customer.refresh_from_db()
    return invite(person=customer.user, by=by)


@transaction.atomic
def link_customer(*, customer: Customer, person: User, by: User) -> None:
    """From now on ``person`` sees this customer's tickets."""
    refuse_unless_admin(by)
    taken = BadInputError(
        _("%(name)s is the log-in of another customer. Merge the two customers instead.")
        % {"name": person},
        field="person",
    )
    locked = lock(customer)
    if locked.anonymised_at:
        raise BadInputError(_("This customer was made anonymous and stays so."))
    change(locked, by=by, taken=taken, user=person)
    cache.changed(cache.TICKETS)  # whose tickets they see is counted anew
    customer.refresh_from_db()


@transaction.atomic
def unlink_customer(*, customer: Customer, by: User) -> None:
    """The log-in stays, and sees this customer's tickets no more."""
    refuse_unless_admin(by)
    change(lock(customer), by=by, user=None)
    cache.changed(cache.TICKETS)
    customer.refresh_from_db()


def lock(customer: Customer) -> Customer:
    return Customer.objects.select_for_update().get(pk=customer.pk)


def _known(email: str) -> BadInputError:
    return BadInputError(
        _(
            "%(email)s is known to this desk already. Log in, or ask an agent to open a log-in "
            "for you."
        )
        % {"email": email},
        field="email",
    )
