"""Propose incidents from bursts of similar tickets; accept, dismiss, join and announce them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from pgvector.django import CosineDistance

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.tickets import services as tickets_services
from appliance.tickets.event_data import IncidentData
from appliance.tickets.models import Status, Ticket, TicketLink
from appliance.triage import bursts, engine
from appliance.triage.incidents import PROPOSAL_LIFETIME, Proposal, find_centre
from appliance.triage.models import Incident, IncidentTicket, TicketVector
from appliance.triage.models.incidents import MAX_NOTICE_CHARACTERS

MAX_TICKETS = 3000  # of the last hour, the newest; their similarity matrix takes 9 MB
USUAL_DAYS = 28  # in which the busiest hour of a theme is looked for
DISMISSED_FOR = timedelta(days=1)  # no similar tickets are proposed
CHILD_OF = TicketLink.Kind.CHILD_OF
State, MemberState = Incident.State, IncidentTicket.State


@dataclass(frozen=True)
class RecentTicket:
    """A ticket of the last hour with its vector, float32 (dims,) of unit length."""

    ticket_id: int
    customer_id: int
    created_at: datetime
    vector: np.ndarray
    closed_team_id: int | None


def detect_incidents(now: datetime | None = None) -> int:
    """Look for bursts among the tickets of the last hour. How many proposals were made.

    Tickets near an open incident are offered to it, those near a proposal are added to it; nothing
    is linked. A closed team's tickets are never put together with others.
    """
    now, space = now or timezone.now(), engine.active_space()
    if space is None:
        return 0
    parts: dict[int | None, list[RecentTicket]] = defaultdict(list)
    for ticket in _list_recent(space, now):
        parts[ticket.closed_team_id].append(ticket)
    return sum(
        _detect_in(tickets, closed_team_id, space, now) for closed_team_id, tickets in parts.items()
    )


def accept_incident(
    *, proposal: Proposal, ticket_ids: Collection[int], by: User, parent: Ticket | None = None
) -> Ticket:
    """Make the chosen tickets parts of a parent and return it; the others are left alone.

    Without ``parent`` a ticket is created for it, called like the most typical of them.
    """
    _require_agent(by)
    with transaction.atomic():
        incident = Incident.objects.select_for_update(of=["self"]).get(pk=proposal.incident.pk)
        if incident.state == State.ACCEPTED:
            raise BadInputError(_("Somebody else has just accepted this incident."))
        chosen = [member for member in proposal.members if member.ticket_id in ticket_ids]
        if not chosen:
            raise BadInputError(_("Select at least one ticket."))
        parent = parent or _create_parent(chosen, proposal, by)
        if Incident.objects.filter(parent=parent).exists():
            raise BadInputError(
                _("%(number)s is the parent of another incident. Choose another ticket.")
                % {"number": parent.number},
                field="other",
            )
        for member in sorted(chosen, key=lambda member: member.ticket_id):
            if member.ticket_id != parent.pk:
                _link(member.ticket, parent, by)
        incident.state, incident.parent = State.ACCEPTED, parent
        incident.by, incident.decided_at = by, timezone.now()
        incident.first_at = min(member.ticket.created_at for member in chosen)
        incident.save()
        rows = incident.members.all()
        ids = [member.ticket_id for member in chosen]
        rows.filter(ticket__in=ids).update(state=MemberState.JOINED)
        rows.exclude(ticket__in=ids).update(state=MemberState.DECLINED)
    cache.invalidate(cache.TICKETS, cache.INCIDENTS)
    return parent


def undo_acceptance(*, incident: Incident, by: User) -> None:
    """Take the parts off their parent again, within a minute; the proposal is open once more."""
    with transaction.atomic():
        locked = Incident.objects.select_for_update(of=["self"]).get(pk=incident.pk)
        if locked.by_id != by.pk:
            raise ForbiddenError(_("Only the agent who made these changes can undo them."))
        if locked.undo_seconds == 0:
            raise BadInputError(
                _("Undo is possible for one minute only. Remove the links instead.")
            )
        joined = locked.members.filter(state=MemberState.JOINED).values("ticket")
        links = TicketLink.objects.filter(target=locked.parent_id, kind=CHILD_OF, source__in=joined)
        for link in links.select_related("source", "target").order_by("source"):
            tickets_services.unlink_tickets(link=link, by=by)
        locked.members.update(state=MemberState.PROPOSED)
        locked.state, locked.parent, locked.notice = State.PROPOSED, None, ""
        locked.by = locked.decided_at = None
        locked.save()
    cache.invalidate(cache.TICKETS, cache.INCIDENTS)


@transaction.atomic
def dismiss_incident(*, proposal: Proposal, by: User) -> None:
    """Record that this is no incident; nothing like it is proposed for a day."""
    _require_agent(by)
    incidents = Incident.objects.filter(pk=proposal.incident.pk, state=State.PROPOSED)
    if incidents.update(state=State.DISMISSED, by=by, decided_at=timezone.now()):
        cache.invalidate(cache.INCIDENTS)
        data = IncidentData(
            tickets=proposal.tickets, customers=proposal.customers, is_dismissed=True
        )
        tickets_services.record_incident(ticket=proposal.members[0].ticket, by=by, data=data)


@transaction.atomic
def join_incident(*, incident: Incident, ticket: Ticket, by: User | None) -> None:
    """Make a ticket part of an open incident; ``by=None`` is its customer, who is affected."""
    if incident.parent is None or incident.parent_id == ticket.pk:
        return
    _link(ticket, incident.parent, by)
    IncidentTicket.objects.update_or_create(
        incident=incident, ticket=ticket, defaults={"state": MemberState.JOINED}
    )


def decline_offer(*, incident: Incident, ticket: Ticket, by: User) -> None:
    """Record that a ticket is no part of the incident, so that it is not offered again."""
    _require_agent(by)
    rows = IncidentTicket.objects.filter(incident=incident, ticket=ticket)
    rows.filter(state=MemberState.PROPOSED).update(state=MemberState.DECLINED)
    cache.invalidate(cache.TICKETS)


def publish_notice(*, parent: Ticket, notice: str, by: User) -> Incident:
    """Publish a sentence that whoever writes about the same reads first; empty withdraws it.

    Any ticket with parts can have one. Raises BadInputError for a ticket of a closed team.
    """
    _require_agent(by)
    notice = notice.strip()
    if len(notice) > MAX_NOTICE_CHARACTERS:
        raise BadInputError(_("Use at most %d characters.") % MAX_NOTICE_CHARACTERS, field="notice")
    if notice and parent.team and parent.team.is_closed:
        raise BadInputError(
            _("The tickets of this team are confidential: nothing can be published about them."),
            field="notice",
        )
    with transaction.atomic():
        incident, _is_new = Incident.objects.select_for_update(of=["self"]).get_or_create(
            parent=parent,
            defaults={
                "state": State.ACCEPTED,
                "by": by,
                "decided_at": timezone.now(),
                "first_at": parent.created_at,
            },
        )
        if incident.notice != notice:
            incident.notice, incident.noticed_by = notice, by
            incident.noticed_at = timezone.now()
            incident.save(update_fields=["notice", "noticed_by", "noticed_at"])
            cache.invalidate(cache.TICKETS)
    return incident


def _require_agent(by: User) -> None:
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can change this."))


def _link(ticket: Ticket, parent: Ticket, by: User | None) -> None:
    tickets_services.link_tickets(source=ticket, target=parent, kind=CHILD_OF, by=by)


def _create_parent(chosen: list[IncidentTicket], proposal: Proposal, by: User) -> Ticket:
    numbers = ", ".join(member.ticket.number for member in chosen)
    text = _("Incident with %(tickets)d tickets from %(customers)d people: %(numbers)s.")
    params = {
        "tickets": len(chosen),
        "customers": len({member.ticket.customer_id for member in chosen}),
        "numbers": numbers,
    }
    return tickets_services.create_ticket(
        customer=accounts_services.ensure_customer_of(by),
        subject=proposal.title,
        description=text % params,
        by=by,
        team=proposal.members[0].ticket.team,
    )


def _list_recent(space: str, now: datetime) -> list[RecentTicket]:
    """Return the tickets of the last hour that are no part of anything yet."""
    vectors = TicketVector.objects.filter(
        space=space,
        ticket__created_at__gt=now - bursts.WINDOW,
        ticket__created_at__lte=now,
        ticket__merged_into=None,
    ).exclude(ticket__status=Status.CLOSED)
    rows = _without_incidents(vectors).order_by("-ticket__created_at", "-ticket")
    columns = ["ticket_id", "ticket__customer_id", "ticket__created_at", "vector"]
    return [
        RecentTicket(
            pk, customer_id, created_at, np.asarray(vector, np.float32), team_id if closed else None
        )
        for pk, customer_id, created_at, vector, team_id, closed in rows.values_list(
            *columns, "ticket__team_id", "ticket__team__is_closed"
        )[:MAX_TICKETS]
    ]


def _without_incidents(vectors: QuerySet[TicketVector]) -> QuerySet[TicketVector]:
    """Leave out parents and their parts."""
    links = TicketLink.objects.filter(kind=CHILD_OF)
    return vectors.exclude(ticket__in=links.values("source")).exclude(
        ticket__in=links.values("target")
    )


def _detect_in(
    tickets: list[RecentTicket], closed_team_id: int | None, space: str, now: datetime
) -> int:
    incidents = Incident.objects.filter(closed_team=closed_team_id)
    recent = incidents.filter(state=State.PROPOSED, last_at__gte=now - PROPOSAL_LIFETIME)
    for incident in [*incidents.accepted_and_open(), *recent]:
        tickets = _add_near(incident, tickets, space)
    if len(tickets) < bursts.MIN_CUSTOMERS:
        return 0
    dismissed = incidents.filter(state=State.DISMISSED, decided_at__gte=now - DISMISSED_FOR)
    centres = [centre[0] for row in dismissed if (centre := find_centre(row, space))]
    proposed = 0
    matrix = np.stack([ticket.vector for ticket in tickets])
    for burst in bursts.find_bursts(matrix, [ticket.customer_id for ticket in tickets]):
        is_dismissed = any(
            float(centre @ burst.centre) >= bursts.MIN_SAME_THEME_COSINE for centre in centres
        )
        members = [tickets[row] for row in burst.rows]
        if not is_dismissed and _is_unusual(burst, members, closed_team_id, space, now):
            _propose(burst, members, closed_team_id)
            proposed += 1
    return proposed


def _add_near(incident: Incident, tickets: list[RecentTicket], space: str) -> list[RecentTicket]:
    """Add the tickets near an incident to it, to be decided by people; return the others."""
    centre = find_centre(incident, space)
    if centre is None or not tickets:
        return tickets
    cosines = np.stack([ticket.vector for ticket in tickets]) @ centre[0]
    near = {
        ticket.ticket_id: float(cosine)
        for ticket, cosine in zip(tickets, cosines, strict=True)
        if cosine >= centre[1]
    }
    known = set(incident.members.filter(ticket__in=near).values_list("ticket", flat=True))
    if new := near.keys() - known:
        _create_members(incident, {pk: near[pk] for pk in new})
        last_at = max(ticket.created_at for ticket in tickets if ticket.ticket_id in new)
        Incident.objects.filter(pk=incident.pk, last_at__lt=last_at).update(last_at=last_at)
        cache.invalidate(cache.TICKETS, cache.INCIDENTS)
    return [ticket for ticket in tickets if ticket.ticket_id not in near]


def _create_members(incident: Incident, cosines: dict[int, float]) -> None:
    IncidentTicket.objects.bulk_create(
        (
            IncidentTicket(incident=incident, ticket_id=pk, cosine=cosine)
            for pk, cosine in cosines.items()
        ),
        ignore_conflicts=True,
    )


def _is_unusual(
    burst: bursts.Burst,
    members: list[RecentTicket],
    closed_team_id: int | None,
    space: str,
    now: datetime,
) -> bool:
    """Compare with the busiest hour of the same theme in the weeks before."""
    customers = len({ticket.customer_id for ticket in members})
    earlier = _without_incidents(
        TicketVector.objects.filter(
            Q(ticket__team__is_closed=True, ticket__team=closed_team_id)
            if closed_team_id
            else ~Q(ticket__team__is_closed=True),
            space=space,
            ticket__created_at__gt=now - timedelta(days=USUAL_DAYS),
            ticket__created_at__lte=now - bursts.WINDOW,
        )
    )
    max_distance = 1 - bursts.min_cosine_of(np.array(burst.cosines))
    near = earlier.annotate(distance=CosineDistance("vector", burst.centre)).filter(
        distance__lte=max_distance
    )
    entries = near.annotate(at=F("ticket__created_at"), customer=F("ticket__customer_id"))
    usual = bursts.busiest_hour(list(entries.order_by("at").values_list("at", "customer")))
    return bursts.is_unusual(customers, usual)


@transaction.atomic
def _propose(burst: bursts.Burst, members: list[RecentTicket], closed_team_id: int | None) -> None:
    times = [ticket.created_at for ticket in members]
    incident = Incident.objects.create(
        closed_team_id=closed_team_id, first_at=min(times), last_at=max(times)
    )
    cache.invalidate(cache.INCIDENTS)
    cosines = zip((ticket.ticket_id for ticket in members), burst.cosines, strict=True)
    _create_members(incident, dict(cosines))
    central = Ticket.objects.get(pk=members[0].ticket_id)
    data = IncidentData(
        tickets=len(members), customers=len({ticket.customer_id for ticket in members})
    )
    tickets_services.record_incident(ticket=central, by=None, data=data)
