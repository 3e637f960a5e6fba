-- A large database for test_indexes.py: 100,000 customers, tickets, articles and events.
-- Nine in ten tickets are closed, as after years of use.

INSERT INTO accounts_customer
    (email, first_name, last_name, claimed_organisation, is_premium, created_at)
SELECT 'person' || n || '@crowd.example', 'First' || n % 500, 'Last' || n, 'Organisation ' || n % 90,
       n % 200 = 0, now() - n * interval '1 minute'
FROM generate_series(1, 100000) AS n;

INSERT INTO accounts_user
    (password, email, first_name, last_name, role, is_active, created_at)
SELECT '!', 'person' || n || '@crowd.example', 'First', 'Last', 'customer', true, now()
FROM generate_series(1, 20000) AS n;

INSERT INTO accounts_team (name, description, is_closed, rights, is_active)
SELECT 'Team ' || n, '', false, '[]', true FROM generate_series(1, 40) AS n;

INSERT INTO tickets_ticketcategory (slug, name, description, examples, position, is_active)
SELECT 'category-' || n, 'Category ' || n, '', '[]', n, true FROM generate_series(1, 40) AS n;

CREATE TEMPORARY TABLE word ON COMMIT DROP AS
SELECT n, (ARRAY['printer', 'page', 'mail', 'login', 'screen', 'network', 'backup', 'invoice',
                 'laptop', 'account', 'folder', 'update', 'phone', 'badge', 'report', 'server'])
          [1 + n % 16] || CASE WHEN n < 16 THEN '' ELSE chr(97 + n / 26) || chr(97 + n % 26) END
       AS text
FROM generate_series(0, 399) AS n;

CREATE TEMPORARY TABLE phrase ON COMMIT DROP AS
SELECT at / 4 AS n, string_agg(word.text, ' ') AS text
FROM generate_series(0, 19999) AS at JOIN word ON word.n = abs(hashint4(at)) % 400
GROUP BY at / 4;

INSERT INTO tickets_ticket
    (customer_id, subject, description, status, resume_at, solved_at, guest_token_sha256,
     priority, created_at, updated_at, idempotency_key, category_id, team_id, due_at)
SELECT (SELECT min(id) FROM accounts_customer) + row % 100000,
       short.text || ' ' || row, long.text || ' ' || short.text,
       CASE WHEN row % 20 > 1 THEN 'closed' WHEN row % 200 = 0 THEN 'hold'
            WHEN row % 20 = 0 THEN 'open' WHEN row % 40 = 1 THEN 'new' ELSE 'solved' END,
       CASE WHEN row % 200 = 0 THEN now() + row * interval '1 minute' END,
       CASE WHEN row % 40 = 21 THEN now() END,
       CASE WHEN row % 100 = 7 THEN md5(row::text) || md5(row::text) ELSE '' END,
       1 + row % 4, now() - row * interval '5 minutes', now() - row % 77777 * interval '1 minute',
       gen_random_uuid(), (SELECT min(id) FROM tickets_ticketcategory) + row / 7 % 40,
       (SELECT min(id) FROM accounts_team) + row / 9 % 40,
       CASE WHEN row % 20 < 2 AND row % 3 > 0 THEN now() + row % 5000 * interval '1 minute' END
FROM generate_series(1, 100000) AS row
JOIN phrase AS short ON short.n = row % 5000
JOIN phrase AS long ON long.n = row * 17 % 4999;

INSERT INTO knowledge_article
    (title, content, status, created_at, updated_at, category_id, helpful, unhelpful, review_on)
SELECT short.text || ' ' || row, long.text || ' ' || short.text,
       CASE WHEN row % 10 = 0 THEN 'draft' ELSE 'published' END, now(), now() - row * interval '1 minute',
       (SELECT min(id) FROM tickets_ticketcategory) + row % 40,
       CASE WHEN row % 20 = 1 THEN row % 7 ELSE 0 END, CASE WHEN row % 20 = 1 THEN row % 5 ELSE 0 END,
       CASE WHEN row % 100 = 1 THEN current_date + row % 900 - 30 END
FROM generate_series(1, 100000) AS row
JOIN phrase AS short ON short.n = row % 5000
JOIN phrase AS long ON long.n = row * 17 % 4999;

INSERT INTO core_auditentry (at, actor_name, verb, kind, subject, subject_id, data)
SELECT updated_at, 'Crowd', 'changed', 'article', left(title, 200), id::text, '{}' FROM knowledge_article;

INSERT INTO knowledge_articlelink (article_id, ticket_id, how, at)
SELECT (SELECT min(id) FROM knowledge_article) + id % 1000, id, 'sent', created_at FROM tickets_ticket
WHERE id % 3 = 0;

INSERT INTO tickets_message
    (ticket_id, author_name, kind, is_from_customer, body, created_at, idempotency_key)
SELECT id, 'Crowd', CASE WHEN id % 5 = 0 THEN 'note' ELSE 'reply' END, false, subject || ' ' || status,
       created_at, gen_random_uuid()
FROM tickets_ticket;

INSERT INTO tickets_event (ticket_id, at, actor_name, kind, data)
SELECT id, created_at, 'Crowd', 'opened', '{}' FROM tickets_ticket ORDER BY created_at;

INSERT INTO search_vocabularyword (text, text_count) SELECT md5(n::text), n FROM generate_series(1, 50000) AS n;
INSERT INTO search_vocabularyword (text, text_count) SELECT text, 1 FROM word ON CONFLICT DO NOTHING;
