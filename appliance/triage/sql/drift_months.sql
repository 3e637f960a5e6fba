-- The months that have tickets, with their numbers, the oldest first.
SELECT date_trunc('month', ticket.created_at AT TIME ZONE %(zone)s)::date AS month, count(*)
FROM tickets_ticket AS ticket
WHERE ticket.created_at >= %(since)s AND ticket.merged_into_id IS NULL AND ticket.description <> ''
GROUP BY month
ORDER BY month
