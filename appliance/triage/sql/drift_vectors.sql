-- A sample of the vectors of a month, in an order that is the same at each run and has no sense.
SELECT vector.vector::text
FROM triage_ticketvector AS vector
JOIN tickets_ticket AS ticket ON ticket.id = vector.ticket_id
WHERE vector.space = %(space)s
  AND ticket.created_at >= %(since)s
  AND ticket.created_at < %(until)s
  AND ticket.merged_into_id IS NULL
ORDER BY hashint8(ticket.id), ticket.id
LIMIT %(limit)s
