"""What the search room keeps: how far words were written anew, and what its checks found."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone


class Rewording(models.Model):
    """The words of all rows, written anew because the desk speaks another language."""

    language = models.CharField(max_length=20, help_text="How PostgreSQL calls it.")
    previous = models.CharField(max_length=20)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    table = models.CharField(max_length=40, blank=True, help_text="The one in work.")
    position = models.BigIntegerField(default=0, help_text="Its last number that was done.")
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0, help_text="As counted when it began.")

    def __str__(self) -> str:
        return f"{self.previous} to {self.language}: {self.done} of {self.total}"

    @property
    def share(self) -> float:
        """How much is done, 0..1."""
        return min(1.0, self.done / self.total) if self.total else 1.0


class Word(models.Model):
    """A word of this desk as people write it: what a mistyped one may have been meant to be."""

    text = models.CharField(max_length=40, primary_key=True)
    seen = models.BigIntegerField(default=0, help_text="In so many texts.")

    class Meta:
        indexes = [
            # serves guessing what was meant
            GinIndex(fields=["text"], opclasses=["gin_trgm_ops"], name="word_text_trgm_idx"),
        ]

    def __str__(self) -> str:
        return self.text


class Learning(models.Model):
    """How far the words of a table have been learned."""

    table = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=0, help_text="The last number that was read.")

    def __str__(self) -> str:
        return f"{self.table} up to {self.position}"


class Check(models.Model):
    """One look whether everything that should be found is."""

    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_repairing = models.BooleanField(default=True)
    looked = models.JSONField(default=dict, help_text="Part of the index to rows looked at.")
    missing = models.JSONField(default=dict, help_text="Part of the index to rows not found.")
    repaired = models.JSONField(default=dict, help_text="Part of the index to rows mended.")

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}: {self.missing_count} missing"

    @property
    def missing_count(self) -> int:
        return sum(self.missing.values())

    @property
    def looked_count(self) -> int:
        return sum(self.looked.values())

    @property
    def repaired_count(self) -> int:
        return sum(self.repaired.values())

    @property
    def is_whole(self) -> bool:
        """Whether everything is found, or was mended so that it is."""
        return self.missing_count <= self.repaired_count

    @property
    def seconds(self) -> float | None:
        if self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()
