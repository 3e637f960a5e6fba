from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"
FUNCTIONS = [(SQL / f"{name}.sql").read_text() for name in ("triggers", "audit_chain")]


class Migration(migrations.Migration):
    """Seal new audit entries in a chain of hashes."""

    dependencies = [("core", "0004_audit_seals")]
    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in FUNCTIONS]
