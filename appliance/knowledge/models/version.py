"""What an article said before."""

from django.db import models
from django.utils import timezone

from appliance.accounts.models import User
from appliance.knowledge.models.article import Article


class ArticleVersion(models.Model):
    """Title and text as they were saved once. The database lets nobody change a row."""

    article = models.ForeignKey(  # indexed by the constraint below
        Article, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    content = models.TextField()
    note = models.CharField(max_length=200, blank=True, help_text="What was changed, and why.")
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="version_number_once"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.article_id}"
