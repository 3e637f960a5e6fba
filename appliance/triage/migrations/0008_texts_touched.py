"""The backlog looks at what was touched, not at every text (decision 19).

Whoever takes away a whole vector space that nobody reads says so (skerry.forgets_a_space).
"""

from django.db import migrations, models

KINDS = [("ticket", "Ticket"), ("article", "Article")]
FORWARD = """
CREATE FUNCTION triage_touch_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_touched (kind, object_id) VALUES ('ticket', NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION triage_touch_new_tickets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_touched (kind, object_id) SELECT 'ticket', id FROM fresh;
    RETURN NULL;
END $$;
CREATE FUNCTION triage_touch_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_touched (kind, object_id) VALUES ('article', NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION triage_touch_read_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_touched (kind, object_id) VALUES ('ticket', OLD.ticket_id);
    RETURN NULL;
END $$;
CREATE FUNCTION triage_touch_forgotten_annotations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_touched (kind, object_id) SELECT DISTINCT 'ticket', ticket_id FROM gone;
    RETURN NULL;
END $$;
CREATE FUNCTION triage_touch_forgotten_vectors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_touched (kind, object_id)
    SELECT DISTINCT 'ticket', ticket_id FROM gone
    WHERE current_setting('skerry.forgets_a_space', true) IS DISTINCT FROM 'on';
    RETURN NULL;
END $$;
CREATE FUNCTION triage_touch_read_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_touched (kind, object_id) VALUES ('article', OLD.article_id);
    RETURN NULL;
END $$;
CREATE FUNCTION triage_touch_forgotten_passages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_touched (kind, object_id)
    SELECT DISTINCT 'article', article_id FROM gone
    WHERE current_setting('skerry.forgets_a_space', true) IS DISTINCT FROM 'on';
    RETURN NULL;
END $$;

CREATE TRIGGER triage_new AFTER INSERT ON tickets_ticket REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION triage_touch_new_tickets();
CREATE TRIGGER triage_reads_otherwise AFTER UPDATE OF subject, description ON tickets_ticket
    FOR EACH ROW WHEN ((OLD.subject, OLD.description) IS DISTINCT FROM
                       (NEW.subject, NEW.description))
    EXECUTE FUNCTION triage_touch_ticket();
CREATE TRIGGER triage_new AFTER INSERT ON knowledge_article
    FOR EACH ROW EXECUTE FUNCTION triage_touch_article();
CREATE TRIGGER triage_reads_otherwise AFTER UPDATE OF title, content, status ON knowledge_article
    FOR EACH ROW WHEN ((OLD.title, OLD.content, OLD.status) IS DISTINCT FROM
                       (NEW.title, NEW.content, NEW.status))
    EXECUTE FUNCTION triage_touch_article();
CREATE TRIGGER triage_said_otherwise AFTER UPDATE ON triage_annotation
    FOR EACH ROW WHEN ((OLD.ticket_id, OLD.kind, OLD.bundle_digest, OLD.text_sha256)
                       IS DISTINCT FROM
                       (NEW.ticket_id, NEW.kind, NEW.bundle_digest, NEW.text_sha256))
    EXECUTE FUNCTION triage_touch_read_ticket();
CREATE TRIGGER triage_forgotten AFTER DELETE ON triage_annotation REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION triage_touch_forgotten_annotations();
CREATE TRIGGER triage_said_otherwise AFTER UPDATE ON triage_ticketvector
    FOR EACH ROW WHEN ((OLD.ticket_id, OLD.space, OLD.text_sha256) IS DISTINCT FROM
                       (NEW.ticket_id, NEW.space, NEW.text_sha256))
    EXECUTE FUNCTION triage_touch_read_ticket();
CREATE TRIGGER triage_forgotten AFTER DELETE ON triage_ticketvector REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION triage_touch_forgotten_vectors();
CREATE TRIGGER triage_said_otherwise AFTER UPDATE ON triage_passage
    FOR EACH ROW WHEN ((OLD.article_id, OLD.space, OLD.text_sha256) IS DISTINCT FROM
                       (NEW.article_id, NEW.space, NEW.text_sha256))
    EXECUTE FUNCTION triage_touch_read_article();
CREATE TRIGGER triage_forgotten AFTER DELETE ON triage_passage REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION triage_touch_forgotten_passages();
"""
BACKWARD = """
DROP FUNCTION triage_touch_ticket, triage_touch_new_tickets, triage_touch_article,
    triage_touch_read_ticket, triage_touch_forgotten_annotations, triage_touch_forgotten_vectors,
    triage_touch_read_article, triage_touch_forgotten_passages CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("triage", "0007_gaps_in_what_is_written"),
        ("tickets", "0007_search_what_was_said"),
        ("knowledge", "0006_imports_looked_at"),
    ]

    operations = [
        migrations.CreateModel(
            name="Touched",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(choices=KINDS, max_length=8)),
                ("object_id", models.BigIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "object_id"], name="touched_text_idx")],
            },
        ),
        migrations.CreateModel(
            name="LookedThrough",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(choices=KINDS, max_length=8)),
                ("role", models.CharField(max_length=16)),
                (
                    "bundle",
                    models.CharField(
                        help_text="Its digest; of an encoder, its space.", max_length=80
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "role"), name="looked_through_once_a_role"
                    )
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
