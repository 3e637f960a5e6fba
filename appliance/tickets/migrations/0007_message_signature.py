from django.db import migrations, models


class Migration(migrations.Migration):
    """Store the signature an agent had when a reply was sent."""

    dependencies = [("tickets", "0006_rebuild_search_vectors")]
    operations = [
        migrations.AddField(
            model_name="message",
            name="signature",
            field=models.TextField(blank=True, db_default="", default=""),
        )
    ]
