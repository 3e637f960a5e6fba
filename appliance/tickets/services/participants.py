"""Services for the participants of a ticket, who get its replies by e-mail."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.tickets.event_data import PeopleData
from appliance.tickets.models import Event, Participant, Ticket
from appliance.tickets.services.events import lock, record, require_agent, save

MAX_PARTICIPANTS = 20  # of a ticket


@transaction.atomic
def add_participants(
    *, ticket: Ticket, by: User | None, people: Iterable[tuple[str, str]]
) -> list[Participant]:
    """Add people by name and address, and return those who were new; ``by=None``: an e-mail did.

    The customer of the ticket and those who take part already are skipped. Raises BadInputError
    that names an address which is none, or a ticket with too many participants.
    """
    require_agent(by)
    locked = lock(ticket)
    known = {email.lower() for email in locked.participants.values_list("email", flat=True)}
    room = MAX_PARTICIPANTS - len(known)
    known.add(locked.customer.contact_email.lower())
    new = {email.strip().lower(): (name, email.strip()) for name, email in people}
    participants = [
        _build(locked, by, name, email) for key, (name, email) in new.items() if key not in known
    ]
    if len(participants) > room:
        raise BadInputError(
            _("A ticket has at most %(n)d participants. Remove some first.")
            % {"n": MAX_PARTICIPANTS},
            field="cc",
        )
    if participants:
        Participant.objects.bulk_create(participants)
        _record(locked, by, added=[str(participant) for participant in participants])
    return participants


def _build(ticket: Ticket, by: User | None, name: str, email: str) -> Participant:
    try:
        validate_email(email)
    except ValidationError as error:
        raise BadInputError(
            _("“%(text)s” is not an e-mail address.") % {"text": email}, field="cc"
        ) from error
    customer = accounts_queries.find_customer(email=email)
    name = customer.full_name if customer else " ".join(name.split())[:170]
    return Participant(ticket=ticket, customer=customer, email=email, name=name, added_by=by)


@transaction.atomic
def remove_participant(*, participant: Participant, by: User) -> None:
    """Remove somebody, who gets no further e-mail about the ticket."""
    require_agent(by)
    locked = lock(participant.ticket)
    if Participant.objects.filter(pk=participant.pk).delete()[0]:
        _record(locked, by, removed=[str(participant)])


def _record(
    locked: Ticket,
    by: User | None,
    *,
    added: list[str] | None = None,
    removed: list[str] | None = None,
) -> None:
    data = PeopleData(added=added or [], removed=removed or [])
    record(locked, Event.Kind.PEOPLE, by, data=data)
    save(locked)
