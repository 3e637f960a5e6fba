"""Which articles were offered on a ticket, and where one is missing."""

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket


class Suggestion(models.Model):
    """An article offered to the agents on a ticket, and what became of it.

    Accepted is what was sent in an answer; refused is what an agent said does not fit, and it does
    not come back on that ticket.
    """

    class State(models.TextChoices):
        OFFERED = "offered", _("Shown")
        ACCEPTED = "accepted", _("Inserted")
        REFUSED = "refused", _("Dismissed")

    ticket = models.ForeignKey(  # indexed by the constraint below
        Ticket, on_delete=models.CASCADE, related_name="suggestions", db_index=False
    )
    article = models.ForeignKey(  # indexed below, together with the state
        Article, on_delete=models.CASCADE, related_name="suggestions", db_index=False
    )
    rank = models.PositiveSmallIntegerField(help_text="1 stood first.")
    score = models.FloatField()
    why = models.JSONField(default=dict, help_text="closeness, words, helped")
    bundle_digest = models.CharField(max_length=64, blank=True, help_text="Of the encoder asked.")
    state = models.CharField(max_length=8, choices=State, default=State.OFFERED)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    offered_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            # the ticket first: serves the page of a ticket, and the votes of its neighbours
            models.UniqueConstraint(fields=["ticket", "article"], name="suggestion_once_a_ticket"),
        ]
        indexes = [
            # serves the articles that are refused and never accepted, of late
            models.Index(fields=["offered_at", "article", "state"], name="suggestion_offered_idx"),
            # serves what becomes of the suggestions of an article that is deleted
            models.Index(fields=["article", "state"], name="suggestion_article_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.article_id} {self.state} on SKR-{self.ticket_id}"


class GapQuerySet(models.QuerySet):
    def visible_to(self, viewer: User) -> "GapQuerySet":
        """To agents, without those that hold a ticket of a closed team they are not in: the words
        of a gap are its tickets' words.
        """
        if not (viewer.is_authenticated and viewer.is_active and viewer.is_agent):
            return self.none()
        hidden = GapTicket.objects.filter(gap=OuterRef("pk")).exclude(
            ticket__in=Ticket.objects.visible_to(viewer)
        )
        return self.exclude(Exists(hidden)) if accounts_queries.hidden_team_ids(viewer) else self

    def open(self) -> "GapQuerySet":
        """What still wants an article."""
        answered = Q(article__status=Article.Status.PUBLISHED)
        return self.filter(dismissed_at=None).exclude(answered)


class Gap(models.Model):
    """Solved tickets alike that no article answers, as the worker found them last."""

    subject = models.CharField(max_length=200, help_text="Of the ticket in its middle.")
    size = models.PositiveIntegerField()
    words = models.JSONField(default=list, help_text="Typical of its tickets, best first.")
    first_at = models.DateTimeField(help_text="When the oldest ticket came.")
    last_at = models.DateTimeField(help_text="When the newest ticket came.")
    found_at = models.DateTimeField(default=timezone.now, editable=False)
    article = models.ForeignKey(
        Article,
        null=True,
        on_delete=models.SET_NULL,
        related_name="gaps",
        help_text="Written to close it; once it is published, the gap is.",
    )
    dismissed_at = models.DateTimeField(null=True, editable=False)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = GapQuerySet.as_manager()

    class Meta:
        ordering = ["-size", "-last_at", "-id"]

    def __str__(self) -> str:
        return f"{self.size} × {self.subject}"


class GapTicket(models.Model):
    """A ticket in a gap; rank 0 lies in its middle."""

    gap = models.ForeignKey(Gap, on_delete=models.CASCADE, related_name="members")
    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="+")
    rank = models.PositiveIntegerField()

    class Meta:
        ordering = ["rank"]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id} in gap {self.gap_id}"
