-- The number of vectors of a month, and their mean.
SELECT count(*), avg(vector.vector::vector)::text
FROM triage_ticketvector AS vector
JOIN tickets_ticket AS ticket ON ticket.id = vector.ticket_id
WHERE vector.space = %(space)s
  AND ticket.created_at >= %(since)s
  AND ticket.created_at < %(until)s
  AND ticket.merged_into_id IS NULL
