"""Services for the conversation on a ticket: replies, notes, drafts and ratings."""

import re
import uuid
from collections.abc import Iterable
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import markdown
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.files import services as files_services
from appliance.tickets import mentions, queries
from appliance.tickets.event_data import NotedData, RatedData, RepliedData
from appliance.tickets.models import (
    Draft,
    Event,
    Mention,
    Message,
    Participant,
    Rating,
    Status,
    Ticket,
)
from appliance.tickets.queries.messages import RATED_STATUSES, RATING_DAYS, is_rating_final
from appliance.tickets.services.events import SYSTEM_ACTOR_NAME, lock, record, save
from appliance.tickets.services.participants import add_participants
from appliance.tickets.services.properties import assign, change_status
from appliance.tickets.services.tickets import attach_files
from appliance.tickets.signatures import signature_below

ARTICLE_LINK = re.compile(r"/articles/(\d{1,18})/")
MAX_DRAFTS = 10  # of a person on a ticket; the oldest is removed
REOPENED_BY_CUSTOMER = (Status.SOLVED, Status.WAITING, Status.HOLD)


def reply(
    *,
    ticket: Ticket,
    by: User | None,
    body: str,
    status: Status | None = None,
    files: Iterable[UploadedFile] = (),
    seen_message_id: int | None = None,
    cc: Iterable[tuple[str, str]] = (),
    participant: Participant | None = None,
    idempotency_key: uuid.UUID | None = None,
    draft_key: uuid.UUID | None = None,
    restored_at: datetime | None = None,
    at: datetime | None = None,
) -> Message:
    """Write a reply, which the customer can read; ``by=None`` is a guest with the secret link.

    ``participant`` is who wrote it instead. ``cc`` are names and addresses of people who get it and
    take part from now on.

    A customer's reply reopens a ticket that is solved, waiting or on hold. ``status`` is the new
    status an agent chooses; without it a new ticket becomes open. With ``seen_message_id``, the
    newest message on the page (0: none), it raises BadInputError if somebody else replied since.
    The author's drafts stay, except that of the page and the one with this very text.
    """
    if status is not None and not (by and by.is_agent):
        raise ForbiddenError(_("Only agents can set the status of a ticket."))
    with files_services.atomic():
        locked = lock(ticket)
        if earlier := _find_duplicate(locked, idempotency_key):
            return earlier
        require_open(locked, by, seen_message_id)
        if cc := list(cc):
            add_participants(ticket=locked, by=by, people=cc)
        message = _create_message(
            locked, by, body, Message.Kind.REPLY, files, idempotency_key, at, participant
        )
        _remove_sent_draft(message, draft_key, restored_at)
        _assign_author(locked, message, by, at)
        _apply_status(locked, message, status, by, at)
    ticket.refresh_from_db()
    return message


def add_note(
    *,
    ticket: Ticket,
    by: User | None,
    body: str,
    files: Iterable[UploadedFile] = (),
    idempotency_key: uuid.UUID | None = None,
    draft_key: uuid.UUID | None = None,
    restored_at: datetime | None = None,
    name: str = "",
    at: datetime | None = None,
) -> Message:
    """Write a note that only agents can read; agents named with @ are mentioned.

    ``name`` is the author's where ``by`` is None, such as a supplier who has answered.

    The author's drafts stay, except that of the page and the one with this very text.
    """
    if by is not None and not by.is_agent:
        raise ForbiddenError(_("Only agents can write internal notes."))
    with files_services.atomic():
        locked = lock(ticket)
        if earlier := _find_duplicate(locked, idempotency_key):
            return earlier
        message = _create_message(
            locked, by, body, Message.Kind.NOTE, files, idempotency_key, at, name=name
        )
        _remove_sent_draft(message, draft_key, restored_at)
    ticket.refresh_from_db()
    return message


def _find_duplicate(locked: Ticket, key: uuid.UUID | None) -> Message | None:
    """Return the message of an earlier call with the key. The ticket must be locked."""
    earlier = Message.objects.filter(idempotency_key=key).first() if key else None
    if earlier and earlier.ticket_id != locked.pk:
        raise BadInputError(_("This form was submitted by somebody else. Reload the page."))
    return earlier


