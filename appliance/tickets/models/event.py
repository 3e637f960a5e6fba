"""Events of tickets."""

from typing import Literal

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core.languages import LANGUAGE_NAMES
from appliance.core.models import AppendOnlyModel
from appliance.tickets.models.ticket import Channel, Priority, Status, Ticket


class Event(AppendOnlyModel):
    """A change of a ticket. Append-only: a trigger refuses updates and deletes."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("created the ticket")
        REPLIED = "replied", _("replied")
        NOTED = "noted", _("added an internal note")
        STATUS = "status", _("changed the status")
        PRIORITY = "priority", _("changed the priority")
        CATEGORY = "category", _("changed the category")
        CONFIRMED = "confirmed", _("confirmed the category")
        ASSIGNEE = "assignee", _("changed the assignee")
        CLASSIFIED = "classified", _("classified the ticket")
        TEAM = "team", _("changed the team")
        TAGS = "tags", _("changed the tags")
        FIELD = "field", _("changed a custom field")
        SUBJECT = "subject", _("changed the subject")
        REQUESTER = "requester", _("changed the customer")
        CHANNEL = "channel", _("changed the channel")
        LANGUAGE = "language", _("changed the language")
        MERGED = "merged", _("merged a ticket")
        SPLIT = "split", _("split the ticket")
        LINKED = "linked", _("linked a ticket")
        UNLINKED = "unlinked", _("removed a link")
        RATED = "rated", _("rated the solution")
        ESCALATED = "escalated", _("escalated")
        PEOPLE = "people", _("changed the participants")
        FORWARDED = "forwarded", _("forwarded the ticket")
        UNDELIVERED = "failed", _("could not deliver an e-mail")
        INCIDENT = "incident", _("noticed a possible incident")
        ANONYMISED = "anonymised", _("anonymised the customer")

    ticket = models.ForeignKey(  # indexed below, together with the time
        Ticket, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=170)
    kind = models.CharField(max_length=10, choices=Kind)
    data = models.JSONField(default=dict)  # its shape by kind: see event_data.py

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            # serves reports over a span of time; rows arrive in time order, so BRIN is enough
            BrinIndex(fields=["at"], name="event_at_brin", autosummarize=True),
            # serves the time line of a ticket
            models.Index(fields=["ticket", "at"], name="event_ticket_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.get_kind_display()}"

    @property
    def before(self) -> str:
        """The value before the change, in the active language."""
        return self._label("from")

    @property
    def after(self) -> str:
        """The value after the change, in the active language."""
        return self._label("to")

    def _label(self, side: Literal["from", "to"]) -> str:
        value = self.data.get(side)
        if value is None:  # anonymised
            return ""
        if self.kind == self.Kind.STATUS:
            return str(dict(Status.choices).get(value, value))
        if self.kind == self.Kind.PRIORITY:
            return str(dict(Priority.choices).get(value, value))
        if self.kind == self.Kind.CHANNEL:
            return str(dict(Channel.choices).get(value, value))
        if self.kind == self.Kind.LANGUAGE:
            return str(LANGUAGE_NAMES.get(value, value))
        return str(value)
