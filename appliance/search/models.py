"""Reindexing progress, the vocabulary for spelling corrections, and index checks."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone


class Reindex(models.Model):
    """A rebuild of all search vectors because the site language has changed."""

    language = models.CharField(max_length=20, help_text="Name of the stemmer in PostgreSQL.")
    previous_language = models.CharField(max_length=20)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    table_name = models.CharField(max_length=40, blank=True, help_text="The table in progress.")
    last_id = models.BigIntegerField(default=0, help_text="The last row done in that table.")
    rows_done = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(default=0, help_text="As counted at the start.")

    def __str__(self) -> str:
        languages = f"{self.previous_language} to {self.language}"
        return f"{languages}: {self.rows_done} of {self.rows_total}"

    @property
    def progress(self) -> float:
        """The share of rows that is done, 0..1."""
        return min(1.0, self.rows_done / self.rows_total) if self.rows_total else 1.0


class VocabularyWord(models.Model):
    """A word that occurs in tickets, messages or articles: a candidate for spelling corrections."""

    text = models.CharField(max_length=40, primary_key=True)
    text_count = models.BigIntegerField(default=0, help_text="Number of texts that hold it.")

    class Meta:
        indexes = [
            # serves guessing what was meant
            GinIndex(fields=["text"], opclasses=["gin_trgm_ops"], name="vocabulary_word_trgm_idx"),
        ]

    def __str__(self) -> str:
        return self.text


class VocabularyProgress(models.Model):
    """The last row of a table whose words are in the vocabulary."""

    table_name = models.CharField(max_length=40, primary_key=True)
    last_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.table_name} up to {self.last_id}"


class IndexCheck(models.Model):
    """A comparison of all texts with the full-text and vector indexes built from them.

    The JSON fields map a part of the index ("tickets", "passages", …) to a number of rows.
    """

    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_repairing = models.BooleanField(default=True)
    checked = models.JSONField(default=dict, help_text="Rows compared.")
    missing = models.JSONField(default=dict, help_text="Rows whose entry is missing or outdated.")
    repaired = models.JSONField(default=dict, help_text="Rows indexed again.")

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}: {self.missing_count} missing"

    @property
    def missing_count(self) -> int:
        return sum(self.missing.values())

    @property
    def checked_count(self) -> int:
        return sum(self.checked.values())

    @property
    def repaired_count(self) -> int:
        return sum(self.repaired.values())

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing, or all of it was repaired."""
        return self.missing_count <= self.repaired_count

    @property
    def duration_seconds(self) -> float | None:
        if self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()
