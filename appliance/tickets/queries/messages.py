"""What was said on a ticket and sent with it, what is being written, what its customer thinks."""

from datetime import timedelta

from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.tickets.models import Attachment, Draft, Message, Rating, Status, Ticket
from appliance.tickets.queries.tickets import access_guest_ticket, list_merged

RATING_DAYS = 7  # so long a customer may change their mind
RATED_STATUSES = (Status.SOLVED, Status.CLOSED)


def list_messages(
    viewer: User, ticket: Ticket, *, merged: list[Ticket] | None = None, has_files: bool = True
) -> list[Message]:
    """The conversation in order; notes only for agents. The ticket must be the viewer's.

    What was said on tickets merged into it stands among the rest (``ticket_id`` tells it apart);
    their opening texts are messages without an id. Each has ``files``. Three queries, a few more
    with merged tickets; one for who names those ``merged`` and knows that there are no files.
    """
    merged = list_merged(viewer, ticket) if merged is None else merged
    has_files = has_files or bool(merged)
    ids = [ticket.pk, *(source.pk for source in merged)]
    messages = Message.objects.filter(ticket__in=ids).defer("search_vector")
    if not _can_read_notes(viewer):
        messages = messages.filter(kind=Message.Kind.REPLY)
    if has_files:
        messages = list(messages.prefetch_related(_with_attachments()))
    else:
        messages = list(messages)
        for message in messages:
            message.files = []
    openings = [_first_message(source) for source in merged]
    return sorted([*openings, *messages], key=lambda message: (message.created_at, message.pk or 0))


def list_first_message_files(ticket: Ticket) -> list[Attachment]:
    """What was sent with the ticket itself."""
    return list(ticket.attachments.filter(message=None).select_related("file"))


def access_message(viewer: User, message_id: int) -> Message:
    """A message of a ticket the viewer sees; notes only for agents. Raises Http404."""
    messages = Message.objects.filter(ticket__in=Ticket.objects.visible_to(viewer))
    if not _can_read_notes(viewer):
        messages = messages.filter(kind=Message.Kind.REPLY)
    message = messages.select_related("ticket").filter(pk=message_id).first()
    if message is None:
        raise Http404
    return message


def access_attachment(viewer: User, attachment_id: int) -> Attachment:
    """What was sent on a ticket the viewer sees; with notes only for agents. Raises Http404."""
    sent = Attachment.objects.filter(ticket__in=Ticket.objects.visible_to(viewer))
    return _attachment(sent, attachment_id, with_notes=_can_read_notes(viewer))


def access_guest_attachment(token: str, attachment_id: int) -> Attachment:
    """Messages visible to the holder of a guest's secret link."""
    sent = Attachment.objects.filter(ticket=access_guest_ticket(token))
    return _attachment(sent, attachment_id, with_notes=False)


def find_draft(viewer: User, ticket: Ticket) -> Draft | None:
    """What the viewer was writing here when their page was last heard of."""
    return Draft.objects.filter(user=viewer, ticket=ticket).first()


def find_rating(ticket: Ticket) -> Rating | None:
    return Rating.objects.filter(ticket=ticket).first()


def can_rate(viewer: User, ticket: Ticket) -> bool:
    """Whether to ask the viewer, who must see the ticket, what they think of the solution.

    Its own customer (or a guest who holds the link) once it is solved, for as long as the desk
    asks and a rating can still be changed.
    """
    if viewer.is_authenticated and ticket.customer.user_id != viewer.pk:
        return False
    if ticket.status not in RATED_STATUSES or ticket.merged_into_id:
        return False
    return (
        not is_solved_or_closed(ticket, find_rating(ticket))
        and core_queries.site_settings().is_rating_enabled
    )


def is_solved_or_closed(ticket: Ticket, rating: Rating | None) -> bool:
    """Whether the rating stays as it is: it is old, and the ticket was not solved anew since."""
    if rating is None or rating.at >= timezone.now() - timedelta(days=RATING_DAYS):
        return False
    return ticket.solved_at is None or ticket.solved_at <= rating.at


def _can_read_notes(viewer: User) -> bool:
    return viewer.is_authenticated and viewer.is_active and viewer.is_agent


def _with_attachments() -> Prefetch:
    return Prefetch("attachments", Attachment.objects.select_related("file"), to_attr="files")


def _first_message(source: Ticket) -> Message:
    """What a merged ticket began with, as if it had been said."""
    message = Message(
        ticket=source,
        author_name=source.customer.full_name,
        is_from_customer=True,
        body=f"{source.subject}\n\n{source.description}",
        created_at=source.created_at,
    )
    message.files = list_first_message_files(source)
    return message


def _attachment(sent: QuerySet, attachment_id: int, *, with_notes: bool) -> Attachment:
    if not with_notes:
        sent = sent.filter(Q(message=None) | Q(message__kind=Message.Kind.REPLY))
    attachment = sent.select_related("file").filter(pk=attachment_id).first()
    if attachment is None:
        raise Http404
    return attachment
