-- What belongs to a ticket, so that its page reads only what is there: one row, each part by an
-- index. Parameters: ticket, viewer.
SELECT
    coalesce(events.last_id, 0) AS last_event,
    events.total AS event_count,
    coalesce(events.is_category_set_by_agent, false) AS is_category_set_by_agent,
    ARRAY(
        SELECT tag.name
        FROM tickets_tag tag
        JOIN tickets_ticket_tags has ON has.tag_id = tag.id
        WHERE has.ticket_id = %(ticket)s
        ORDER BY tag.name
    ) AS tags,
    ARRAY(
        SELECT article_id FROM triage_suggestion WHERE ticket_id = %(ticket)s
    ) AS suggested_articles,
    ARRAY(
        SELECT article_id FROM triage_suggestion
        WHERE ticket_id = %(ticket)s AND state = 'dismissed'
    ) AS dismissed_articles,
    EXISTS (
        SELECT FROM triage_correction WHERE ticket_id = %(ticket)s
    ) AS has_category_choice,
    EXISTS (
        SELECT FROM triage_categorylabel WHERE ticket_id = %(ticket)s AND source <> 'kept'
    ) AS has_category_label,
    EXISTS (SELECT FROM tickets_ticket WHERE merged_into_id = %(ticket)s) AS has_merged_tickets,
    EXISTS (SELECT FROM tickets_attachment WHERE ticket_id = %(ticket)s) AS has_files,
    EXISTS (SELECT FROM mail_inboundemail WHERE ticket_id = %(ticket)s) AS has_emails,
    EXISTS (SELECT FROM tickets_ticketlink WHERE source_id = %(ticket)s)
    OR EXISTS (SELECT FROM tickets_ticketlink WHERE target_id = %(ticket)s) AS has_links,
    EXISTS (SELECT FROM triage_incidentticket WHERE ticket_id = %(ticket)s)
    OR EXISTS (SELECT FROM triage_incident WHERE parent_id = %(ticket)s) AS has_incident,
    EXISTS (SELECT FROM tickets_rating WHERE ticket_id = %(ticket)s) AS has_rating,
    EXISTS (
        SELECT FROM tickets_draft WHERE user_id = %(viewer)s AND ticket_id = %(ticket)s
    ) AS has_draft,
    EXISTS (
        SELECT FROM notifications_notification
        WHERE user_id = %(viewer)s AND ticket_id = %(ticket)s AND read_at IS NULL
    ) AS has_notifications,
    EXISTS (SELECT FROM macros_macro) AS has_macros
FROM (
    SELECT
        max(id) AS last_id,
        count(*) AS total,
        bool_or(kind = 'category' AND actor_id IS NOT NULL) AS is_category_set_by_agent
    FROM tickets_event
    WHERE ticket_id = %(ticket)s
) AS events