def require_open(locked: Ticket, by: User | None, seen_message_id: int | None) -> None:
    """Raise BadInputError unless the ticket can be replied to. It must be locked."""
    if locked.merged_into_id:
        message = _("%(this)s is merged into SKR-%(other)s. Reply there.")
        params = {"this": locked.number, "other": queries.merge_target_number(by, locked)}
        raise BadInputError(message % params, field="body")
    if locked.status == Status.CLOSED:
        raise BadInputError(
            _("%(this)s is closed. Create a new ticket and mention this one.")
            % {"this": locked.number},
            field="body",
        )
    if seen_message_id is not None:
        _require_current(locked, by, seen_message_id)


def _require_current(locked: Ticket, by: User | None, seen_message_id: int) -> None:
    replies = locked.messages.filter(kind=Message.Kind.REPLY, pk__gt=seen_message_id)
    unseen = replies.exclude(author=by).last() if by else None
    if unseen:
        raise BadInputError(
            _(
                "%(name)s replied while you were writing. Read the new reply above, "
                "then send yours again if it is still needed."
            )
            % {"name": unseen.author_name},
            field="body",
        )


def _create_message(
    locked: Ticket,
    by: User | None,
    body: str,
    kind: Message.Kind,
    files: Iterable[UploadedFile],
    key: uuid.UUID | None,
    at: datetime | None,
    participant: Participant | None = None,
    name: str = "",
) -> Message:
    at, is_note = at or timezone.now(), kind == Message.Kind.NOTE
    default_name = SYSTEM_ACTOR_NAME if is_note else locked.customer.full_name
    default_name = name or (participant.label if participant else default_name)
    message = Message.objects.create(
        ticket=locked,
        author=by,
        author_name=str(by) if by else default_name,
        kind=kind,
        is_from_customer=not is_note and _is_requester(locked, by),
        body=body,
        signature=_signature(locked, by, body, kind),
        is_markdown=bool(by and by.is_agent and markdown.is_renderable(body)),
        idempotency_key=key or uuid.uuid4(),
        created_at=at,
    )
    attach_files(locked, message, files, by)
    if not is_note and not message.is_from_customer and locked.first_response_at is None:
        locked.first_response_at = at
    save(locked, "first_response_at", at=at)
    _record_message(locked, message, by, at, participant)
    return message


def _assign_author(locked: Ticket, message: Message, by: User | None, at: datetime | None) -> None:
    """Give a ticket that nobody has to the agent who replied, if the site is set so."""
    is_unassigned = locked.assignee_id is None and not message.is_from_customer
    if (
        by
        and is_unassigned
        and core_queries.site_settings().is_assigned_on_reply
        and queries.can_act(by, locked)
    ):
        assign(ticket=locked, assignee=by, by=by, at=at)


def _signature(locked: Ticket, by: User | None, body: str, kind: Message.Kind) -> str:
    """Return what stands below a reply of an agent; the text itself stays as it was written."""
    if by is None or kind == Message.Kind.NOTE or _is_requester(locked, by):
        return ""
    return signature_below(body, by.signature)


def _record_message(
    locked: Ticket,
    message: Message,
    by: User | None,
    at: datetime,
    participant: Participant | None,
) -> None:
    name, articles = message.author_name, _linked_article_ids(message.body)
    if message.kind == Message.Kind.NOTE:
        mentioned_ids = _create_mentions(message, by)
        note = NotedData(message=message.pk, articles=articles, mentions=mentioned_ids)
        record(locked, Event.Kind.NOTED, by, at, name=name, data=note)
    else:
        reply_data = RepliedData(message=message.pk, articles=articles)
        if participant:
            reply_data["participant"] = participant.pk
        record(locked, Event.Kind.REPLIED, by, at, name=name, data=reply_data)


def _is_requester(locked: Ticket, by: User | None) -> bool:
    """Return whether the author asks for help: the customer, a colleague of theirs, or a guest."""
    return by is None or not by.is_agent or locked.customer.user_id == by.pk


def _create_mentions(message: Message, by: User | None) -> list[int]:
    if "@" not in message.body:
        return []
    agents = queries.list_assignable(message.ticket)
    mentioned = [agent for agent in mentions.find_mentioned(message.body, agents) if agent != by]
    Mention.objects.bulk_create(Mention(message=message, user=agent) for agent in mentioned)
    return [agent.pk for agent in mentioned]


def _linked_article_ids(body: str) -> list[int]:
    return [*dict.fromkeys(int(pk) for pk in ARTICLE_LINK.findall(body))]


