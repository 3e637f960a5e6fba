"""Queries for the participants of a ticket."""

from django.db.models import Q, QuerySet
from django.http import Http404

from appliance.accounts.models import Viewer
from appliance.tickets.models import Participant, Ticket


def list_participants(ticket: Ticket) -> QuerySet[Participant]:
    """Return who gets the replies on a ticket besides its customer.

    Those of the tickets merged into it included. Whoever calls this decides who sees them.
    """
    return Participant.objects.filter(Q(ticket=ticket) | Q(ticket__merged_into=ticket))


def access_participant(viewer: Viewer, ticket: Ticket, participant_id: int) -> Participant:
    """Return a participant of a ticket, which the viewer may see, to agents. Raises Http404."""
    participant = list_participants(ticket).filter(pk=participant_id).first()
    if participant is None or not (viewer.is_authenticated and viewer.is_agent):
        raise Http404
    return participant
