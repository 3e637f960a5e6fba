"""Take the labels of categories from the corrections that agents made before."""

from django.db import migrations

# The latest choice of each ticket, unless it took the category away.
LABELS_FROM_CORRECTIONS = """
INSERT INTO triage_categorylabel (ticket_id, category_id, source, predicted, confidence, by_id, at)
SELECT ticket_id, category_id,
       CASE WHEN guess = slug THEN 'confirmed' ELSE 'corrected' END, guess, NULL, by_id, created_at
FROM (
    SELECT DISTINCT ON (ticket_id) correction.ticket_id, correction.category_id, category.slug,
           coalesce(nullif(correction.predicted, ''), correction.withheld_label) AS guess,
           correction.by_id, correction.created_at
    FROM triage_correction AS correction
    LEFT JOIN tickets_ticketcategory AS category ON category.id = correction.category_id
    ORDER BY correction.ticket_id, correction.id DESC
) AS latest
WHERE category_id IS NOT NULL
ON CONFLICT (ticket_id) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0005_category_labels")]

    operations = [migrations.RunSQL(LABELS_FROM_CORRECTIONS, migrations.RunSQL.noop)]
