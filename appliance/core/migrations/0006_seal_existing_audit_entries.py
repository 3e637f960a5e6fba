from django.db import migrations

SEAL_ALL = """
SELECT core_add_audit_seal(entry)
FROM (SELECT e FROM core_auditentry AS e ORDER BY e.id) AS existing (entry)
"""


class Migration(migrations.Migration):
    """Seal the audit entries that are older than the chain."""

    dependencies = [("core", "0005_audit_chain")]
    operations = [migrations.RunSQL(SEAL_ALL, migrations.RunSQL.noop)]
