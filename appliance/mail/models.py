"""Mailboxes, received e-mails with what became of them, and blocked senders."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team
from appliance.core.encryption import EncryptedTextField
from appliance.files.models import StoredFile
from appliance.notifications.models import SenderAddress
from appliance.tickets.models import Message, Ticket, TicketCategory

MAX_MESSAGE_ID = 500  # characters; the rest of a longer one is neither stored nor compared
MAX_MESSAGE_MB = 100  # of one e-mail, whatever the settings allow


class Mailbox(models.Model):
    """Where e-mail comes in, and what is done with it.

    Skerry fetches it by IMAP, or the site's mail server delivers it to our listener.
    """

    class Kind(models.TextChoices):
        IMAP = "imap", _("Fetched by IMAP")
        DELIVERED = "delivered", _("Delivered by the mail server (LMTP or SMTP)")

    class Security(models.TextChoices):
        TLS = "tls", _("TLS")
        STARTTLS = "starttls", _("STARTTLS")
        PLAIN = "plain", _("None (this machine only)")

    class AfterReading(models.TextChoices):
        MARK_SEEN = "seen", _("Mark as read")
        MOVE = "move", _("Move to a folder")

    class UnknownSenders(models.TextChoices):
        CREATE = "create", _("Create a customer")
        HOLD = "hold", _("Hold the e-mail for an agent")
        REFUSE = "refuse", _("Refuse with a polite reply")

    class Spam(models.TextChoices):
        HOLD = "hold", _("Hold the e-mail for an agent")
        IGNORE = "ignore", _("Ignore the e-mail")
        ACCEPT = "accept", _("Treat it like any other")

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.IMAP)
    is_active = models.BooleanField(default=True)
    sender_address = models.ForeignKey(
        SenderAddress, null=True, blank=True, on_delete=models.PROTECT, related_name="mailboxes"
    )
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="mailboxes"
    )
    category = models.ForeignKey(
        TicketCategory, null=True, blank=True, on_delete=models.SET_NULL, related_name="mailboxes"
    )
    unknown_senders = models.CharField(
        max_length=7, choices=UnknownSenders, default=UnknownSenders.CREATE
    )
    spam = models.CharField(max_length=6, choices=Spam, default=Spam.HOLD)
    accepts_automatic = models.BooleanField(
        default=False, help_text="Alerts of machines open tickets, which are not acknowledged."
    )

    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(
        default=993, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    security = models.CharField(max_length=8, choices=Security, default=Security.TLS)
    ca_certificate = models.TextField(
        max_length=100_000, blank=True, help_text="PEM. Empty: the CAs this machine trusts."
    )
    user = models.CharField(max_length=254, blank=True)
    password = EncryptedTextField(blank=True)
    folder = models.CharField(max_length=200, default="INBOX")
    after_reading = models.CharField(
        max_length=4, choices=AfterReading, default=AfterReading.MARK_SEEN
    )
    target_folder = models.CharField(max_length=200, blank=True)
    poll_seconds = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(15), MaxValueValidator(86400)]
    )
    uses_idle = models.BooleanField(default=True, help_text="The server announces new e-mail.")

    # the place in the folder up to which everything was received; void with another uid_validity
    uid_validity = models.BigIntegerField(null=True, blank=True, editable=False)
    last_uid = models.BigIntegerField(default=0, editable=False)
    last_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    next_try_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "mailboxes"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Upper("name"), name="mailbox_name_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_fetched(self) -> bool:
        return self.kind == self.Kind.IMAP


class InboundEmail(models.Model):
    """An e-mail that was received, with its raw source, and what became of it.

    The row and the source are committed before the mail server is told that we have the e-mail.
    The worker then turns the row into a ticket or a message, in one transaction.
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        PROCESSED = "processed", _("Processed")
        HELD = "held", _("Held")
        REFUSED = "refused", _("Refused")
        IGNORED = "ignored", _("Ignored")
        FAILED = "failed", _("Failed")

    mailbox = models.ForeignKey(
        Mailbox, null=True, on_delete=models.SET_NULL, related_name="emails"
    )
    # None once it was erased with the texts of its ticket
    source = models.ForeignKey(StoredFile, null=True, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(
        max_length=64, unique=True, help_text="The same e-mail again has the same (receiving.py)."
    )
    location = models.CharField(
        max_length=600, blank=True, help_text="On the mail server: an IMAP URL with UIDVALIDITY."
    )
    header_message_id = models.CharField(
        max_length=MAX_MESSAGE_ID, blank=True, help_text="Its Message-ID without < and >."
    )
    envelope_recipients = models.JSONField(default=list, blank=True)
    size = models.PositiveBigIntegerField(help_text="Bytes of the whole e-mail.")
    is_cut = models.BooleanField(
        default=False, help_text="Above the limit: the source has only its beginning."
    )
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    state = models.CharField(max_length=9, choices=State, default=State.RECEIVED)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it is in this state.")
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True, blank=True, editable=False)
    accepted_by = models.ForeignKey(
        "accounts.User",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The agent who accepted it when it was held.",
    )

    # written when it was processed
    ticket = models.ForeignKey(
        Ticket, null=True, blank=True, on_delete=models.PROTECT, related_name="inbound_emails"
    )
    message = models.ForeignKey(  # without one, it is the description of its ticket
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="inbound_emails"
    )
    sender = models.CharField(max_length=254, blank=True, help_text="Address in lower case.")
    sender_name = models.CharField(max_length=200, blank=True)
    recipients = models.JSONField(default=list, blank=True, help_text="Addresses of To and Cc.")
    subject = models.CharField(max_length=500, blank=True)
    is_automatic = models.BooleanField(default=False, help_text="Written by a program.")
    wants_no_answer = models.BooleanField(
        default=False, help_text="Written by a program or to a mailing list: never answered by one."
    )
    quoted_text = models.TextField(blank=True)
    signature = models.TextField(blank=True)
    html = models.TextField(blank=True, help_text="Sanitised; empty for plain text.")
    notes = models.JSONField(
        default=list, blank=True, help_text="For its readers: what parsing.Note.as_json returns."
    )

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["location"], condition=~Q(location=""), name="inbound_email_location_unique"
            ),
        ]
        indexes = [
            # serves the worker: what is due, the longest first
            models.Index(
                fields=["not_before", "id"],
                condition=Q(state="received"),
                name="inbound_email_due_idx",
            ),
            # serves the lists of held and failed e-mails, newest first
            models.Index(
                fields=["state", "-received_at", "-id"],
                condition=Q(state__in=["held", "failed"]),
                name="inbound_email_state_idx",
            ),
            # serves threading by a Message-ID that an answer refers to
            models.Index(
                fields=["header_message_id"],
                condition=~Q(header_message_id=""),
                name="inbound_email_message_id_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject or self.header_message_id or self.pk} ({self.state})"


class BlockedSender(models.Model):
    """An address, or all addresses of a domain, whose e-mails are ignored."""

    pattern = models.CharField(
        max_length=254, unique=True, help_text="mail@example.org, or @example.org; lower case."
    )
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pattern"]

    def __str__(self) -> str:
        return self.pattern


class MailSettings(models.Model):
    """The only row of its table: limits of received e-mail, and the listener for deliveries."""

    class Protocol(models.TextChoices):
        LMTP = "lmtp", "LMTP"
        SMTP = "smtp", "SMTP"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    max_message_mb = models.PositiveSmallIntegerField(
        default=50, validators=[MinValueValidator(1), MaxValueValidator(MAX_MESSAGE_MB)]
    )
    max_answers_per_hour = models.PositiveSmallIntegerField(
        default=5, validators=[MaxValueValidator(100)], help_text="Automatic ones to one address."
    )
    spam_header = models.CharField(max_length=60, default="X-Spam-Flag", blank=True)
    spam_value = models.CharField(max_length=60, default="YES", blank=True)
    is_listening = models.BooleanField(default=False)
    protocol = models.CharField(max_length=4, choices=Protocol, default=Protocol.LMTP)
    bind = models.GenericIPAddressField(default="127.0.0.1")
    port = models.PositiveIntegerField(
        default=2424, validators=[MinValueValidator(1024), MaxValueValidator(65535)]
    )
    networks = models.JSONField(
        default=list, blank=True, help_text="That may deliver, such as 10.1.0.0/16."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="mail_settings_single_row")]
        verbose_name = verbose_name_plural = "mail settings"

    def __str__(self) -> str:
        return "mail settings"
