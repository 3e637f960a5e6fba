from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations
from pgvector.django import VectorExtension


class Migration(migrations.Migration):
    """What PostgreSQL must have before any table: vectors and trigrams."""

    initial = True
    dependencies = []
    operations = [VectorExtension(), TrigramExtension()]
