-- The tickets of a month with their predictions by the active bundles, and what people decided.
-- The latest correction counts: who takes a correction back has overridden nothing.
SELECT ticket.customer_id,
       ticket.team_id,
       ticket.language,
       ticket.subject || E'\n' || ticket.description AS text,
       category.id IS NOT NULL AS is_predicted,
       coalesce(category.label, '') AS category,
       coalesce(category.scores -> 0 ->> 0, '') AS first_guess,
       coalesce(sentiment.label, '') AS sentiment,
       correction.predicted <> '' AND correction.predicted IS DISTINCT FROM chosen.slug
           AS is_overridden,
       label.predicted AS label_predicted,
       label.confidence AS label_confidence,
       label_category.slug AS label_category
FROM tickets_ticket AS ticket
LEFT JOIN triage_prediction AS category
    ON category.ticket_id = ticket.id AND category.kind = 'category'
    AND category.bundle_digest = %(classifier)s
LEFT JOIN triage_prediction AS sentiment
    ON sentiment.ticket_id = ticket.id AND sentiment.kind = 'sentiment'
    AND sentiment.bundle_digest = %(sentiment)s
LEFT JOIN LATERAL (
    SELECT predicted, category_id
    FROM triage_correction
    WHERE triage_correction.ticket_id = ticket.id
    ORDER BY triage_correction.id DESC
    LIMIT 1
) AS correction ON true
LEFT JOIN tickets_ticketcategory AS chosen ON chosen.id = correction.category_id
LEFT JOIN triage_categorylabel AS label
    ON label.ticket_id = ticket.id AND label.source IN ('corrected', 'confirmed')
    AND label.predicted <> '' AND label.confidence IS NOT NULL
LEFT JOIN tickets_ticketcategory AS label_category ON label_category.id = label.category_id
WHERE ticket.created_at >= %(since)s
  AND ticket.created_at < %(until)s
  AND ticket.merged_into_id IS NULL
  AND ticket.description <> ''
ORDER BY ticket.id
