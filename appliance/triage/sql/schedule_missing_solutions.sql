-- The newest solved tickets without a row, due at once; solved again or merged meanwhile: no harm,
-- since the worker looks at the ticket.
INSERT INTO triage_solution (ticket_id, sentences, due_at)
SELECT ticket.id, '[]', %(due_at)s
FROM tickets_ticket AS ticket
LEFT JOIN triage_solution AS solution ON solution.ticket_id = ticket.id
WHERE ticket.status IN ('solved', 'closed')
  AND ticket.merged_into_id IS NULL
  AND ticket.solved_at BETWEEN %(since)s AND %(until)s
  AND solution.id IS NULL
ORDER BY ticket.solved_at DESC
LIMIT %(limit)s
ON CONFLICT (ticket_id) DO NOTHING
