"""Verbs on organisations."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import Organisation, User
from appliance.accounts.services.recording import change
from appliance.accounts.services.rights import refuse_unless_keeper_of_customers
from appliance.core import audit, cache
from appliance.core.errors import BadInputError


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
    refuse_unless_keeper_of_customers(by)
    organisation = Organisation(name=name.strip(), note=note, shares_tickets=shares_tickets)
    try:
        with transaction.atomic():
            organisation.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(name) from error
    audit.record(by=by, verb="added", subject=organisation)
    return organisation


@transaction.atomic
def change_organisation(
    *, organisation: Organisation, by: User, name: str, note: str, shares_tickets: bool
) -> None:
    """``shares_tickets`` lets its customers see each other's tickets from this moment on."""
    refuse_unless_keeper_of_customers(by)
    locked = _lock(organisation)
    change(
        locked,
        by=by,
        taken=_taken(name),
        name=name.strip(),
        note=note,
        shares_tickets=shares_tickets,
    )
    cache.changed(cache.TICKETS)
    organisation.refresh_from_db()


@transaction.atomic
def merge_organisations(*, source: Organisation, target: Organisation, by: User) -> None:
    """The customers of ``source`` go over to ``target``, and ``source`` is no more.

    What named ``source`` among others (the policy of a promise) names ``target`` from now on.
    """
    refuse_unless_keeper_of_customers(by)
    if source.pk == target.pk:
        raise BadInputError(_("Choose two different organisations."), field="target")
    first, second = sorted([source, target], key=lambda one: one.pk)
    _lock(first), _lock(second)
    moved = source.customers.update(organisation=target)
    _name_instead(source, target)
    data = {"into": str(target), "customers": moved}
    audit.record(by=by, verb="merged", subject=source, data=data)
    Organisation.objects.filter(pk=source.pk).delete()
    cache.changed(cache.TICKETS)


@transaction.atomic
def remove_organisation(*, organisation: Organisation, by: User) -> None:
    """Raises BadInputError while it has customers."""
    refuse_unless_keeper_of_customers(by)
    locked = _lock(organisation)
    if locked.customers.exists():
        raise BadInputError(
            _("%(name)s has customers. Merge it into another organisation instead.")
            % {"name": locked}
        )
    audit.record(by=by, verb="removed", subject=locked)
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
        _("There is an organisation called %(name)s already.") % {"name": name.strip()},
        field="name",
    )
