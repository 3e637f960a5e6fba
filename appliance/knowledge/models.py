"""Articles and their versions, files, links to tickets, votes and pending imports."""

from collections.abc import Collection
from typing import Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User, Viewer
from appliance.core import queries as core_queries
from appliance.core.dates import site_date
from appliance.core.fields import RowSearchVectorField
from appliance.core.models import AppendOnlyModel
from appliance.files.models import StoredFile
from appliance.tickets.models import Ticket, TicketCategory


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self) -> Self:
        return self.filter(status=Article.Status.PUBLISHED)

    def for_customers(self) -> Self:
        """Return the published articles that signed-in customers may read."""
        return self.published().exclude(audience=Article.Audience.INTERNAL)

    def in_use(self) -> Self:
        """Return all articles but the archived ones."""
        return self.exclude(status=Article.Status.ARCHIVED)

    def in_groups(self, groups: Collection[int]) -> Self:
        """Return the articles with these ids and their translations."""
        return self.filter(Q(pk__in=groups) | Q(original__in=groups))

    def for_reader(self, language: str) -> Self:
        """Keep one article of each group of translations, chosen among these.

        A published one comes first, then the one in the language, then the original.
        """
        group = Coalesce("original_id", "pk")
        preference = Case(When(status=Article.Status.PUBLISHED, then=4), default=0) + Case(
            When(language=language, then=2), When(original=None, then=1), default=0
        )
        is_better = Q(preference__gt=OuterRef("preference")) | Q(
            preference=OuterRef("preference"), pk__lt=OuterRef("pk")
        )
        better = (
            Article.objects.annotate(group=group, preference=preference)
            .filter(group=OuterRef("group"), pk__in=self.order_by().values("pk"))
            .filter(is_better)
        )
        return self.alias(group=group, preference=preference).exclude(Exists(better))

    def visible_to(self, viewer: Viewer) -> Self:
        """Return the articles the viewer may read.

        Agents read all, customers the published ones for customers, and anonymous visitors the
        public ones if the help centre is public. Lists, pages, files, search and suggestions all
        start from here.
        """
        if viewer.is_anonymous:
            public = self.published().filter(audience=Article.Audience.PUBLIC)
            return public if core_queries.site_settings().is_knowledge_public else self.none()
        if not viewer.is_active:
            return self.none()
        return self if viewer.is_agent else self.for_customers()


