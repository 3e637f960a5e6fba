"""Articles: what the desk already knows."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core import queries as core
from appliance.core.fields import search_vector_of
from appliance.tickets.models import TicketCategory


class ArticleQuerySet(models.QuerySet):
    def published(self) -> "ArticleQuerySet":
        return self.filter(status=Article.Status.PUBLISHED)

    def visible_to(self, viewer: User) -> "ArticleQuerySet":
        """Agents read every article, customers the published ones; strangers those, too, where
        the desk shows them to everybody.
        """
        if viewer.is_anonymous:
            return self.published() if core.desk().is_knowledge_public else self.none()
        if not viewer.is_active:
            return self.none()
        return self if viewer.is_agent else self.published()


class Article(models.Model):
    """An answer worth keeping, in Markdown."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")

    title = models.CharField(max_length=200)
    content = models.TextField()
    category = models.ForeignKey(
        TicketCategory, null=True, blank=True, on_delete=models.SET_NULL, related_name="articles"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    author = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    search_vector = search_vector_of(title="title", body="content")

    objects = ArticleQuerySet.as_manager()

    class Meta:
        indexes = [
            # serves the list of articles, latest change first
            models.Index(fields=["status", "-updated_at"], name="article_status_idx"),
            # serves search by words
            GinIndex(fields=["search_vector"], name="article_search_idx"),
            # serves search with typos
            GinIndex(fields=["title"], opclasses=["gin_trgm_ops"], name="article_title_trgm_idx"),
        ]

    def __str__(self) -> str:
        return self.title
