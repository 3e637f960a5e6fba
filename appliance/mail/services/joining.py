"""Add an e-mail to the ticket it belongs to, by whoever the sender is to that ticket."""

from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.queries import is_same_address
from appliance.core.errors import BadInputError
from appliance.mail import answers, threads
from appliance.mail.parsing import Note, NoteKind
from appliance.mail.services.incoming import Incoming
from appliance.mail.services.opening import open_follow_up
from appliance.mail.threads import Thread
from appliance.notifications import services as notifications_services
from appliance.notifications.models import Forward
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Participant, Status, Ticket


def join(incoming: Incoming, thread: Thread) -> None:
    """Add the e-mail to the ticket as a reply or a note, or refuse it and tell the sender."""
    email, ticket = incoming.email, thread.ticket
    if email.is_automatic:
        _join_automatic(incoming, thread)
        return
    person = _find_person(thread)
    if person and is_same_address(person.email, incoming.sender):
        _join_user(incoming, ticket, person)
    elif thread.token and thread.token.recipient.startswith("s"):
        _join_supplier(incoming, thread)
    elif threads.find_agent(incoming.sender) and not threads.is_customer(ticket, incoming.sender):
        _add_unverified_note(incoming, ticket, NoteKind.UNVERIFIED_AGENT)
    elif person and person.is_agent:  # the agent has passed on what was meant for agents
        _add_unverified_note(incoming, ticket, NoteKind.OTHER_RECIPIENT)
    elif threads.is_customer(ticket, incoming.sender):
        _join_customer(incoming, thread)
    else:
        _join_participant(incoming, thread)


def _find_person(thread: Thread) -> User | None:
    """Return the user that the e-mail with the token was sent to."""
    token = thread.token
    if token is None or not token.recipient.startswith("u"):
        return None
    return User.objects.filter(pk=int(token.recipient[1:])).first()


def _join_automatic(incoming: Incoming, thread: Thread) -> None:
    """Keep an automatic answer as a note, which opens nothing again and is never answered."""
    person = _find_person(thread)
    if person and person.is_agent:
        incoming.ignore(_("Automatic answer of an agent."))
        return
    _add_note(incoming, thread.ticket)


def _join_user(incoming: Incoming, ticket: Ticket, person: User) -> None:
    if not person.is_active:
        incoming.refuse(answers.deactivated(), _("The user account is deactivated."))
    elif not person.is_agent:
        _reply(incoming, ticket, by=person)
    elif not tickets_queries.can_act(person, ticket):
        text = answers.no_access(ticket.number)
        incoming.refuse(text, _("The agent has no access to %s.") % ticket.number)
    elif ticket.status == Status.CLOSED:
        incoming.refuse(answers.closed(ticket.number), _("%s is closed.") % ticket.number)
    else:
        _reply(incoming, ticket, by=person)


def _join_customer(incoming: Incoming, thread: Thread) -> None:
    """Add a reply of the customer, in the name of the log-in if the token was sent to them."""
    user = thread.ticket.customer.user
    if user and not user.is_active:
        incoming.refuse(answers.deactivated(), _("The user account is deactivated."))
    else:
        _reply(incoming, thread.ticket, by=user if thread.token and user else None)


def _join_supplier(incoming: Incoming, thread: Thread) -> None:
    assert thread.token
    forwards = Forward.objects.filter(pk=int(thread.token.recipient[1:]), ticket=thread.ticket)
    if forward := forwards.first():
        message = notifications_services.add_forward_answer(
            forward=forward, body=incoming.body, name=incoming.author_name, files=incoming.files()
        )
        incoming.settle(thread.ticket, message)
    else:  # of a ticket that was merged into this one
        _add_note(incoming, thread.ticket)


def _join_participant(incoming: Incoming, thread: Thread) -> None:
    """Add a reply of a participant; whoever answers with a token becomes one, for all to see."""
    ticket = thread.ticket
    participant = threads.find_participant(ticket, incoming.sender)
    if participant is None:
        try:
            person = (incoming.email.sender_name, incoming.sender)
            tickets_services.add_participants(ticket=ticket, by=None, people=[person])
        except BadInputError:  # there are too many
            _add_unverified_note(incoming, ticket, NoteKind.OTHER_RECIPIENT)
            return
        participant = threads.find_participant(ticket, incoming.sender)
    _reply(incoming, ticket, by=None, participant=participant)


def _reply(
    incoming: Incoming, ticket: Ticket, *, by: User | None, participant: Participant | None = None
) -> None:
    if ticket.status == Status.CLOSED:
        open_follow_up(incoming, ticket)
        return
    message = tickets_services.reply(
        ticket=ticket, by=by, body=incoming.body, files=incoming.files(), participant=participant
    )
    incoming.settle(ticket, message)


def _add_unverified_note(incoming: Incoming, ticket: Ticket, kind: NoteKind) -> None:
    incoming.add_reader_note(Note(kind))
    _add_note(incoming, ticket)


def _add_note(incoming: Incoming, ticket: Ticket) -> None:
    message = tickets_services.add_note(
        ticket=ticket,
        by=None,
        name=incoming.author_name,
        body=incoming.body,
        files=incoming.files(),
    )
    incoming.settle(ticket, message)
