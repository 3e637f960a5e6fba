"""Reads on tickets, each scoped to the viewer. What a viewer may not see does not exist."""

from appliance.tickets.filters import (
    SENTIMENT_THRESHOLD,
    SENTIMENTS,
    TicketFilter,
    annotate_sentiment,
)
from appliance.tickets.queries.administration import (
    access_category,
    access_field,
    access_tag,
    count_tickets_of,
    list_all_categories,
    list_all_fields,
    list_all_tags,
)
from appliance.tickets.queries.choices import (
    Answer,
    can_see_team,
    category_names,
    fields_of,
    list_agent_choices,
    list_answers,
    list_assignable,
    list_assignee_choices,
    list_categories,
    list_category_choices,
    list_category_slug_choices,
    list_fields,
    list_mentionable,
    list_tags,
    list_team_choices,
    list_teams,
)
from appliance.tickets.queries.lists import (
    MAX_COUNTED,
    count_open,
    count_tickets,
    list_ticket_ids,
    list_tickets,
)
from appliance.tickets.queries.messages import (
    access_attachment,
    access_guest_attachment,
    access_message,
    can_rate,
    find_draft,
    find_rating,
    list_first_message_files,
    list_messages,
)
from appliance.tickets.queries.saved_views import (
    access_bulk_change,
    access_view,
    access_view_to_edit,
    can_change_in_bulk,
    can_share,
    find_bulk_change,
    list_views,
    list_views_to_edit,
)
from appliance.tickets.queries.tickets import (
    LinkedTicket,
    access_guest_ticket,
    access_link,
    access_ticket,
    can_see_ticket,
    find_last_event_id,
    find_merge_target,
    list_links,
    list_merged,
    was_category_set_by_agent,
)
