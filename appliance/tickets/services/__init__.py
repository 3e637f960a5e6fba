"""Verbs on tickets and what belongs to them. Each is atomic, writes one event a change, and tells
the cache.

``at`` is when it happened, for history that is brought in; by default now.
"""

from appliance.tickets.services.categories import default_categories, load_default_categories
from appliance.tickets.services.due import set_due
from appliance.tickets.services.tickets import (
    add_note,
    assign,
    open_ticket,
    record_sorting,
    reply,
    set_category,
    set_priority,
    set_status,
)

__all__ = [
    "add_note",
    "assign",
    "default_categories",
    "load_default_categories",
    "open_ticket",
    "record_sorting",
    "reply",
    "set_category",
    "set_due",
    "set_priority",
    "set_status",
]
