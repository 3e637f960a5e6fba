"""Writes to customers and organisations."""

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
    """Create a customer with a user. Raises BadInputError when the address is known already.

    A customer known by e-mail alone is not linked to whoever registers that address, because
    nothing has proved that the address is theirs. An admin links the two.
    """
    user = add_user(email=email, first_name=first_name, last_name=last_name, password=password)
    return add_customer(
        email=email,
        first_name=first_name,
        last_name=last_name,
        claimed_organisation=claimed_organisation,
        user=user,
    )


def register_as_visitor(*, ip_address: str, **user_data: str) -> Customer:
    """Register a customer, if registration is open and within the rate limit of ``ip_address``."""
    if not core_queries.site_settings().is_registration_open:
        raise ForbiddenError(_("Registration is closed. Ask an agent for an account."))
    check_rate_limit(scope="register", ip_address=ip_address)
    return register_customer(**user_data)


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
    """Create a customer. Raises BadInputError when the address is known already."""
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
) -> Customer:
    """Create a customer without a user, by an agent; recorded in the audit log."""
    require_customer_editor(by)
    _require_may_join(by, organisation)
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
    """Change a customer. Raises BadInputError when the address is taken or they are anonymous.

    Whoever holds the address can read the customer's tickets, so that an agent changes it only
    where no ticket would reach more people than the agent may decide for.
    """
    require_customer_editor(by)
    locked = _lock_customer(customer)
    if locked.anonymised_at:
        raise BadInputError(_("This customer has been anonymised and can no longer be changed."))
    email = email.strip().lower()
    if organisation != locked.organisation:
        _require_may_join(by, organisation)
    if email != locked.email:
        require_may_give_access(by, locked, field="email")
    update_fields(
        locked,
        by=by,
        duplicate_error=_email_known_error(email),
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation=organisation,
        is_premium=is_premium,
    )
    cache.invalidate(cache.TICKETS)  # lists show the name
    customer.refresh_from_db()


def ensure_customer(*, email: str, first_name: str, last_name: str = "") -> Customer:
    """Return the customer of this address; create one when there is none."""
    try:
        return queries.find_customer(email=email) or add_customer(
            email=email, first_name=first_name, last_name=last_name
        )
    except BadInputError:  # created by a concurrent request
        return Customer.objects.get(email__iexact=email.strip())


def ensure_customer_of(user: User) -> Customer:
    """Return the customer record of a user; create or link one. Agents open tickets, too."""
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
            _("%(email)s is already used by another account. Ask an administrator to correct this.")
            % {"email": user.email}
        )
    return customer


@transaction.atomic
def create_login(*, customer: Customer, by: User) -> str:
    """Create or link a user for a customer; return the token of the link to set a password.

    A user of the same address without a customer record is linked.
    """
    require_admin(by)
    locked = _lock_customer(customer)
    person = locked.user
    if person is None:
        person = queries.find_user(email=locked.email) or add_user(
            email=locked.email,
            first_name=locked.first_name,
            last_name=locked.last_name,
            role=Role.CUSTOMER,
            password=None,
        )
        link_customer(customer=locked, person=person, by=by)
    customer.refresh_from_db()
    return invite(person=person, by=by)


@transaction.atomic
def link_customer(*, customer: Customer, person: User, by: User) -> None:
    """Let ``person`` see this customer's tickets."""
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
    cache.invalidate(cache.TICKETS)  # counts depend on whose tickets they see
    customer.refresh_from_db()


@transaction.atomic
def unlink_customer(*, customer: Customer, by: User) -> None:
    """Stop the linked user from seeing this customer's tickets; the user stays."""
    require_admin(by)
    update_fields(_lock_customer(customer), by=by, user=None)
    cache.invalidate(cache.TICKETS)
    customer.refresh_from_db()


def require_may_give_access(by: User, customer: Customer, *, field: str = "") -> None:
    """Raise BadInputError where only an admin may decide who reads the customer's tickets.

    That is where these include tickets of a closed team the agent is not in, or where their
    organisation shares its tickets.
    """
    if by.is_admin:
        return
    is_shared = queries.sees_colleagues_tickets(customer)
    if is_shared or queries.has_tickets_hidden_from(by, customer):
        raise BadInputError(
            _(
                "Only an administrator can decide who reads this customer's tickets: they include "
                "tickets you cannot see, or their organisation shares tickets."
            ),
            field=field,
        )


