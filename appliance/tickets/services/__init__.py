"""Verbs on tickets and what belongs to them. Each is atomic, writes one event a change, and tells
the cache.

``at`` is when it happened, for history that is brought in; by default now.
"""

from appliance.tickets.services.bulk import (
    change_many,
    finish_abandoned_changes,
    finish_change,
    undo_many,
    undo_seconds,
)
from appliance.tickets.services.categories import (
    add_category,
    change_category,
    deactivate_category,
    default_categories,
    load_default_categories,
    move_category,
    reactivate_category,
)
from appliance.tickets.services.custom_fields import (
    add_field,
    change_field,
    deactivate_field,
    move_field,
    reactivate_field,
)
from appliance.tickets.services.drafts import discard_draft, save_draft
from appliance.tickets.services.due import set_due
from appliance.tickets.services.escalation import record_escalation
from appliance.tickets.services.fields import set_fields
from appliance.tickets.services.linking import (
    link_tickets,
    merge_tickets,
    split_ticket,
    unlink_tickets,
    unmerge_ticket,
)
from appliance.tickets.services.properties import (
    assign,
    refuse_if_changed,
    set_category,
    set_priority,
    set_team,
)
from appliance.tickets.services.rating import rate_ticket
from appliance.tickets.services.saved_views import (
    change_view,
    move_view,
    remove_view,
    save_view,
)
from appliance.tickets.services.status import hold_ticket, set_status
from appliance.tickets.services.tag_names import add_tag, merge_tags, remove_tag, rename_tag
from appliance.tickets.services.tags import add_tags, remove_tags, set_tags
from appliance.tickets.services.talk import add_note, reply
from appliance.tickets.services.tickets import open_ticket, record_sorting
from appliance.tickets.services.waking import close_solved_tickets, wake_held_tickets

__all__ = [
    "add_category",
    "add_field",
    "add_note",
    "add_tag",
    "add_tags",
    "assign",
    "change_category",
    "change_field",
    "change_many",
    "change_view",
    "close_solved_tickets",
    "deactivate_category",
    "deactivate_field",
    "default_categories",
    "discard_draft",
    "finish_abandoned_changes",
    "finish_change",
    "hold_ticket",
    "link_tickets",
    "load_default_categories",
    "merge_tags",
    "merge_tickets",
    "move_category",
    "move_field",
    "move_view",
    "open_ticket",
    "rate_ticket",
    "reactivate_category",
    "reactivate_field",
    "record_escalation",
    "record_sorting",
    "refuse_if_changed",
    "remove_tag",
    "remove_tags",
    "remove_view",
    "rename_tag",
    "reply",
    "save_draft",
    "save_view",
    "set_category",
    "set_due",
    "set_fields",
    "set_priority",
    "set_status",
    "set_tags",
    "set_team",
    "split_ticket",
    "undo_many",
    "undo_seconds",
    "unlink_tickets",
    "unmerge_ticket",
    "wake_held_tickets",
]
