-- Count tickets and articles by status and category, largest groups first.
-- Articles have no status here; category columns are NULL where there is no category.
SELECT hit.status, category.slug, category.name, count(*)
FROM (
    SELECT status, category_id FROM tickets_ticket WHERE id = ANY(%(ticket_ids)s)
    UNION ALL
    SELECT '', category_id FROM knowledge_article WHERE id = ANY(%(article_ids)s)
) AS hit
LEFT JOIN tickets_ticketcategory AS category ON category.id = hit.category_id
GROUP BY hit.status, category.slug, category.name
ORDER BY count(*) DESC, category.name
