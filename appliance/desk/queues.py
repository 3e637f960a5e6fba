"""The queues at the left of the list: what each is called, how many wait, where it leads."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from appliance.tickets.models import OPEN_STATUSES, Priority, Status, TicketCategory
from appliance.tickets.queries import MOODS, TicketFilter


@dataclass(frozen=True)
class Queue:
    value: str | int
    label: str
    count: int
    query: str
    is_chosen: bool


def list_queues(
    counts: dict, narrowed: TicketFilter, categories: Iterable[TicketCategory]
) -> dict[str, list[Queue]]:
    """Queues by dimension. A link keeps the other dimensions; the chosen one leads out of it."""
    sorted_into = {category.slug: category.name for category in categories}
    labels = {
        "status": {status.value: status.label for status in (*OPEN_STATUSES, Status.SOLVED)},
        "priority": {priority.value: priority.label for priority in reversed(Priority)},
        "category": {
            slug: name
            for slug, name in {**sorted_into, "none": "Not sure or not sorted"}.items()
            if counts["category"].get(slug)
        },
        "mood": {mood: mood.capitalize() for mood in MOODS},
    }
    chosen = {name: value for name, value in asdict(narrowed).items() if value}
    return {
        dimension: [
            _queue(dimension, value, label, counts[dimension].get(value, 0), chosen)
            for value, label in named.items()
        ]
        for dimension, named in labels.items()
    }


def _queue(dimension: str, value: str | int, label: str, count: int, chosen: dict) -> Queue:
    is_chosen = chosen.get(dimension) == value
    others = {name: other for name, other in chosen.items() if name != dimension}
    query = urlencode(others if is_chosen else others | {dimension: value})
    return Queue(value, label, count, f"?{query}" if query else "", is_chosen)
