"""Queries for incidents: proposals, what a ticket may belong to, known problems.

Names, numbers and times come from the tickets the viewer may see, and from no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import User
from appliance.core import cache
from appliance.tickets.models import Ticket, TicketLink
from appliance.triage.bursts import centre_of, min_cosine_of
from appliance.triage.models import Incident, IncidentTicket, TicketVector
from appliance.triage.suggestions import clean_typed_text
from appliance.triage.vector_search import find_query_vector, raise_floor

PROPOSAL_LIFETIME = timedelta(days=1)  # since its last ticket
MAX_PROPOSALS = 5  # shown above the list
MAX_CACHED_PROPOSALS = 50  # the latest, some of them too old to be shown
MIN_SHOWN_TICKETS = 2  # that the viewer may see, or it says nothing
MAX_MEMBERS = 500  # whose vectors make the centre
# Of a text that is still being typed, to the centre of a known problem: of the subjects alone of
# the four incidents in tests/data/incidents.json 90 % are above it, of the 259 texts of the demo
# desk 1 %. Measured with encoder 2.
MIN_KNOWN_COSINE = 0.53
State, MemberState = Incident.State, IncidentTicket.State


@dataclass(frozen=True)
class Proposal:
    """An incident as one viewer sees it."""

    incident: Incident
    members: Sequence[IncidentTicket]  # the most typical first

    @property
    def title(self) -> str:
        return self.members[0].ticket.subject

    @property
    def tickets(self) -> int:
        return len(self.members)

    @property
    def customers(self) -> int:
        return len({member.ticket.customer_id for member in self.members})

    @property
    def first_at(self) -> datetime:
        return min(member.ticket.created_at for member in self.members)

    @property
    def minutes(self) -> int:
        """How long it took from the first to the last ticket, at least one minute."""
        last_at = max(member.ticket.created_at for member in self.members)
        return max(1, round((last_at - self.first_at).total_seconds() / 60))


def list_proposals(viewer: User) -> list[Proposal]:
    """Return the proposals nobody has decided yet, the latest first. No query if there is none."""
    proposed = Incident.objects.filter(state=State.PROPOSED)
    last_times = cache.get_or_compute(
        "proposed_incidents",
        [],
        lambda: list(proposed.values_list("pk", "last_at")[:MAX_CACHED_PROPOSALS]),
        depends_on=[cache.INCIDENTS],
    )
    since = timezone.now() - PROPOSAL_LIFETIME
    recent_ids = [pk for pk, last_at in last_times if last_at >= since][:MAX_PROPOSALS]
    return _as_seen_by(viewer, list(proposed.filter(pk__in=recent_ids))) if recent_ids else []


def access_proposal(viewer: User, incident_id: int) -> Proposal:
    """Return a proposed or dismissed incident. Raises Http404."""
    incidents = Incident.objects.filter(pk=incident_id).exclude(state=State.ACCEPTED)
    proposals = _as_seen_by(viewer, list(incidents.select_related("by")))
    if not proposals:
        raise Http404
    return proposals[0]


def access_open_incident(viewer: User, incident_id: int) -> Incident:
    """Return an accepted incident whose parent is open and visible. Raises Http404."""
    incidents = Incident.objects.accepted_and_open().select_related("parent")
    visible = Ticket.objects.visible_to(viewer)
    incident = incidents.filter(pk=incident_id, parent__in=visible).first()
    if incident is None or not viewer.is_agent:
        raise Http404
    return incident


def find_proposal_of(viewer: User, ticket: Ticket) -> Proposal | None:
    """Return the proposal with this ticket that nobody has decided yet."""
    since = timezone.now() - PROPOSAL_LIFETIME
    incidents = Incident.objects.filter(
        state=State.PROPOSED,
        last_at__gte=since,
        members__ticket=ticket,
        members__state=MemberState.PROPOSED,
    )
    return next(iter(_as_seen_by(viewer, list(incidents[:1]))), None)


def find_offer_of(viewer: User, ticket: Ticket) -> Incident | None:
    """Return the open incident that this ticket may join, if the viewer may see its parent."""
    incidents = Incident.objects.accepted_and_open().filter(
        members__ticket=ticket,
        members__state=MemberState.PROPOSED,
        parent__in=Ticket.objects.visible_to(viewer),
    )
    return incidents.select_related("parent").first() if viewer.is_agent else None


def list_offers(viewer: User, parent: Ticket) -> list[Ticket]:
    """Return the tickets that may join the incident of this parent, oldest first."""
    tickets = Ticket.objects.visible_to(viewer).filter(
        incident_rows__incident__parent=parent,
        incident_rows__incident__state=State.ACCEPTED,
        incident_rows__state=MemberState.PROPOSED,
    )
    tickets = tickets.select_related("customer").defer("description", "search_vector")
    return list(tickets.order_by("pk")) if viewer.is_agent else []


def find_incident_of(parent: Ticket) -> Incident | None:
    """Return the accepted incident of a parent."""
    incidents = Incident.objects.filter(parent=parent, state=State.ACCEPTED)
    return incidents.select_related("noticed_by").first()


@dataclass(frozen=True)
class KnownProblem:
    """What anybody may read of an incident: the sentence an agent published, and since when."""

    incident_id: int
    notice: str
    since: datetime


def list_known_problems(subject: str, description: str) -> list[KnownProblem]:
    """Return the published incidents that a text is about, the nearest first.

    For everybody who writes a ticket, so it holds nothing of anybody's tickets. One query while
    nothing is published.
    """
    incidents = list(Incident.objects.published())
    text = clean_typed_text(subject, description) if incidents else ""
    query = find_query_vector(text) if text else None
    if query is None:
        return []
    vector, space = query
    floor = raise_floor(MIN_KNOWN_COSINE, text)
    nearest = [
        (float(centre[0] @ vector), incident)
        for incident in incidents
        if (centre := find_centre(incident, space))
    ]
    nearest.sort(key=lambda pair: (-pair[0], pair[1].pk))
    return [
        KnownProblem(incident.pk, incident.notice, incident.first_at)
        for cosine, incident in nearest
        if cosine >= floor
    ]


def find_published(incident_id: int) -> Incident | None:
    """Return a published incident, for whoever is affected by it."""
    return Incident.objects.published().select_related("parent").filter(pk=incident_id).first()


def find_centre(incident: Incident, space: str) -> tuple[np.ndarray, float] | None:
    """Return the centre of an incident's tickets and how near a member is to it at least.

    None without a vector in the space.
    """
    tickets = Ticket.objects.filter(
        links__target=incident.parent_id, links__kind=TicketLink.Kind.CHILD_OF
    )
    if incident.state != State.ACCEPTED:
        members = incident.members.exclude(state=MemberState.DECLINED)
        tickets = Ticket.objects.filter(pk__in=members.values("ticket"))
    in_space = TicketVector.objects.filter(space=space)
    rows = in_space.filter(ticket__in=tickets.values("pk")).order_by("ticket")
    vectors = [np.asarray(row.vector, np.float32) for row in rows[:MAX_MEMBERS]]
    if not vectors and incident.parent_id:
        parent = in_space.filter(ticket=incident.parent_id).first()
        vectors = [np.asarray(parent.vector, np.float32)] if parent else []
    if not vectors:
        return None
    matrix = np.stack(vectors)
    centre = centre_of(matrix)
    return centre, min_cosine_of(matrix @ centre)


def _as_seen_by(viewer: User, incidents: list[Incident]) -> list[Proposal]:
    """Return the incidents with the tickets the viewer may see; without enough of them, none."""
    if not incidents or not viewer.is_active or not viewer.is_agent:
        return []
    members = IncidentTicket.objects.filter(
        incident__in=incidents,
        state=MemberState.PROPOSED,
        ticket__in=Ticket.objects.visible_to(viewer),
    )
    members = members.select_related("ticket__customer").defer(
        "ticket__description", "ticket__search_vector"
    )
    by_incident: dict[int, list[IncidentTicket]] = {incident.pk: [] for incident in incidents}
    for member in members:
        by_incident[member.incident_id].append(member)
    proposals = [Proposal(incident, by_incident[incident.pk]) for incident in incidents]
    return [proposal for proposal in proposals if proposal.tickets >= MIN_SHOWN_TICKETS]
