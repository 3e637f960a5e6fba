"""One HNSW index over all vectors becomes one for each space that is there (decision 15)."""

import hashlib

from django.db import migrations
from psycopg import sql

from appliance.core.database import give_room_to_build

INDEXED = {"triage_ticketvector": "ticket_vector_hnsw", "triage_passage": "passage_vector_hnsw"}
CREATE = sql.SQL(
    "CREATE INDEX IF NOT EXISTS {name} ON {table} USING hnsw (vector halfvec_cosine_ops)"
    " WITH (m = 16, ef_construction = 64) WHERE space = {space}"
)


def index_each(apps, editor) -> None:
    with editor.connection.cursor() as cursor:
        give_room_to_build(cursor, is_local=True)
        for table, prefix in INDEXED.items():
            cursor.execute(f"SELECT DISTINCT space FROM {table}")  # noqa: S608 - ours
            for (space,) in cursor.fetchall():
                name = f"{prefix}_{hashlib.sha256(space.encode()).hexdigest()[:12]}"
                create = CREATE.format(
                    name=sql.Identifier(name),
                    table=sql.Identifier(table),
                    space=sql.Literal(space),
                )
                cursor.execute(create.as_string(editor.connection.connection))


class Migration(migrations.Migration):
    dependencies = [("triage", "0002_vectors_of_spaces_side_by_side")]

    operations = [
        migrations.RunPython(index_each, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name="passage", name="passage_vector_hnsw"),
        migrations.RemoveIndex(model_name="ticketvector", name="ticket_vector_hnsw"),
    ]