def _apply_status(
    locked: Ticket, message: Message, status: Status | None, by: User | None, at: datetime | None
) -> None:
    """Set the status that follows from a reply."""
    if status is None and message.is_from_customer and locked.status in REOPENED_BY_CUSTOMER:
        status = Status.OPEN
    if status is None and not message.is_from_customer and locked.status == Status.NEW:
        status = Status.OPEN
    if status is not None and status != locked.status:
        change_status(locked, status, by, at)


@transaction.atomic
def save_draft(
    *,
    ticket: Ticket,
    by: User,
    kind: Message.Kind,
    body: str,
    draft_key: uuid.UUID | None = None,
    restored_at: datetime | None = None,
) -> None:
    """Store the text for the next visit; an empty one removes the draft.

    ``draft_key`` is that of the page; without one the newest draft is replaced. A page that
    restored a draft continues it, unless another page has changed it since ``restored_at``, its
    ``updated_at``.
    """
    if not body.strip():
        return discard_draft(ticket=ticket, by=by, draft_key=draft_key, restored_at=restored_at)
    drafts = Draft.objects.filter(ticket=ticket, user=by)
    if draft_key and restored_at and not drafts.filter(key=draft_key).exists():
        drafts.filter(updated_at=restored_at).update(key=draft_key)
    draft = {"kind": kind, "body": body, "updated_at": timezone.now()}
    key = draft_key or _newest_draft_key(ticket, by) or uuid.uuid4()
    Draft.objects.update_or_create(ticket=ticket, user=by, key=key, defaults=draft)
    newest = drafts.order_by("-updated_at", "-pk")
    Draft.objects.filter(pk__in=newest.values("pk")[MAX_DRAFTS:]).delete()


def discard_draft(
    *,
    ticket: Ticket,
    by: User,
    draft_key: uuid.UUID | None = None,
    restored_at: datetime | None = None,
) -> None:
    """Remove the draft of a page; without a key the newest."""
    key = draft_key or _newest_draft_key(ticket, by)
    for draft in Draft.objects.filter(ticket=ticket, user=by):
        if draft.key == key or draft.updated_at == restored_at:
            draft.delete()


def _newest_draft_key(ticket: Ticket, by: User) -> uuid.UUID | None:
    draft = queries.find_draft(by, ticket)
    return draft.key if draft else None


def _remove_sent_draft(
    message: Message, draft_key: uuid.UUID | None, restored_at: datetime | None
) -> None:
    """Remove the draft that was sent as the message. Other drafts of its author stay."""
    drafts = Draft.objects.filter(user=message.author_id, ticket=message.ticket_id)
    for draft in drafts if message.author_id else ():
        is_same_text = (draft.kind, draft.body.strip()) == (message.kind, message.body.strip())
        if is_same_text or draft.key == draft_key or draft.updated_at == restored_at:
            draft.delete()


def rate_ticket(
    *,
    ticket: Ticket,
    by: User | None,
    is_good: bool,
    comment: str = "",
    at: datetime | None = None,
) -> Rating:
    """Store the customer's rating of the resolution; ``by=None`` is a guest with the secret link.

    It can be changed for RATING_DAYS. The same rating again changes nothing.
    """
    with transaction.atomic():
        locked = lock(ticket)
        if by is not None and locked.customer.user_id != by.pk:
            raise ForbiddenError(_("Only the requester can rate the solution."))
        if locked.status not in RATED_STATUSES or locked.merged_into_id:
            raise BadInputError(
                _("This ticket is not solved yet. You can rate it once it is solved.")
            )
        rating = Rating.objects.filter(ticket=locked).first() or Rating(ticket=locked)
        if (rating.is_good, rating.comment) != (is_good, comment):
            _save_rating(locked, rating, by, is_good, comment, at or timezone.now())
    return rating


def _save_rating(
    locked: Ticket, rating: Rating, by: User | None, is_good: bool, comment: str, at: datetime
) -> None:
    if rating.pk and is_rating_final(locked, rating):
        raise BadInputError(
            _("You rated this more than %(days)d days ago; the rating can no longer be changed.")
            % {"days": RATING_DAYS}
        )
    rating.is_good, rating.comment = is_good, comment
    is_solved_again = locked.solved_at and locked.solved_at > rating.at
    if not rating.pk or is_solved_again:  # RATING_DAYS begin now
        rating.at = at
    rating.save()
    save(locked, at=at)
    name, data = locked.customer.full_name, RatedData(is_good=is_good)
    record(locked, Event.Kind.RATED, by, at, name=name, data=data)
