"""Writes to organisations, and who may let a customer see an organisation's tickets."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import Organisation, User
from appliance.accounts.permissions import require_admin, require_customer_editor
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError


def require_may_join(
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
        require_may_join(by, organisation, field="target")
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
