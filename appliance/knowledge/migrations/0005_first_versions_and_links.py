from django.db import migrations

OWNERS = "UPDATE knowledge_article SET owner_id = author_id WHERE owner_id IS NULL"
FIRST_VERSIONS = """
INSERT INTO knowledge_articleversion (article_id, number, title, content, note, by_id, at)
SELECT id, version, title, content, '', author_id, updated_at FROM knowledge_article
ON CONFLICT DO NOTHING
"""
SENT = """
INSERT INTO knowledge_articlelink (article_id, ticket_id, how, by_id, at)
SELECT DISTINCT ON (named.id, event.ticket_id)
    named.id, event.ticket_id, 'sent', event.actor_id, event.at
FROM tickets_event event
JOIN accounts_user actor ON actor.id = event.actor_id AND actor.role IN ('agent', 'admin')
CROSS JOIN LATERAL jsonb_array_elements_text(event.data -> 'articles') told(id)
JOIN knowledge_article named ON named.id = told.id::bigint
WHERE event.kind = 'replied' AND jsonb_typeof(event.data -> 'articles') = 'array'
ORDER BY named.id, event.ticket_id, event.at
ON CONFLICT DO NOTHING
"""
NOTHING = migrations.RunSQL.noop


class Migration(migrations.Migration):
    """Articles from before: whoever wrote one owns it, its text is version 1, and the answers that
    named it are its links. Their audience is what it was: everybody the desk lets in.
    """

    dependencies = [
        ("knowledge", "0004_append_only_versions"),
        ("tickets", "0006_moments_of_earlier_tickets"),
    ]
    operations = [
        migrations.RunSQL(OWNERS, NOTHING),
        migrations.RunSQL(FIRST_VERSIONS, NOTHING),
        migrations.RunSQL(SENT, NOTHING),
    ]
