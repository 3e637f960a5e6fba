"""Rows that admins put in an order."""

import json
from collections.abc import Iterable
from pathlib import Path

from django.db import models, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.database import lock_until_commit
from appliance.core.errors import BadInputError
from appliance.tickets.models import TicketCategory


def move_position(row: models.Model, *, up: bool) -> bool:
    """Trade places with the neighbour; all rows get fresh positions. False at either end."""
    rows = list(type(row).objects.select_for_update().order_by(*row._meta.ordering, "pk"))
    at = rows.index(row)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(rows):
        return False
    rows[at], rows[to] = rows[to], rows[at]
    for position, neighbour in enumerate(rows):
        neighbour.position = position
    type(row).objects.bulk_update(rows, ["position"])
    return True


def last_position(model: type[models.Model]) -> int:
    """The position behind all others."""
    most = model.objects.aggregate(most=models.Max("position"))["most"]
    return 0 if most is None else most + 1


DEFAULT_CATEGORIES = Path(__file__).parents[1] / "default_categories.json"
MAX_EXAMPLES, MAX_CHARACTERS = 30, 200  # the sorter reads forty pieces of a category


@transaction.atomic
def load_default_categories(slugs: set[str] | None = None) -> None:
    """The shipped taxonomy, or the part of it named; what is there already stays as it is."""
    for position, row in enumerate(default_categories()):
        if slugs is None or row["slug"] in slugs:
            TicketCategory.objects.get_or_create(
                slug=row["slug"],
                defaults={
                    "name": row["name"],
                    "description": row["description"],
                    "examples": row["examples"],
                    "position": position,
                },
            )
    cache.invalidate(cache.CATEGORIES)


def default_categories() -> list[dict]:
    """The taxonomy Skerry ships: slug, name, description and example phrases of each."""
    return json.loads(DEFAULT_CATEGORIES.read_text())


@transaction.atomic
def add_category(
    *, by: User, name: str, description: str = "", examples: Iterable[str] = ()
) -> TicketCategory:
    """The last of the list. Its slug is made of the name and stays."""
    require_admin(by)
    name = _require_free_name(name)
    category = TicketCategory.objects.create(
        slug=_unique_slug(name),
        name=name,
        description=description.strip(),
        examples=_clean_category(examples),
        position=last_position(TicketCategory),
    )
    audit.record_change(by=by, verb="added", subject=category)
    _invalidate_lists()
    return category


@transaction.atomic
def change_category(
    *,
    category: TicketCategory,
    by: User,
    name: str,
    description: str,
    examples: Iterable[str],
) -> None:
    """What it is called and what the sorter reads of it."""
    require_admin(by)
    update_fields(
        _lock_category(category),
        by=by,
        name=_require_free_name(name, category),
        description=description.strip(),
        examples=_clean_category(examples),
    )
    _invalidate_lists()
    category.refresh_from_db()


@transaction.atomic
def deactivate_category(*, category: TicketCategory, by: User) -> None:
    """No ticket is put into it any more; those in it stay."""
    require_admin(by)
    update_fields(_lock_category(category), by=by, is_active=False)
    _invalidate_lists()
    category.refresh_from_db()


@transaction.atomic
def reactivate_category(*, category: TicketCategory, by: User) -> None:
    require_admin(by)
    update_fields(_lock_category(category), by=by, is_active=True)
    _invalidate_lists()
    category.refresh_from_db()


@transaction.atomic
def move_category(*, category: TicketCategory, by: User, up: bool) -> None:
    """One place up or down in every list."""
    require_admin(by)
    if move_position(category, up=up):
        audit.record_change(by=by, verb="moved", subject=category, data={"up": up})
        _invalidate_lists()


def _require_free_name(name: str, category: TicketCategory | None = None) -> str:
    """The name, when no other category has it; held until the transaction ends."""
    lock_until_commit("tickets.category_names")
    name = name.strip()
    others = TicketCategory.objects.filter(name__iexact=name)
    if others.exclude(pk=category.pk if category else None).exists():
        raise BadInputError(
            _("A category named %(name)s already exists; it may be inactive.") % {"name": name},
            field="name",
        )
    return name


def _unique_slug(name: str) -> str:
    base = slugify(name)[:34].strip("-") or "category"
    taken = set(TicketCategory.objects.values_list("slug", flat=True)) | {"none"}
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(slug for slug in numbered if slug not in taken)


def _clean_category(examples: Iterable[str]) -> list[str]:
    """Each once, without empty ones. A full stop inside would cut a phrase in two."""
    phrases = [" ".join(phrase.split()).rstrip(".") for phrase in examples]
    unique = list(dict.fromkeys(phrase for phrase in phrases if phrase))
    if len(unique) > MAX_EXAMPLES:
        raise BadInputError(
            _("At most %(most)d example phrases are allowed. Keep the most varied ones.")
            % {"most": MAX_EXAMPLES},
            field="examples",
        )
    if long := [phrase for phrase in unique if len(phrase) > MAX_CHARACTERS]:
        raise BadInputError(
            _("“%(phrase)s …” is too long: one phrase per line, at most %(most)d characters.")
            % {"phrase": long[0][:30], "most": MAX_CHARACTERS},
            field="examples",
        )
    return unique


def _lock_category(category: TicketCategory) -> TicketCategory:
    return TicketCategory.objects.select_for_update().get(pk=category.pk)


def _invalidate_lists() -> None:
    cache.invalidate(cache.CATEGORIES)
    cache.invalidate(cache.TICKETS)  # lists show names of categories
