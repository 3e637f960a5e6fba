"""Notifications, and the channels each user has chosen for them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.tickets.models import Event, Ticket
from appliance.triage.models import Measure


class Kind(models.TextChoices):
    """Why a user is notified, in ascending priority: of several reasons the last one is named."""

    QUALITY = "quality", _("A measure of model quality is over its limit")
    REVIEW = "review", _("My article is due for review")
    TEAM = "team", _("A ticket is still unassigned")
    CHANGED = "changed", _("A colleague or a rule updates my ticket")
    WATCHED = "watched", _("New message on a ticket I wrote on")
    ANSWERED = "answered", _("The customer replies to my ticket")
    ASSIGNED = "assigned", _("A ticket is assigned to me")
    MENTIONED = "mentioned", _("A colleague mentions me")
    INCIDENT = "incident", _("Many similar tickets may be one incident")
    WARNING = "warning", _("SLA on my ticket due soon")
    ESCALATED = "escalated", _("A ticket is escalated")
    RECEIVED = "received", _("My ticket was received")
    FORWARD = "forward", _("A ticket is forwarded to a supplier")
    COPY = "copy", _("New reply to a ticket I take part in")
    ANSWER = "answer", _("New reply to my ticket")
    SOLVED = "solved", _("My ticket is solved")


ICONS = {
    Kind.QUALITY: "graph-up-arrow",
    Kind.REVIEW: "journal-check",
    Kind.TEAM: "inbox",
    Kind.CHANGED: "pencil",
    Kind.WATCHED: "chat",
    Kind.ANSWERED: "reply",
    Kind.ASSIGNED: "person-check",
    Kind.MENTIONED: "at",
    Kind.INCIDENT: "collection",
    Kind.WARNING: "clock-history",
    Kind.ESCALATED: "exclamation-triangle",
    Kind.RECEIVED: "envelope-check",
    Kind.FORWARD: "forward",
    Kind.COPY: "reply",
    Kind.ANSWER: "reply",
    Kind.SOLVED: "check2-circle",
}


class Notification(models.Model):
    """What one user has not read yet of one ticket or one article, and what they have read.

    Everything that happens until they read it is counted in one row. An alarm of model quality is
    about a measure of a month, and there is one row of it, read or not.
    """

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    ticket = models.ForeignKey(
        Ticket, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    article = models.ForeignKey(
        Article, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    measure = models.CharField(max_length=12, choices=Measure, blank=True, db_default="")
    month = models.DateField(null=True, help_text="Of the measure; its first day.")
    kind = models.CharField(max_length=9, choices=Kind)
    # not indexed: events are never deleted
    event = models.ForeignKey(
        Event,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="What it names of the ticket.",
    )
    actor_name = models.CharField(max_length=170, blank=True)
    count = models.PositiveIntegerField(default=1, help_text="Events it stands for.")
    since = models.DateTimeField(default=timezone.now, editable=False)
    at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="When the newest of them happened."
    )
    read_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            # one unread notification a user and ticket, however much happens
            models.UniqueConstraint(
                fields=["user", "ticket"],
                condition=Q(read_at=None),
                name="notification_unread_ticket_unique",
            ),
            models.UniqueConstraint(
                fields=["user", "article"],
                condition=Q(read_at=None, article__isnull=False),
                name="notification_unread_article_unique",
            ),
            models.UniqueConstraint(
                fields=["user", "measure", "month"],
                condition=~Q(measure=""),
                name="notification_measure_unique",
            ),
            models.CheckConstraint(
                condition=Q(ticket__isnull=False, article=None, measure="", month=None)
                | Q(ticket=None, article__isnull=False, measure="", month=None)
                | Q(ticket=None, article=None, month__isnull=False) & ~Q(measure=""),
                name="notification_one_subject_check",
            ),
        ]
        indexes = [
            # serves the page of notifications, newest first
            models.Index(fields=["user", "-at", "-id"], name="notification_user_idx"),
            # serves deleting notifications read long ago
            models.Index(fields=["at"], name="notification_at_idx"),
        ]

    def __str__(self) -> str:
        subject = f"SKR-{self.ticket_id}" if self.ticket_id else f"article {self.article_id}"
        if self.measure:
            subject = f"{self.measure} of {self.month:%Y-%m}"
        return f"{self.kind} of {subject} for {self.user_id}"

    @property
    def subject(self) -> str:
        """The title of the article, the number of the ticket, or the measure with its month."""
        if self.article is not None:
            return self.article.title
        if self.month is not None:
            month = date_format(self.month, "YEAR_MONTH_FORMAT")
            return f"{Measure(self.measure).label}, {month}"
        assert self.ticket is not None  # the table has a constraint: one of the two
        return self.ticket.number

    @property
    def icon(self) -> str:
        return ICONS[Kind(self.kind)]

    @property
    def additional_count(self) -> int:
        """The number of events it stands for besides the one it names."""
        return self.count - 1


class EmailFrequency(models.TextChoices):
    AT_ONCE = "at_once", _("immediately")
    HOURLY = "hourly", _("hourly digest")
    NEVER = "never", _("never")


class Preference(models.Model):
    """The channels a user has chosen for each kind, not the defaults in ``recipients.py``."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, related_name="notification_preference"
    )
    in_window = models.JSONField(default=dict, help_text="Kind to true or false.")
    by_mail = models.JSONField(default=dict, help_text="Kind to at_once, hourly or never.")
    is_quiet_when_away = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
