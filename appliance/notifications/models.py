"""Notifications, the channels each user has chosen for them, and the outbox of e-mails."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team, User
from appliance.knowledge.models import Article
from appliance.tickets.models import Event, Ticket


class Kind(models.TextChoices):
    """Why a user is notified, in ascending priority: of several reasons the last one is named."""

    REVIEW = "review", _("My article is due for review")
    TEAM = "team", _("A ticket is still unassigned")
    CHANGED = "changed", _("A colleague or a rule updates my ticket")
    WATCHED = "watched", _("New message on a ticket I wrote on")
    ANSWERED = "answered", _("The customer replies to my ticket")
    ASSIGNED = "assigned", _("A ticket is assigned to me")
    MENTIONED = "mentioned", _("A colleague mentions me")
    WARNING = "warning", _("SLA on my ticket due soon")
    ESCALATED = "escalated", _("A ticket is escalated")
    ANSWER = "answer", _("New reply to my ticket")
    SOLVED = "solved", _("My ticket is solved")


ICONS = {
    Kind.REVIEW: "journal-check",
    Kind.TEAM: "inbox",
    Kind.CHANGED: "pencil",
    Kind.WATCHED: "chat",
    Kind.ANSWERED: "reply",
    Kind.ASSIGNED: "person-check",
    Kind.MENTIONED: "at",
    Kind.WARNING: "clock-history",
    Kind.ESCALATED: "exclamation-triangle",
    Kind.ANSWER: "reply",
    Kind.SOLVED: "check2-circle",
}


class Notification(models.Model):
    """What one user has not read yet of one ticket or one article, and what they have read.

    Everything that happens until they read it is counted in one row.
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
            models.CheckConstraint(
                condition=Q(ticket=None) ^ Q(article=None), name="notification_one_subject_check"
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
        return f"{self.kind} of {subject} for {self.user_id}"

    @property
    def subject(self) -> str:
        """The title of the article or the number of the ticket."""
        if self.article is not None:
            return self.article.title
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


class SenderAddress(models.Model):
    """An e-mail address of the help desk: e-mails about tickets of its team are sent from it."""

    address = models.EmailField(max_length=254)
    display_name = models.CharField(max_length=80, blank=True)
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sender_addresses",
        help_text=_("Its tickets are answered from this address."),
    )
    signature = models.TextField(
        max_length=2000, blank=True, help_text=_("Below every e-mail from this address.")
    )
    is_default = models.BooleanField(
        default=False, help_text=_("Used for tickets whose team has no address of its own.")
    )

    class Meta:
        ordering = ["address"]
        constraints = [
            models.UniqueConstraint(Upper("address"), name="sender_address_unique"),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="sender_address_default"
            ),
            # of several addresses of a team, nobody could say which one is used
            models.UniqueConstraint(fields=["team"], name="sender_address_team"),
        ]

    def __str__(self) -> str:
        return f"{self.display_name} <{self.address}>" if self.display_name else self.address


class OutgoingEmail(models.Model):
    """An e-mail in the outbox, written in the transaction it follows from and sent by the worker.

    ``body`` is what happened; greeting and links are added when it is sent.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        IN_DIGEST = "digest", _("In a digest")
        DROPPED = "dropped", _("Not sent")

    key = models.CharField(max_length=120, unique=True, help_text="The same key is one e-mail.")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    to = models.EmailField(max_length=254)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    ticket = models.ForeignKey(
        Ticket, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    kind = models.CharField(max_length=9, choices=Kind, blank=True)
    subject = models.CharField(max_length=250)
    body = models.TextField()
    message_id = models.CharField(
        max_length=160, help_text="Fixed, so that a repeated e-mail is recognised."
    )
    thread = models.CharField(
        max_length=160, blank=True, help_text="By this, e-mail clients group a conversation."
    )
    is_for_digest = models.BooleanField(default=False, help_text="Waits for the next digest.")
    is_digest = models.BooleanField(default=False, help_text="Is a digest of other e-mails.")
    digest = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="digest_parts"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    not_before = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it failed or was dropped.")

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            # serves the worker: what is due, the longest first
            models.Index(
                fields=["not_before", "id"], condition=Q(state="waiting"), name="mail_due_idx"
            ),
            # serves digests: what waits for a user, and what they received lately
            models.Index(fields=["user", "-created_at"], name="mail_user_idx"),
            # serves the outbox, newest first, of one state or of all
            models.Index(fields=["-created_at", "-id"], name="mail_created_idx"),
            models.Index(fields=["state", "-created_at", "-id"], name="mail_state_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.state})"
