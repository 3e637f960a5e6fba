"""Queries on tickets. To a viewer who may not see a row, it does not exist."""

from appliance.tickets.filters import (
    SENTIMENT_THRESHOLD,
    SENTIMENTS,
    TicketFilter,
    annotate_sentiment,
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
from appliance.tickets.queries.properties import (
    Answer,
    access_category,
    access_field,
    access_tag,
    can_act,
    can_see_team,
    count_open_in_category,
    list_agent_choices,
    list_all_categories,
    list_all_fields,
    list_all_tags,
    list_answers,
    list_assignable,
    list_assignee_choices,
    list_categories,
    list_category_choices,
    list_category_fields,
    list_category_names,
    list_category_slug_choices,
    list_fields,
    list_mentionable,
    list_stranded,
    list_tags,
    list_team_choices,
    list_teams,
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
    find_merge_target,
    list_links,
    list_merged,
    was_category_set_by_agent,
)
