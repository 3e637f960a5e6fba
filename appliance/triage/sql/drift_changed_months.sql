-- The months of tickets that were predicted, corrected or labelled since a moment.
SELECT DISTINCT date_trunc('month', ticket.created_at AT TIME ZONE %(zone)s)::date
FROM (
    SELECT ticket_id FROM triage_prediction WHERE created_at >= %(since)s
    UNION
    SELECT ticket_id FROM triage_correction WHERE created_at >= %(since)s
    UNION
    SELECT ticket_id FROM triage_categorylabel WHERE at >= %(since)s
) AS changed
JOIN tickets_ticket AS ticket ON ticket.id = changed.ticket_id
