-- Smallest and largest id of tickets, articles and customers. Empty tables give NULL.
SELECT
    (SELECT min(id) FROM tickets_ticket),
    (SELECT max(id) FROM tickets_ticket),
    (SELECT min(id) FROM knowledge_article),
    (SELECT max(id) FROM knowledge_article),
    (SELECT min(id) FROM accounts_customer),
    (SELECT max(id) FROM accounts_customer)
