"""Known problems on the forms for a new ticket: shown once before sending, or joined."""

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict

from appliance.core.types import read_number
from appliance.triage import incidents
from appliance.triage.models import Incident


@dataclass(frozen=True)
class NewTicketInput:
    """What a form for a new ticket sent, and what it says about a known problem."""

    data: QueryDict | None  # None on the first visit
    incident: Incident | None = None  # that the customer is affected by, too
    problems: tuple[incidents.KnownProblem, ...] = ()  # that the text is about
    unseen: tuple[incidents.KnownProblem, ...] = ()  # to be shown before the ticket is created


def read_new_ticket(request: HttpRequest) -> NewTicketInput:
    """Read the form. Who is affected by a known problem need not describe it again.

    A page that has shown a problem sends its number back. One that has not, such as a page without
    JavaScript, is shown it before anything is created, unless it sent files, which would be lost.
    """
    if request.method != "POST":
        return NewTicketInput(None)
    number = read_number(request.POST.get("affected_by", ""), digits=9)
    incident = incidents.find_published(number) if number is not None else None
    if incident:
        data = request.POST.copy()
        if not data.get("description", "").strip():
            data["description"] = data.get("subject", "")
        return NewTicketInput(data, incident)
    problems = tuple(
        incidents.list_known_problems(
            request.POST.get("subject", ""), request.POST.get("description", "")
        )
    )
    seen = set(request.POST.getlist("seen_problem"))
    unseen = tuple(row for row in problems if str(row.incident_id) not in seen)
    return NewTicketInput(request.POST, None, problems, () if request.FILES else unseen)
