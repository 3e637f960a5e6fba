"""A ticket or an article has its vectors in each space; the rows that are there keep theirs."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0001_initial"),
        ("tickets", "0001_initial"),
        ("triage", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ticketvector",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="vectors",
                to="tickets.ticket",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticketvector",
            constraint=models.UniqueConstraint(
                fields=("space", "ticket"), name="ticket_vector_once_a_space"
            ),
        ),
        migrations.RemoveConstraint(model_name="passage", name="passage_position_once"),
        migrations.AddConstraint(
            model_name="passage",
            constraint=models.UniqueConstraint(
                fields=("space", "article", "position"), name="passage_once_a_space"
            ),
        ),
    ]