def _require_may_join(
    by: User, organisation: Organisation | None, *, field: str = "organisation"
) -> None:
    """Raise BadInputError unless ``by`` may let a customer see the organisation's tickets."""
    if organisation and organisation.shares_tickets and not by.is_admin:
        raise BadInputError(
            _(
                "The customers of %(name)s see each other's tickets. Only an administrator can "
                "add somebody to it."
            )
            % {"name": organisation},
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


def ensure_organisation(*, name: str) -> Organisation:
    """Return the organisation of this name, whatever its case; create one when there is none."""
    name = name.strip()
    organisation = Organisation.objects.filter(name__iexact=name).first()
    return organisation or Organisation.objects.create(name=name)


@transaction.atomic
def add_organisation(
    *, by: User, name: str, note: str = "", shares_tickets: bool = False
) -> Organisation:
    """Create an organisation. Raises BadInputError when the name is taken, whatever its case.

    Only admins may let its customers see each other's tickets.
    """
    require_customer_editor(by)
    if shares_tickets:
        require_admin(by)
    organisation = Organisation(name=name.strip(), note=note, shares_tickets=shares_tickets)
    try:
        with transaction.atomic():
            organisation.save(force_insert=True)
    except IntegrityError as error:
        raise _name_taken_error(name) from error
    audit.record_change(by=by, verb="added", subject=organisation)
    return organisation


@transaction.atomic
def change_organisation(
    *, organisation: Organisation, by: User, name: str, note: str, shares_tickets: bool
) -> None:
    """Change an organisation; ``shares_tickets``, for admins only, takes effect at once."""
    require_customer_editor(by)
    locked = _lock_organisation(organisation)
    if shares_tickets != locked.shares_tickets:
        require_admin(by)
    update_fields(
        locked,
        by=by,
        duplicate_error=_name_taken_error(name),
        name=name.strip(),
        note=note,
        shares_tickets=shares_tickets,
    )
    cache.invalidate(cache.TICKETS)
    organisation.refresh_from_db()


@transaction.atomic
def merge_organisations(*, source: Organisation, target: Organisation, by: User) -> None:
    """Move the customers of ``source`` to ``target`` and delete ``source``.

    Rows that list ``source`` among others (an SLA policy) list ``target`` afterwards. Where either
    shares its tickets, only an admin may decide who sees them.
    """
    require_customer_editor(by)
    for organisation in (source, target):
        _require_may_join(by, organisation, field="target")
    if source.pk == target.pk:
        raise BadInputError(_("Choose two different organisations."), field="target")
    first, second = sorted([source, target], key=lambda organisation: organisation.pk)
    _lock_organisation(first), _lock_organisation(second)
    customer_count = source.customers.update(organisation=target)
    _replace_in_relations(source, target)
    data = {"into": str(target), "customers": customer_count}
    audit.record_change(by=by, verb="merged", subject=source, data=data)
    Organisation.objects.filter(pk=source.pk).delete()
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def remove_organisation(*, organisation: Organisation, by: User) -> None:
    """Delete an organisation. Raises BadInputError while it has customers."""
    require_customer_editor(by)
    locked = _lock_organisation(organisation)
    if locked.customers.exists():
        raise BadInputError(
            _("%(name)s still has customers. Merge it into another organisation instead.")
            % {"name": locked}
        )
    audit.record_change(by=by, verb="removed", subject=locked)
    locked.delete()


def _replace_in_relations(source: Organisation, target: Organisation) -> None:
    """Replace ``source`` in many-to-many relations of rooms that accounts does not import."""
    for relation in Organisation._meta.related_objects:
        if relation.many_to_many:
            name = relation.field.name
            for row in relation.related_model._base_manager.filter(**{name: source}):
                getattr(row, name).add(target)


def _lock_organisation(organisation: Organisation) -> Organisation:
    return Organisation.objects.select_for_update().get(pk=organisation.pk)


def _name_taken_error(name: str) -> BadInputError:
    return BadInputError(
        _("An organisation called %(name)s already exists. Choose another name.")
        % {"name": name.strip()},
        field="name",
    )
