"""Services on tickets: each is atomic, writes one event per change and invalidates the cache.

``at`` is the time of the change, now by default; imports of old tickets set it.
"""

from appliance.tickets.services.assignments import hand_over_tickets, release_tickets
from appliance.tickets.services.automations import close_solved_tickets, resume_held_tickets
from appliance.tickets.services.bulk import (
    finish_abandoned_bulk_changes,
    finish_bulk_change,
    start_bulk_change,
    undo_bulk_change,
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
from appliance.tickets.services.children import (
    finish_child_update,
    finish_due_child_updates,
    reply_to_children,
    solve_children,
    undo_child_update,
)
from appliance.tickets.services.corrections import set_channel, set_requester, set_subject
from appliance.tickets.services.custom_fields import (
    add_field,
    change_field,
    deactivate_field,
    move_field,
    reactivate_field,
)
from appliance.tickets.services.events import (
    lock_ticket,
    record_escalation,
    record_forward,
    record_incident,
    record_undelivered,
    set_due,
    subscribe,
)
from appliance.tickets.services.links import (
    link_tickets,
    merge_tickets,
    split_ticket,
    unlink_tickets,
    unmerge_ticket,
)
from appliance.tickets.services.messages import (
    add_note,
    discard_draft,
    rate_ticket,
    reply,
    save_draft,
)
from appliance.tickets.services.participants import add_participants, remove_participant
from appliance.tickets.services.properties import (
    assign,
    hold_ticket,
    record_category_confirmation,
    require_unchanged,
    set_category,
    set_fields,
    set_language,
    set_priority,
    set_status,
    set_team,
)
from appliance.tickets.services.saved_views import (
    change_view,
    move_view,
    remove_view,
    save_view,
)
from appliance.tickets.services.tags import (
    add_tag,
    add_tags,
    check_tag_names,
    merge_tags,
    remove_tag,
    remove_tags,
    rename_tag,
    set_tags,
)
from appliance.tickets.services.tickets import create_ticket, record_classification, record_language
