"""Messages on tickets, with their attachments, mentions and drafts."""

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core.fields import RowSearchVectorField
from appliance.files.models import StoredFile
from appliance.tickets.models.ticket import Ticket


class Message(models.Model):
    """A reply the customer sees, or a note only agents see."""

    class Kind(models.TextChoices):
        REPLY = "reply", _("Reply")
        NOTE = "note", _("Internal note")

    ticket = models.ForeignKey(  # indexed below, together with the time
        Ticket, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=170)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.REPLY)
    is_from_customer = models.BooleanField(default=False)
    body = models.TextField()
    signature = models.TextField(blank=True, default="", db_default="")  # when it was sent
    is_markdown = models.BooleanField(
        default=False, db_default=False, help_text="Otherwise the body is shown as typed."
    )
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # in the search window of its ticket, so that a search reads both side by side
    search_vector = RowSearchVectorField()
    # set by queries.list_messages
    files: "list[Attachment]"
    body_opening: str  # of the body, a little longer than what is shown of a long one
    listed_count: int  # how many messages there are, with those that were not read

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            # serves the conversation of a ticket, in order
            models.Index(fields=["ticket", "created_at"], name="message_ticket_idx"),
            # serves search by words in messages
            GinIndex(fields=["search_vector"], name="message_search_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} by {self.author_name} on SKR-{self.ticket_id}"


class Attachment(models.Model):
    """A file of a ticket or of one of its messages; who may read the message may have the file."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="attachments")
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="attachments"
    )
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.file} on SKR-{self.ticket_id}"

    @property
    def is_shown_inline(self) -> bool:
        return self.file.is_image


class Mention(models.Model):
    """An agent named in a note with @."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mentions")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="mention_unique")]

    def __str__(self) -> str:
        return f"{self.user} in message {self.message_id}"


class Draft(models.Model):
    """A reply or note that a user has begun; one for each page on which it is written."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="drafts")
    key = models.UUIDField(default=uuid.uuid4, editable=False)  # of the page
    kind = models.CharField(max_length=5, choices=Message.Kind, default=Message.Kind.REPLY)
    body = models.TextField()
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "ticket", "key"], name="draft_unique")
        ]

    def __str__(self) -> str:
        return f"draft of {self.user} on SKR-{self.ticket_id}"
