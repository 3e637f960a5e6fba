-- Every day on which something happened to these tickets.
SELECT DISTINCT (at AT TIME ZONE %(zone)s)::date AS day FROM (
    SELECT at FROM tickets_event WHERE ticket_id = ANY(%(tickets)s)
  UNION ALL
    SELECT unnest(ARRAY[created_at, first_response_at, solved_at])
    FROM tickets_ticket WHERE id = ANY(%(tickets)s)
  UNION ALL
    SELECT at FROM tickets_rating WHERE ticket_id = ANY(%(tickets)s)
  UNION ALL
    SELECT unnest(ARRAY[
        least(first_response_met_at, first_response_due_at),
        least(resolution_met_at, resolution_due_at)
    ])
    FROM sla_slatimer WHERE ticket_id = ANY(%(tickets)s)
) AS moments WHERE at IS NOT NULL ORDER BY 1
