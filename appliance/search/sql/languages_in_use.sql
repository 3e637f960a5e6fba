-- The languages of these that a ticket or an article is in; one look into an index for each.
-- The next language in order, rather than EXISTS, for which the planner would read the whole table
-- where one language is nearly every row.
SELECT language
FROM unnest(%(languages)s::text[]) WITH ORDINALITY AS known (language, place)
WHERE known.language = (
        SELECT ticket.language FROM tickets_ticket AS ticket
        WHERE ticket.language >= known.language ORDER BY ticket.language LIMIT 1)
   OR known.language = (
        SELECT article.language FROM knowledge_article AS article
        WHERE article.language >= known.language ORDER BY article.language LIMIT 1)
ORDER BY place
