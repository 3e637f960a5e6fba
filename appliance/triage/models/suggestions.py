"""Articles suggested on tickets, and gaps in the knowledge base."""

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket


class Suggestion(models.Model):
    """An article that agents were shown on a ticket, and its outcome.

    Inserted: it was sent in a reply. Dismissed: an agent said that it does not fit, and it is not
    suggested on that ticket again.
    """

    class State(models.TextChoices):
        SHOWN = "shown", _("Shown")
        INSERTED = "inserted", _("Inserted")
        DISMISSED = "dismissed", _("Dismissed")

    ticket = models.ForeignKey(  # indexed by the constraint below
        Ticket, on_delete=models.CASCADE, related_name="suggestions", db_index=False
    )
    article = models.ForeignKey(  # indexed below, together with the state
        Article, on_delete=models.CASCADE, related_name="suggestions", db_index=False
    )
    rank = models.PositiveSmallIntegerField(help_text="1 is the first.")
    score = models.FloatField()
    why = models.JSONField(default=dict, help_text="closeness, words, helped")
    bundle_digest = models.CharField(max_length=64, blank=True, help_text="Of the encoder.")
    state = models.CharField(max_length=9, choices=State, default=State.SHOWN)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    shown_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            # the ticket first: serves the ticket page, and suggestions from similar tickets
            models.UniqueConstraint(
                fields=["ticket", "article"], name="suggestion_once_per_ticket"
            ),
        ]
        indexes = [
            # serves low-performing articles: those dismissed and never inserted lately
            models.Index(fields=["shown_at", "article", "state"], name="suggestion_shown_idx"),
            # serves the cascade when an article is deleted
            models.Index(fields=["article", "state"], name="suggestion_article_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.article_id} {self.state} on SKR-{self.ticket_id}"


class GapQuerySet(models.QuerySet["Gap"]):
    def visible_to(self, viewer: User) -> "GapQuerySet":
        """Filter by the gaps an agent may see; empty for others.

        The words of a gap are the words of its tickets, so a gap with a ticket of a closed team is
        hidden from those outside the team.
        """
        if not (viewer.is_authenticated and viewer.is_active and viewer.is_agent):
            return self.none()
        hidden = GapTicket.objects.filter(gap=OuterRef("pk")).exclude(
            ticket__in=Ticket.objects.visible_to(viewer)
        )
        return self.exclude(Exists(hidden)) if accounts_queries.hidden_team_ids(viewer) else self

    def open(self) -> "GapQuerySet":
        """Filter by the gaps without a published article that nobody dismissed."""
        is_answered = Q(article__status=Article.Status.PUBLISHED)
        return self.filter(dismissed_at=None).exclude(is_answered)


class Gap(models.Model):
    """Similar solved tickets of one language that no article answers, as of the last detection.

    With ``translation_of``, one in another language answers them, and a translation is missing.
    """

    language = models.CharField(
        max_length=2,
        blank=True,
        default="",
        db_default="",
        help_text="Of its tickets, as an ISO 639-1 code; empty if it is not recognised.",
    )
    translation_of = models.ForeignKey(
        Article,
        null=True,
        on_delete=models.CASCADE,
        related_name="missing_translations",
        help_text="The original to translate.",
    )
    subject = models.CharField(
        max_length=200, help_text="Of its most central ticket, or of the article."
    )
    size = models.PositiveIntegerField()
    words = models.JSONField(default=list, help_text="Typical of its tickets, best first.")
    first_at = models.DateTimeField(help_text="Creation of the oldest ticket.")
    last_at = models.DateTimeField(help_text="Creation of the newest ticket.")
    detected_at = models.DateTimeField(default=timezone.now, editable=False)
    article = models.ForeignKey(
        Article,
        null=True,
        on_delete=models.SET_NULL,
        related_name="gaps",
        help_text="The draft written for it; publishing it closes the gap.",
    )
    dismissed_at = models.DateTimeField(null=True, editable=False)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = GapQuerySet.as_manager()

    class Meta:
        ordering = ["-size", "-last_at", "-id"]

    def __str__(self) -> str:
        return f"{self.size} × {self.subject}"


class GapTicket(models.Model):
    """A ticket in a gap; rank 0 is the most central."""

    gap = models.ForeignKey(Gap, on_delete=models.CASCADE, related_name="members")
    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="+")
    rank = models.PositiveIntegerField()

    class Meta:
        ordering = ["rank"]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id} in gap {self.gap_id}"