class Article(models.Model):
    """An article of the knowledge base, in Markdown."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        REVIEW = "review", _("In review")
        PUBLISHED = "published", _("Published")
        ARCHIVED = "archived", _("Archived")

    class Audience(models.TextChoices):
        """Readers of the published article."""

        INTERNAL = "internal", _("Agents only")
        CUSTOMERS = "customers", _("Signed-in customers")
        PUBLIC = "public", _("Public")

    title = models.CharField(max_length=200)
    content = models.TextField()
    language = models.CharField(
        max_length=2,
        blank=True,
        default="",
        db_default="",
        help_text="ISO 639-1 code of its text; empty while it is not recognised.",
    )
    original = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="translations",
        editable=False,
        help_text="The article that it is a translation of.",
    )
    original_version = models.PositiveIntegerField(
        null=True, editable=False, help_text="Version of the original that it translates."
    )
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
        help_text="Who keeps it up to date.",
    )
    review_on = models.DateField(null=True, blank=True, help_text="Due for review from this date.")
    notified_review_on = models.DateField(
        null=True,
        blank=True,
        editable=False,
        help_text="The review date that its owner was notified of.",
    )
    version = models.PositiveIntegerField(
        default=1, db_default=1, editable=False, help_text="Number of the newest version."
    )
    external_key = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        editable=False,
        help_text="Its key in the import source, by which the next import finds it.",
    )
    imported_sha256 = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        editable=False,
        help_text="Digest of the article as last imported.",
    )
    helpful = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    unhelpful = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # One vote for and one against are added, so that a single vote does not decide the order.
    usefulness = models.GeneratedField(
        expression=(F("helpful") + Value(1.0)) / (F("helpful") + F("unhelpful") + Value(2.0)),
        output_field=models.FloatField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    search_vector = RowSearchVectorField()

    objects = ArticleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["external_key"], condition=~Q(external_key=""), name="article_key_once"
            ),
            models.UniqueConstraint(
                fields=["original", "language"],
                condition=Q(original__isnull=False),
                name="article_translation_once",
            ),
        ]
        indexes = [
            # serves the list of one status (customers see one), latest change first
            models.Index(fields=["status", "-updated_at", "-id"], name="article_status_idx"),
            # serves the list of all, latest change first
            models.Index(fields=["-updated_at", "-id"], name="article_changed_idx"),
            # serves the help centre: the articles of a category, by title
            models.Index(
                fields=["category", "title"],
                condition=Q(status="published"),
                name="article_category_idx",
            ),
            # serves finding the translations of an article
            models.Index(Coalesce("original", "id"), name="article_group_idx"),
            # serves which languages are in use
            models.Index(fields=["language"], name="article_language_idx"),
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
        """Whether customers can open it, so that an agent may insert it in a reply."""
        return self.status == self.Status.PUBLISHED and self.audience != self.Audience.INTERNAL

    @property
    def group_id(self) -> int:
        """The id of the original, which an article and its translations share."""
        return self.original_id or self.pk

    def translations_exist(self) -> bool:
        """Return whether other articles are translations of it. One query."""
        return self.pk is not None and self.translations.exists()

    @property
    def is_outdated(self) -> bool:
        """Whether it translates an older version than the one its published original has now.

        Reads the original.
        """
        return (
            self.original is not None
            and self.original.status == self.Status.PUBLISHED
            and self.original.version > (self.original_version or 0)
        )

    @property
    def votes(self) -> int:
        return self.helpful + self.unhelpful

    @property
    def is_due(self) -> bool:
        """Whether it is due for review."""
        return (
            self.status == self.Status.PUBLISHED
            and self.review_on is not None
            and self.review_on <= site_date()
        )


class ArticleVersion(AppendOnlyModel):
    """Title and content as saved once. A trigger of the database refuses changes."""

    article = models.ForeignKey(  # indexed by the constraint below
        Article, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    content = models.TextField()
    note = models.CharField(max_length=200, blank=True, help_text="Change note of the author.")
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="version_number_once"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.article_id}"


class ArticleFile(models.Model):
    """An image or another file of an article, open to the readers of the article."""

    article = models.ForeignKey(  # indexed by the constraint below
        Article, on_delete=models.CASCADE, related_name="files", db_index=False
    )
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200, help_text="Its name in the content: ![…](name).")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["article", "name"], name="article_file_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.article_id}"


class ArticleLink(models.Model):
    """A link between an article and a ticket: how an agent connected them."""

    class How(models.TextChoices):
        """Kinds of links, weakest first; linking again keeps the stronger kind."""

        LINKED = "linked", _("linked manually")
        ACCEPTED = "accepted", _("suggestion accepted")
        SENT = "sent", _("inserted in a reply")

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="links")
    ticket = models.ForeignKey(  # indexed by the constraint below
        Ticket, on_delete=models.CASCADE, related_name="article_links", db_index=False
    )
    how = models.CharField(max_length=8, choices=How)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "article"], name="article_link_once"),
        ]

    def __str__(self) -> str:
        return f"{self.article_id} {self.how} on SKR-{self.ticket_id}"


class ArticleVote(models.Model):
    """The vote of a reader, a user or an anonymous session, whether an article was helpful."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="votes_cast")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    session_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of an anonymous session."
    )
    is_helpful = models.BooleanField()
    comment = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "user"], condition=Q(user__isnull=False), name="vote_once_a_user"
            ),
            models.UniqueConstraint(
                fields=["article", "session_sha256"],
                condition=~Q(session_sha256=""),
                name="vote_once_a_session",
            ),
        ]

    def __str__(self) -> str:
        return f"{'yes' if self.is_helpful else 'no'} to {self.article_id}"


class PendingImport(models.Model):
    """An uploaded import file whose preview was shown; deleted when it is applied."""

    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name
