"""What the page of a ticket shows agents about incidents: proposal, parent, parts, notice."""

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.accounts.models import User
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import ChildUpdate, Ticket
from appliance.tickets.queries.children import ENDED_STATUSES
from appliance.triage import incidents
from appliance.triage.models import Incident
from appliance.web.forms import NoticeForm


@dataclass(frozen=True)
class IncidentPanel:
    """The part of one ticket in incidents; numbers count what the viewer may see."""

    proposal: incidents.Proposal | None = None  # with this ticket, to be decided
    offer: Incident | None = None  # that the ticket may join
    parent: Ticket | None = None
    children: Sequence[Ticket] = ()
    candidates: Sequence[Ticket] = ()  # that may join the incident of this parent
    incident: Incident | None = None  # of this parent
    update: ChildUpdate | None = None  # the latest reply to all
    skipped: Sequence[tuple[int, str]] = ()  # by the update: numbers and reasons
    notice_form: NoticeForm | None = None
    is_parent_over: bool = False  # solved or closed

    @property
    def is_empty(self) -> bool:
        return not (self.proposal or self.offer or self.parent or self.children or self.incident)

    @property
    def open_children(self) -> int:
        """The number of parts that are neither solved nor closed."""
        return sum(child.status not in ENDED_STATUSES for child in self.children)

    @property
    def can_solve_children(self) -> bool:
        is_running = self.update is not None and not self.update.is_over
        return self.is_parent_over and self.open_children > 0 and not is_running


def build_panel(
    viewer: User,
    ticket: Ticket,
    *,
    has_links: bool,
    has_incident: bool,
    refused_notice: NoticeForm | None = None,
) -> IncidentPanel:
    """Read the panel; no query for a ticket without links or incident."""
    if not viewer.is_agent or not (has_links or has_incident):
        return IncidentPanel()
    children = list(tickets_queries.list_children(viewer, ticket)) if has_links else []
    incident = incidents.find_incident_of(ticket) if has_incident else None
    is_parent = bool(children or incident)
    update = tickets_queries.find_child_update(viewer, ticket) if is_parent else None
    notice = incident.notice if incident else ""
    return IncidentPanel(
        proposal=incidents.find_proposal_of(viewer, ticket) if has_incident else None,
        offer=incidents.find_offer_of(viewer, ticket) if has_incident else None,
        parent=tickets_queries.find_parent(viewer, ticket) if has_links else None,
        children=children,
        candidates=incidents.list_offers(viewer, ticket) if incident else [],
        incident=incident,
        update=update,
        skipped=tickets_queries.list_visible_skips(viewer, update) if update else [],
        notice_form=refused_notice or NoticeForm(initial={"notice": notice}) if is_parent else None,
        is_parent_over=ticket.status in ENDED_STATUSES,
    )
