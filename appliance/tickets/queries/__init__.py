"""Reads on tickets, each scoped to the viewer. What a viewer may not see does not exist."""

from appliance.tickets.queries.lists import (
    MOOD_THRESHOLD,
    MOODS,
    TicketFilter,
    count_open,
    list_tickets,
    with_mood,
)
from appliance.tickets.queries.tickets import (
    access_ticket,
    list_categories,
    list_messages,
    was_category_chosen,
)

__all__ = [
    "MOODS",
    "MOOD_THRESHOLD",
    "TicketFilter",
    "access_ticket",
    "count_open",
    "list_categories",
    "list_messages",
    "list_tickets",
    "was_category_chosen",
    "with_mood",
]
