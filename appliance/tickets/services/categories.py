"""Verbs on categories."""

import json
from pathlib import Path

from django.db import transaction

from appliance.core import cache
from appliance.tickets.models import TicketCategory

DEFAULT_CATEGORIES = Path(__file__).parents[1] / "default_categories.json"


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
    cache.changed(cache.CATEGORIES)


def default_categories() -> list[dict]:
    """The taxonomy Skerry ships: slug, name, description and example phrases of each."""
    return json.loads(DEFAULT_CATEGORIES.read_text())
