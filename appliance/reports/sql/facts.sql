-- Everything that counts between two moments, one row each, with its day in the site's time zone
-- and the ticket's present team, category, assignee, organisation, channel and language, without
-- merged tickets. A channel or language is a number: its place in the list of them, from 1.
--
-- An SLA target is counted when it is met, or when it falls due without being met.
SELECT
    (fact.at AT TIME ZONE %(zone)s)::date AS day,
    fact.kind, fact.seconds, fact.sentiment,
    ticket.team_id, ticket.category_id, ticket.assignee_id, customer.organisation_id,
    array_position(%(channels)s::varchar[], ticket.channel) AS channel_id,
    array_position(%(languages)s::varchar[], ticket.language) AS language_id
FROM (
    SELECT id AS ticket_id, 'opened' AS kind, created_at AS at,
           NULL::integer AS seconds, sentiment_score AS sentiment
    FROM tickets_ticket
    WHERE created_at >= %(since)s AND created_at < %(until)s
  UNION ALL
    SELECT id, 'first_responses', first_response_at,
           greatest(extract(epoch FROM first_response_at - created_at), 0)::integer, NULL
    FROM tickets_ticket
    WHERE first_response_at >= %(since)s AND first_response_at < %(until)s
  UNION ALL
    SELECT id, 'solved', solved_at,
           greatest(extract(epoch FROM solved_at - created_at), 0)::integer, NULL
    FROM tickets_ticket
    WHERE solved_at >= %(since)s AND solved_at < %(until)s
  UNION ALL
    SELECT ticket_id, CASE WHEN is_good THEN 'rated_good' ELSE 'rated_bad' END, at, NULL, NULL
    FROM tickets_rating
    WHERE at >= %(since)s AND at < %(until)s
  UNION ALL
    SELECT ticket_id,
           CASE WHEN first_response_met_at <= first_response_due_at
                THEN 'first_response_met' ELSE 'first_response_missed' END,
           least(first_response_met_at, first_response_due_at), NULL, NULL
    FROM sla_slatimer
    WHERE first_response_due_at IS NOT NULL
      AND least(first_response_met_at, first_response_due_at) >= %(since)s
      AND least(first_response_met_at, first_response_due_at) < least(%(until)s, now())
  UNION ALL
    SELECT ticket_id,
           CASE WHEN resolution_met_at <= resolution_due_at
                THEN 'resolution_met' ELSE 'resolution_missed' END,
           least(resolution_met_at, resolution_due_at), NULL, NULL
    FROM sla_slatimer
    WHERE resolution_due_at IS NOT NULL
      AND least(resolution_met_at, resolution_due_at) >= %(since)s
      AND least(resolution_met_at, resolution_due_at) < least(%(until)s, now())
) AS fact
JOIN tickets_ticket AS ticket ON ticket.id = fact.ticket_id
JOIN accounts_customer AS customer ON customer.id = ticket.customer_id
WHERE ticket.merged_into_id IS NULL
