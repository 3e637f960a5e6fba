"""The outbox of e-mails, the addresses they come from, and the mail server that sends them."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team, User
from appliance.core.encryption import EncryptedTextField
from appliance.notifications.models.notification import Kind
from appliance.tickets.models import Channel, Message, Ticket


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
    uses_sub_addresses = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Answers go to desk+token@example.org, by which they find their ticket.",
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

    ``body`` and ``html`` are what happened; the text around it is added when it is sent.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        IN_DIGEST = "digest", _("In a digest")
        DROPPED = "dropped", _("Not sent")
        BOUNCED = "bounced", _("Returned")

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
    recipient = models.CharField(
        max_length=20, blank=True, db_default="", help_text="As ReplyToken has it, such as c12."
    )
    recipient_name = models.CharField(max_length=170, blank=True, db_default="")
    author_name = models.CharField(
        max_length=170, blank=True, db_default="", help_text="Of the agent who wrote the reply."
    )
    subject = models.CharField(max_length=250)
    body = models.TextField()
    html = models.TextField(blank=True, db_default="", help_text="Empty: the body has no more.")
    messages = models.ManyToManyField(Message, blank=True, related_name="outgoing_emails")
    message_id = models.CharField(
        max_length=400, help_text="Fixed, so that a repeated e-mail is recognised."
    )
    thread = models.CharField(
        max_length=160, blank=True, help_text="By this, e-mail clients group a conversation."
    )
    priority = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="Of those due, 0 is sent before 1."
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
            # serves the worker: what is due, by priority, the longest first
            models.Index(
                fields=["priority", "not_before", "id"],
                condition=Q(state="waiting"),
                name="mail_due_idx",
            ),
            # serves digests: what waits for a user, and what they received lately
            models.Index(fields=["user", "-created_at"], name="mail_user_idx"),
            # serves the outbox, newest first, of one state or of all
            models.Index(fields=["-created_at", "-id"], name="mail_created_idx"),
            models.Index(fields=["state", "-created_at", "-id"], name="mail_state_idx"),
            # serves limits by the hour, and the outbox of one address
            models.Index(Upper("to"), F("created_at").desc(), name="mail_to_idx"),
            # serves bounces, which name the e-mail that came back
            models.Index(fields=["message_id"], name="mail_message_id_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.state})"


class Security(models.TextChoices):
    STARTTLS = "starttls", _("STARTTLS (usually port 587)")
    TLS = "tls", _("TLS (usually port 465)")
    NONE = "none", _("None (only a mail server on this machine)")


def default_channels() -> list[str]:
    """Return the channels whose new tickets are acknowledged unless an admin changes it."""
    return [channel.value for channel in Channel if channel != Channel.API]


class EmailSettings(models.Model):
    """The only row of its table: the mail server of outgoing e-mails, and the rules for them."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(default=587)
    security = models.CharField(max_length=8, choices=Security, default=Security.STARTTLS)
    user = models.CharField(max_length=254, blank=True)
    password = EncryptedTextField(blank=True)
    ca_certificate = models.TextField(blank=True, help_text="PEM, of the authority of the site.")
    acknowledged_channels = models.JSONField(default=default_channels, blank=True)
    max_acknowledgements_per_hour = models.PositiveSmallIntegerField(
        default=5, help_text="To one address."
    )
    max_emails_per_minute = models.PositiveIntegerField(default=120)
    max_attachments_mb = models.PositiveSmallIntegerField(default=15, help_text="Of one e-mail.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="email_settings_single_row")]
        verbose_name = verbose_name_plural = "e-mail settings"

    def __str__(self) -> str:
        return "e-mail settings"


class EmailText(models.Model):
    """A text that an admin has changed. All others are shipped, see ``email_texts.py``."""

    kind = models.CharField(max_length=9, choices=Kind)
    language = models.CharField(max_length=10)
    subject = models.CharField(max_length=250)
    body = models.TextField(max_length=10_000)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "language"], name="email_text_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.language})"


class Forward(models.Model):
    """A ticket that was sent to somebody outside, whose answers are notes."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="forwards")
    message = models.OneToOneField(
        Message, on_delete=models.PROTECT, related_name="forward", help_text="What was sent."
    )
    address = models.EmailField(max_length=254)
    by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id} to {self.address}"


class ThreadReference(models.Model):
    """The e-mail received last from an address about a ticket, which ours answer."""

    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="thread_references", db_index=False
    )
    address = models.EmailField(max_length=254)
    message_id = models.CharField(max_length=400)

    class Meta:
        constraints = [
            models.UniqueConstraint("ticket", Upper("address"), name="thread_reference_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} on SKR-{self.ticket_id}"
