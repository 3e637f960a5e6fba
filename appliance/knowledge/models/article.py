"""What an article said before."""

from datetime import date

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.core.fields import search_vector_field
from appliance.tickets.models import TicketCategory


class ArticleQuerySet(models.QuerySet):
    def published(self) -> "ArticleQuerySet":
        return self.filter(status=Article.Status.PUBLISHED)

    def for_customers(self) -> "ArticleQuerySet":
        """What may be sent to whoever has a log-in."""
        return self.published().exclude(audience=Article.Audience.INTERNAL)

    def in_use(self) -> "ArticleQuerySet":
        """What is worth offering: everything but the archive."""
        return self.exclude(status=Article.Status.ARCHIVED)

    def visible_to(self, viewer: User) -> "ArticleQuerySet":
        """Agents read every article, customers the published ones meant for them; strangers those
        meant for everybody, where the desk shows its articles at all.

        The one scope of lists, pages, files, search and suggestions alike.
        """
        if viewer.is_anonymous:
            public = self.published().filter(audience=Article.Audience.PUBLIC)
            return public if core_queries.site_settings().is_knowledge_public else self.none()
        if not viewer.is_active:
            return self.none()
        return self if viewer.is_agent else self.for_customers()


class Article(models.Model):
    """An answer worth keeping, in Markdown."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        REVIEW = "review", _("In review")
        PUBLISHED = "published", _("Published")
        ARCHIVED = "archived", _("Archived")

    class Audience(models.TextChoices):
        """Who reads it once it is published."""

        INTERNAL = "internal", _("Agents only")
        CUSTOMERS = "customers", _("Signed-in customers")
        PUBLIC = "public", _("Public")

    title = models.CharField(max_length=200)
    content = models.TextField()
    category = models.ForeignKey(
        TicketCategory, null=True, blank=True, on_delete=models.SET_NULL, related_name="articles"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    audience = models.CharField(
        max_length=9, choices=Audience, default=Audience.PUBLIC, db_default=Audience.PUBLIC
    )
    author = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    owner = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="owned_articles",
        help_text="Who keeps it true.",
    )
    review_on = models.DateField(null=True, blank=True, help_text="To be looked through by then.")
    review_told_on = models.DateField(
        null=True, blank=True, editable=False, help_text="The review date its owner was told of."
    )
    version = models.PositiveIntegerField(
        default=1, db_default=1, editable=False, help_text="Number of the newest version."
    )
    external_key = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        editable=False,
        help_text="What its source calls it; the next import finds it by that.",
    )
    imported_sha256 = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        editable=False,
        help_text="Of what the source said last.",
    )
    helpful = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    unhelpful = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # with one vote for and one against to start from, so that one click makes no winner
    usefulness = models.GeneratedField(
        expression=(F("helpful") + Value(1.0)) / (F("helpful") + F("unhelpful") + Value(2.0)),
        output_field=models.FloatField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    search_vector = search_vector_field(title="title", body="content")

    objects = ArticleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["external_key"], condition=~Q(external_key=""), name="article_key_once"
            ),
        ]
        indexes = [
            # serves the list of one state (customers see one), latest change first
            models.Index(fields=["status", "-updated_at", "-id"], name="article_status_idx"),
            # serves the list of all, latest change first
            models.Index(fields=["-updated_at", "-id"], name="article_changed_idx"),
            # serves the portal: one category after the other, by title
            models.Index(
                fields=["category", "title"],
                condition=Q(status="published"),
                name="article_shelf_idx",
            ),
            # serves the list of what is due for review
            models.Index(
                fields=["review_on"],
                condition=Q(status="published", review_on__isnull=False),
                name="article_review_idx",
            ),
            # serves the lists of the most and the least useful
            models.Index(
                fields=["usefulness", "id"],
                condition=Q(helpful__gt=0) | Q(unhelpful__gt=0),
                name="article_usefulness_idx",
            ),
            # serves search by words
            GinIndex(fields=["search_vector"], name="article_search_idx"),
            # serves search with typos
            GinIndex(fields=["title"], opclasses=["gin_trgm_ops"], name="article_title_trgm_idx"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_for_customers(self) -> bool:
        """Whether it may be put into an answer: the customer can open it."""
        return self.status == self.Status.PUBLISHED and self.audience != self.Audience.INTERNAL

    @property
    def votes(self) -> int:
        return self.helpful + self.unhelpful

    @property
    def is_due(self) -> bool:
        """Whether somebody should look through it again."""
        return (
            self.status == self.Status.PUBLISHED
            and self.review_on is not None
            and self.review_on <= today()
        )


def today() -> date:
    return timezone.localdate()


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
