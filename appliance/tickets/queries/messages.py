"""Queries for the conversation on a ticket: messages, attachments, drafts and ratings."""

from datetime import timedelta

from django.db.models import Count, Prefetch, Q, QuerySet, Window
from django.db.models.functions import Left
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import User, Viewer
from appliance.core import queries as core_queries
from appliance.tickets.models import Attachment, Draft, Message, Rating, Status, Ticket
from appliance.tickets.queries.tickets import access_guest_ticket, list_merged

MAX_OPENING_CHARACTERS = 6_000  # more than a page shows of a long message
RATING_DAYS = 7  # for so long a customer may change a rating
RATED_STATUSES = (Status.SOLVED, Status.CLOSED)


def list_messages(
    viewer: Viewer,
    ticket: Ticket,
    *,
    merged: list[Ticket] | None = None,
    has_files: bool = True,
    limit: int | None = None,
) -> list[Message]:
    """Return the conversation, oldest first, with notes for agents only.

    Each message has ``files``, and ``body_opening`` instead of its body, which is read when it is
    needed; with ``limit`` only so many of the newest are read. The viewer must be allowed to see
    the ticket. Messages of tickets merged into it are included, and their descriptions as messages
    without a primary key. Costs three queries, and a few more with merged tickets; one for a caller
    who passes ``merged`` and knows that there are no files.
    """
    merged = list_merged(viewer, ticket) if merged is None else merged
    ticket_ids = [ticket.pk, *(source.pk for source in merged)]
    messages = Message.objects.filter(ticket__in=ticket_ids).defer("body", "search_vector")
    if not _can_read_notes(viewer):
        messages = messages.filter(kind=Message.Kind.REPLY)
    attachments = Attachment.objects.select_related("file")
    if not has_files and not merged:
        attachments = attachments.none()
    messages = messages.prefetch_related(_prefetch_files(attachments)).annotate(  # type: ignore[no-redef]  # declared in the model
        body_opening=Left("body", MAX_OPENING_CHARACTERS), listed_count=Window(Count("pk"))
    )
    newest = messages.order_by("-created_at", "-id")[:limit]
    conversation = [*(_first_message(source) for source in merged), *newest]
    conversation.sort(key=lambda message: (message.created_at, message.pk or 0))
    return conversation[-limit:] if limit else conversation


def list_first_message_files(ticket: Ticket) -> list[Attachment]:
    """Return the attachments of the ticket itself."""
    return list(ticket.attachments.filter(message=None).select_related("file"))


def access_message(viewer: Viewer, message_id: int) -> Message:
    """Return a message of a ticket the viewer may see; a note for agents only. Raises Http404."""
    messages = Message.objects.filter(ticket__in=Ticket.objects.visible_to(viewer))
    if not _can_read_notes(viewer):
        messages = messages.filter(kind=Message.Kind.REPLY)
    message = messages.select_related("ticket").filter(pk=message_id).first()
    if message is None:
        raise Http404
    return message


def access_attachment(viewer: Viewer, attachment_id: int) -> Attachment:
    """Return an attachment of a ticket the viewer may see, of a note for agents only.

    Raises Http404.
    """
    attachments = Attachment.objects.filter(ticket__in=Ticket.objects.visible_to(viewer))
    return _access(attachments, attachment_id, with_notes=_can_read_notes(viewer))


def access_guest_attachment(token: str, attachment_id: int) -> Attachment:
    """Return an attachment that the holder of a guest's secret link may see. Raises Http404."""
    attachments = Attachment.objects.filter(ticket=access_guest_ticket(token))
    return _access(attachments, attachment_id, with_notes=False)


def find_draft(viewer: User, ticket: Ticket) -> Draft | None:
    """Return the reply the viewer has begun; of several the newest."""
    drafts = Draft.objects.filter(user=viewer, ticket=ticket)
    return drafts.order_by("-updated_at", "-pk").first()


def find_rating(ticket: Ticket) -> Rating | None:
    return Rating.objects.filter(ticket=ticket).first()


def can_rate(viewer: Viewer, ticket: Ticket) -> bool:
    """Return whether to ask the viewer, who must see the ticket, for a rating.

    That is its own customer or a guest with the link, once it is solved, if the site asks for
    ratings, as long as a rating can still be changed.
    """
    if viewer.is_authenticated and ticket.customer.user_id != viewer.pk:
        return False
    if ticket.status not in RATED_STATUSES or ticket.merged_into_id:
        return False
    return (
        not is_rating_final(ticket, find_rating(ticket))
        and core_queries.site_settings().is_rating_enabled
    )


def is_rating_final(ticket: Ticket, rating: Rating | None) -> bool:
    """Return whether the rating is older than RATING_DAYS and than the last solution."""
    if rating is None or rating.at >= timezone.now() - timedelta(days=RATING_DAYS):
        return False
    return ticket.solved_at is None or ticket.solved_at <= rating.at


def _can_read_notes(viewer: Viewer) -> bool:
    return viewer.is_authenticated and viewer.is_active and viewer.is_agent


def _prefetch_files(attachments: QuerySet[Attachment]) -> Prefetch:
    return Prefetch("attachments", attachments, to_attr="files")


def _first_message(source: Ticket) -> Message:
    """Return the description of a merged ticket as a message."""
    message = Message(
        ticket=source,
        author_name=source.customer.full_name,
        is_from_customer=True,
        body=f"{source.subject}\n\n{source.description}",
        created_at=source.created_at,
    )
    message.body_opening = message.body[:MAX_OPENING_CHARACTERS]
    message.files = list_first_message_files(source)
    return message


def _access(
    attachments: QuerySet[Attachment], attachment_id: int, *, with_notes: bool
) -> Attachment:
    if not with_notes:
        attachments = attachments.filter(Q(message=None) | Q(message__kind=Message.Kind.REPLY))
    attachment = attachments.select_related("file").filter(pk=attachment_id).first()
    if attachment is None:
        raise Http404
    return attachment
