"""Verbs on what somebody is still writing. No event: nothing has happened to the ticket yet."""

from django.db import transaction
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models import Draft, Message, Ticket


@transaction.atomic
def save_draft(*, ticket: Ticket, by: User, kind: Message.Kind, body: str) -> None:
    """Keep the text for the next visit; an empty one is no draft."""
    if not body.strip():
        return discard_draft(ticket=ticket, by=by)
    kept = {"kind": kind, "body": body, "updated_at": timezone.now()}
    Draft.objects.update_or_create(ticket=ticket, user=by, defaults=kept)


def discard_draft(*, ticket: Ticket, by: User) -> None:
    Draft.objects.filter(ticket=ticket, user=by).delete()
