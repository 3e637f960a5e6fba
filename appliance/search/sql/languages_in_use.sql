-- The languages of these that a ticket or an article is in; one look into an index for each.
SELECT language
FROM unnest(%(languages)s::text[]) WITH ORDINALITY AS known (language, place)
WHERE EXISTS (SELECT FROM tickets_ticket AS ticket WHERE ticket.language = known.language)
   OR EXISTS (SELECT FROM knowledge_article AS article WHERE article.language = known.language)
ORDER BY place
