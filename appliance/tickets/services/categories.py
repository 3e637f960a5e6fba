"""Services for categories, and for the order of rows that admins arrange."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict, TypeVar

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.database import lock_until_commit
from appliance.core.errors import BadInputError
from appliance.core.keys import new_key
from appliance.tickets.models import CustomField, TicketCategory

DEFAULT_CATEGORIES = Path(__file__).parents[1] / "default_categories.json"
MAX_EXAMPLES, MAX_CHARACTERS = 30, 200  # the classifier reads forty phrases of a category
RowT = TypeVar("RowT", TicketCategory, CustomField)


class DefaultCategory(TypedDict):
    slug: str
    name: str
    description: str
    examples: list[str]


def move_position(row: RowT, *, up: bool) -> bool:
    """Swap a row with its neighbour. Return False for the first or last row."""
    manager = type(row)._default_manager
    rows = list(manager.select_for_update().order_by(*row._meta.ordering or (), "pk"))
    index = rows.index(row)
    neighbour = index - 1 if up else index + 1
    if not 0 <= neighbour < len(rows):
        return False
    rows[index], rows[neighbour] = rows[neighbour], rows[index]
    for position, moved in enumerate(rows):
        moved.position = position
    manager.bulk_update(rows, ["position"])
    return True


def next_position(model: type[RowT]) -> int:
    """Return the position after all rows."""
    last = model._default_manager.aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


@transaction.atomic
def load_default_categories(slugs: set[str] | None = None) -> None:
    """Add the default categories, or some of them; a category that exists stays as it is."""
    for position, category in enumerate(default_categories()):
        if slugs is None or category["slug"] in slugs:
            TicketCategory.objects.get_or_create(
                slug=category["slug"],
                defaults={
                    "name": category["name"],
                    "description": category["description"],
                    "examples": category["examples"],
                    "position": position,
                },
            )
    cache.invalidate(cache.CATEGORIES)


def default_categories() -> list[DefaultCategory]:
    return json.loads(DEFAULT_CATEGORIES.read_text())


@transaction.atomic
def add_category(
    *, by: User, name: str, description: str = "", examples: Iterable[str] = ()
) -> TicketCategory:
    """Add a category at the end. Its slug comes from the name and never changes."""
    require_admin(by)
    name = _require_free_name(name)
    category = TicketCategory.objects.create(
        slug=new_key(TicketCategory, "slug", name, fallback="category", reserved={"none"}),
        name=name,
        description=description.strip(),
        examples=_clean_examples(examples),
        position=next_position(TicketCategory),
    )
    audit.record_change(by=by, verb="added", subject=category)
    invalidate_lists()
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
    """Change the name and the texts that the classifier reads."""
    require_admin(by)
    update_fields(
        _lock_category(category),
        by=by,
        name=_require_free_name(name, category),
        description=description.strip(),
        examples=_clean_examples(examples),
    )
    invalidate_lists()
    category.refresh_from_db()


@transaction.atomic
def deactivate_category(*, category: TicketCategory, by: User) -> None:
    """Offer the category no longer; its tickets keep it."""
    require_admin(by)
    update_fields(_lock_category(category), by=by, is_active=False)
    invalidate_lists()
    category.refresh_from_db()


@transaction.atomic
def reactivate_category(*, category: TicketCategory, by: User) -> None:
    require_admin(by)
    update_fields(_lock_category(category), by=by, is_active=True)
    invalidate_lists()
    category.refresh_from_db()


@transaction.atomic
def move_category(*, category: TicketCategory, by: User, up: bool) -> None:
    """Move the category one position up or down."""
    require_admin(by)
    if move_position(category, up=up):
        audit.record_change(by=by, verb="moved", subject=category, data={"up": up})
        invalidate_lists()


def _require_free_name(name: str, category: TicketCategory | None = None) -> str:
    """Return the name, reserved until the commit. Raises BadInputError if it is taken."""
    lock_until_commit("tickets.category_names")
    name = name.strip()
    others = TicketCategory.objects.filter(name__iexact=name)
    if category:
        others = others.exclude(pk=category.pk)
    if others.exists():
        raise BadInputError(
            _("A category named %(name)s already exists; it may be inactive.") % {"name": name},
            field="name",
        )
    return name


def _clean_examples(examples: Iterable[str]) -> list[str]:
    """Return the phrases without duplicates, empty ones and full stops at the end."""
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


def invalidate_lists() -> None:
    """Invalidate cached choices, and ticket lists, which show them."""
    cache.invalidate(cache.CATEGORIES)
    cache.invalidate(cache.TICKETS)
