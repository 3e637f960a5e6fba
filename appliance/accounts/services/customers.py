"""Verbs on those who ask."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.models import Customer, Organisation, Role, User
from appliance.accounts.permissions import require_admin, require_customer_editor
from appliance.accounts.security import check_rate_limit
from appliance.accounts.services.people import add_user, invite
from appliance.core import audit, cache
from appliance.core import queries as core_queries
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError, ForbiddenError


@transaction.atomic
def register_customer(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    claimed_organisation: str = "",
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
        claimed_organisation=claimed_organisation,
        user=user,
    )


def register_as_visitor(*, address: str, **person: str) -> Customer:
    """The same for a stranger at ``address``, if the desk lets strangers register."""
    if not core_queries.site_settings().is_registration_open:
        raise ForbiddenError(_("Registration is closed. Ask an agent for an account."))
    check_rate_limit(scope="register", ip_address=address)
    return register_customer(**person)


def add_customer(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    claimed_organisation: str = "",
    organisation: Organisation | None = None,
    is_premium: bool = False,
    user: User | None = None,
) -> Customer:
    """Raises BadInputError when the address is known already."""
    customer = Customer(
        email=email.strip().lower(),
        first_name=first_name,
        last_name=last_name,
        claimed_organisation=claimed_organisation,
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
def add_customer_as_agent(
    *,
    by: User,
    email: str,
    first_name: str,
    last_name: str = "",
    organisation: Organisation | None = None,
    is_premium: bool = False,
) -> Customer:
    """One whom an agent writes down, without a log-in."""
    require_customer_editor(by)
    customer = add_customer(
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation=organisation,
        is_premium=is_premium,
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
) -> None:
    """Raises BadInputError when the address is another customer's or this one is anonymous."""
    require_customer_editor(by)
    locked = lock(customer)
    if locked.anonymised_at:
        raise BadInputError(_("This customer has been anonymised and can no longer be changed."))
    email = email.strip().lower()
    update_fields(
        locked,
        by=by,
        duplicate_error=_known(email),
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation=organisation,
        is_premium=is_premium,
    )
    cache.invalidate(cache.TICKETS)  # their name stands in lists
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
            _("%(email)s is already used by another account. Ask an administrator to "
                "correct this.")
            % {"email": user.email}
        )
    return customer


@transaction.atomic
def create_login(*, customer: Customer, by: User) -> str:
    """A log-in for a customer known by e-mail; returns the token with which they set a password.

    A log-in of the same address that is nobody's customer yet becomes theirs.
    """
    require_admin(by)
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
    require_admin(by)
    taken = BadInputError(
        _("The account %(name)s is already linked to another customer. Merge the two "
            "customers instead.")
        % {"name": person},
        field="person",
    )
    locked = lock(customer)
    if locked.anonymised_at:
        raise BadInputError(_("This customer has been anonymised and can no longer be changed."))
    update_fields(locked, by=by, duplicate_error=taken, user=person)
    cache.invalidate(cache.TICKETS)  # whose tickets they see is counted anew
    customer.refresh_from_db()


@transaction.atomic
def unlink_customer(*, customer: Customer, by: User) -> None:
    """The log-in stays, and sees this customer's tickets no more."""
    require_admin(by)
    update_fields(lock(customer), by=by, user=None)
    cache.invalidate(cache.TICKETS)
    customer.refresh_from_db()


def lock(customer: Customer) -> Customer:
    return Customer.objects.select_for_update().get(pk=customer.pk)


def _known(email: str) -> BadInputError:
    return BadInputError(
        _(
            "%(email)s is already registered. Sign in, or ask an agent to create an "
                "account for you."
        )
        % {"email": email},
        field="email",
    )


def ensure_organisation(*, name: str) -> Organisation:
    """The organisation of this name, whatever its case; a new one when there is none."""
    name = name.strip()
    known = Organisation.objects.filter(name__iexact=name).first()
    return known or Organisation.objects.create(name=name)


@transaction.atomic
def add_organisation(
    *, by: User, name: str, note: str = "", shares_tickets: bool = False
) -> Organisation:
    """Raises BadInputError when there is one of that name, whatever its case."""
    require_customer_editor(by)
    organisation = Organisation(name=name.strip(), note=note, shares_tickets=shares_tickets)
    try:
        with transaction.atomic():
            organisation.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(name) from error
    audit.record_change(by=by, verb="added", subject=organisation)
    return organisation


@transaction.atomic
def change_organisation(
    *, organisation: Organisation, by: User, name: str, note: str, shares_tickets: bool
) -> None:
    """``shares_tickets`` lets its customers see each other's tickets from this moment on."""
    require_customer_editor(by)
    locked = _lock(organisation)
    update_fields(
        locked,
        by=by,
        duplicate_error=_taken(name),
        name=name.strip(),
        note=note,
        shares_tickets=shares_tickets,
    )
    cache.invalidate(cache.TICKETS)
    organisation.refresh_from_db()


@transaction.atomic
def merge_organisations(*, source: Organisation, target: Organisation, by: User) -> None:
    """The customers of ``source`` go over to ``target``, and ``source`` is no more.

    What named ``source`` among others (the policy of a promise) names ``target`` from now on.
    """
    require_customer_editor(by)
    if source.pk == target.pk:
        raise BadInputError(_("Choose two different organisations."), field="target")
    first, second = sorted([source, target], key=lambda one: one.pk)
    _lock(first), _lock(second)
    moved = source.customers.update(organisation=target)
    _name_instead(source, target)
    data = {"into": str(target), "customers": moved}
    audit.record_change(by=by, verb="merged", subject=source, data=data)
    Organisation.objects.filter(pk=source.pk).delete()
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def remove_organisation(*, organisation: Organisation, by: User) -> None:
    """Raises BadInputError while it has customers."""
    require_customer_editor(by)
    locked = _lock(organisation)
    if locked.customers.exists():
        raise BadInputError(
            _("%(name)s still has customers. Merge it into another organisation instead.")
            % {"name": locked}
        )
    audit.record_change(by=by, verb="removed", subject=locked)
    locked.delete()


def _name_instead(source: Organisation, target: Organisation) -> None:
    """Rooms above hang themselves on organisations; this one need not know them by name."""
    for relation in Organisation._meta.related_objects:
        if relation.many_to_many:
            name = relation.field.name
            for row in relation.related_model._base_manager.filter(**{name: source}):
                getattr(row, name).add(target)


def _lock(organisation: Organisation) -> Organisation:
    return Organisation.objects.select_for_update().get(pk=organisation.pk)


def _taken(name: str) -> BadInputError:
    return BadInputError(
        _("An organisation called %(name)s already exists. Choose another name.") % {"name": name.strip()},
        field="name",
    )
