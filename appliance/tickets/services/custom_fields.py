"""Verbs on the questions a desk asks. Key and kind stay as made: answers stand on them."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError
from appliance.tickets.models import CustomField, TicketCategory
from appliance.tickets.services import positions

MOST_CHOICES, MOST_CHARACTERS = 100, 100


@transaction.atomic
def add_field(
    *,
    by: User | None,
    label: str,
    kind: str,
    key: str = "",
    choices: Iterable[str] = (),
    categories: Iterable[TicketCategory] = (),
    is_required: bool = False,
    is_for_customers: bool = False,
) -> CustomField:
    """The last of the list. Without a ``key`` one is made of the label. ``by=None`` is the box."""
    if by is not None:
        require_admin(by)
    field = CustomField(
        key=key.strip() or slugify(label)[:40].strip("-") or "field",
        label=label.strip(),
        kind=kind,
        choices=_checked(kind, choices),
        is_required=is_required,
        is_for_customers=is_for_customers,
        position=positions.last(CustomField),
    )
    try:
        with transaction.atomic():
            field.save(force_insert=True)
    except IntegrityError as error:
        raise BadInputError(
            _("A field with the key “%(key)s” already exists. Choose another key.")
            % {"key": field.key},
            field="key",
        ) from error
    audit.record_change(by=by, verb="added", subject=field, data={"key": field.key})
    _set_categories(field, categories, by)
    _tell()
    return field


@transaction.atomic
def change_field(
    *,
    field: CustomField,
    by: User,
    label: str,
    choices: Iterable[str],
    categories: Iterable[TicketCategory],
    is_required: bool,
    is_for_customers: bool,
) -> None:
    """A choice that is taken away stays on the tickets that have it."""
    require_admin(by)
    locked = _lock(field)
    update_fields(
        locked,
        by=by,
        label=label.strip(),
        choices=_checked(locked.kind, choices),
        is_required=is_required,
        is_for_customers=is_for_customers,
    )
    _set_categories(locked, categories, by)
    _tell()
    field.refresh_from_db()


@transaction.atomic
def deactivate_field(*, field: CustomField, by: User) -> None:
    """It is asked no more; what was answered stays in the data."""
    require_admin(by)
    update_fields(_lock(field), by=by, is_active=False)
    _tell()
    field.refresh_from_db()


@transaction.atomic
def reactivate_field(*, field: CustomField, by: User) -> None:
    require_admin(by)
    update_fields(_lock(field), by=by, is_active=True)
    _tell()
    field.refresh_from_db()


@transaction.atomic
def move_field(*, field: CustomField, by: User, up: bool) -> None:
    require_admin(by)
    if positions.move(field, up=up):
        audit.record_change(by=by, verb="moved", subject=field, data={"up": up})
        _tell()


def _set_categories(
    field: CustomField, categories: Iterable[TicketCategory], by: User | None
) -> None:
    before = sorted(str(one) for one in field.categories.all())
    wanted = list(categories)
    after = sorted(str(one) for one in wanted)
    if before != after:
        field.categories.set(wanted)
        data = {"categories": {"from": before, "to": after}}
        audit.record_change(by=by, verb="changed", subject=field, data=data)


def _checked(kind: str, choices: Iterable[str]) -> list[str]:
    """The choices, each once; only a choice has any, and it has two at least."""
    if kind != CustomField.Kind.CHOICE:
        return []
    kept = list(dict.fromkeys(" ".join(one.split()) for one in choices if one.strip()))
    if len(kept) < 2:
        raise BadInputError(_("Enter at least two choices, one per line."), field="choices")
    if len(kept) > MOST_CHOICES or any(len(one) > MOST_CHARACTERS for one in kept):
        raise BadInputError(
            _("At most %(most)d choices of %(long)d characters each are allowed.")
            % {"most": MOST_CHOICES, "long": MOST_CHARACTERS},
            field="choices",
        )
    return kept


def _lock(field: CustomField) -> CustomField:
    return CustomField.objects.select_for_update().get(pk=field.pk)


def _tell() -> None:
    cache.invalidate(cache.CATEGORIES)
    cache.invalidate(cache.TICKETS)
