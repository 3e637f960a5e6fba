"""Every list it was made for is answered as fast by others: a status by priority is read along all
tickets by priority, an open one along the open ones, and the few that are solved by when they were.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0007_search_what_was_said"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="ticket", name="ticket_queue_idx"),
    ]
