"""What a person knew better, and what is read again because the categories read otherwise now."""

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import ForbiddenError
from appliance.tickets import services as tickets_services
from appliance.tickets.models import OPEN_STATUSES, Ticket, TicketCategory
from appliance.triage.models import NOT_SURE, Annotation, Correction
from appliance.triage.services.queueing import queue_catch_up


@transaction.atomic
def correct_category(*, ticket: Ticket, category: TicketCategory | None, by: User) -> None:
    """Set the category and remember what the bundle had said, so that the desk can learn."""
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can change the category of a ticket."))
    before = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket.pk)
    if before.category_id != (category.pk if category else None):
        said = ticket.annotations.filter(kind=Annotation.Kind.CATEGORY).first()
        Correction.objects.create(
            ticket=ticket,
            said=said.label if said else NOT_SURE,
            held_back=said.held_back if said else NOT_SURE,
            category=category,
            by=by,
            bundle_digest=said.bundle_digest if said else "",
        )
    tickets_services.set_category(ticket=ticket, category=category, by=by)


@transaction.atomic
def reconsider_unsure() -> int:
    """The desk's categories read otherwise now: let the worker read again the open tickets that
    stand in none because the sorter was not sure. How many.

    One UPDATE makes what was said older than its text, which is what the backlog looks for.
    """
    unsure = Annotation.objects.filter(
        kind=Annotation.Kind.CATEGORY,
        label=NOT_SURE,
        ticket__category=None,
        ticket__status__in=OPEN_STATUSES,
    )
    again = Annotation.objects.filter(pk__in=unsure.values("pk")).update(text_sha256="")
    if again:
        queue_catch_up()
    return again
