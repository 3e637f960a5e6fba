"""Services for custom fields. Key, kind and owner never change: stored values depend on them."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError
from appliance.core.keys import new_key
from appliance.tickets.models import CustomField, TicketCategory
from appliance.tickets.services.categories import (
    invalidate_lists,
    move_position,
    next_position,
)

MAX_CHOICES, MAX_CHARACTERS = 100, 100


@transaction.atomic
def add_field(
    *,
    by: User | None,
    label: str,
    kind: str,
    owner: str = CustomField.Owner.TICKET,
    key: str = "",
    choices: Iterable[str] = (),
    categories: Iterable[TicketCategory] = (),
    is_required: bool = False,
    is_for_customers: bool = False,
) -> CustomField:
    """Add a custom field at the end. Without ``key``, the key comes from the label.

    Categories, and whether customers see it, count for a field of tickets only.
    """
    if by is not None:
        require_admin(by)
    field = CustomField(
        key=key.strip() or new_key(CustomField, "key", label, fallback="field"),
        label=label.strip(),
        kind=kind,
        owner=owner,
        choices=_clean_choices(kind, choices),
        is_required=is_required,
        is_for_customers=is_for_customers,
        position=next_position(CustomField),
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
    invalidate_lists()
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
    """Change a custom field. A choice that is removed stays on the tickets that have it."""
    require_admin(by)
    locked = _lock_field(field)
    update_fields(
        locked,
        by=by,
        label=label.strip(),
        choices=_clean_choices(locked.kind, choices),
        is_required=is_required,
        is_for_customers=is_for_customers,
    )
    _set_categories(locked, categories, by)
    invalidate_lists()
    field.refresh_from_db()


@transaction.atomic
def deactivate_field(*, field: CustomField, by: User) -> None:
    """Offer the field no longer; stored values stay."""
    require_admin(by)
    update_fields(_lock_field(field), by=by, is_active=False)
    invalidate_lists()
    field.refresh_from_db()


@transaction.atomic
def reactivate_field(*, field: CustomField, by: User) -> None:
    require_admin(by)
    update_fields(_lock_field(field), by=by, is_active=True)
    invalidate_lists()
    field.refresh_from_db()


@transaction.atomic
def move_field(*, field: CustomField, by: User, up: bool) -> None:
    require_admin(by)
    if move_position(field, up=up):
        audit.record_change(by=by, verb="moved", subject=field, data={"up": up})
        invalidate_lists()


def _set_categories(
    field: CustomField, categories: Iterable[TicketCategory], by: User | None
) -> None:
    before = sorted(str(category) for category in field.categories.all())
    chosen = list(categories)
    after = sorted(str(category) for category in chosen)
    if before != after:
        field.categories.set(chosen)
        data = {"categories": {"from": before, "to": after}}
        audit.record_change(by=by, verb="changed", subject=field, data=data)


def _clean_choices(kind: str, choices: Iterable[str]) -> list[str]:
    """Return the choices without duplicates, at least two; none for another kind."""
    if kind != CustomField.Kind.CHOICE:
        return []
    unique = list(dict.fromkeys(" ".join(choice.split()) for choice in choices if choice.strip()))
    if len(unique) < 2:
        raise BadInputError(_("Enter at least two choices, one per line."), field="choices")
    if len(unique) > MAX_CHOICES or any(len(choice) > MAX_CHARACTERS for choice in unique):
        raise BadInputError(
            _("At most %(most)d choices of %(long)d characters each are allowed.")
            % {"most": MAX_CHOICES, "long": MAX_CHARACTERS},
            field="choices",
        )
    return unique


def _lock_field(field: CustomField) -> CustomField:
    return CustomField.objects.select_for_update().get(pk=field.pk)
