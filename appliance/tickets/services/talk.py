"""Verbs on what is said on a ticket: answers, notes, and what is sent with them."""

import re
import uuid
from collections.abc import Iterable
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.files import services as files_services
from appliance.tickets import mentions, queries
from appliance.tickets.models import (
    Attachment,
    Draft,
    Event,
    Mention,
    Message,
    Status,
    Ticket,
)
from appliance.tickets.services.recording import BOX, lock, record, save
from appliance.tickets.services.status import change_status

ARTICLE = re.compile(r"/articles/(\d{1,18})/")  # where an article of the desk is, in a text
RETURNS = (Status.SOLVED, Status.WAITING, Status.HOLD)


def reply(
    *,
    ticket: Ticket,
    by: User | None,
    body: str,
    status: Status | None = None,
    files: Iterable[UploadedFile] = (),
    seen_message_id: int | None = None,
    submission_key: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Message:
    """An answer the customer can read; ``by=None`` is a guest who came by the secret link.

    A customer's answer brings back what was solved, waiting or on hold. ``status`` is what an
    agent leaves the ticket in; by default one that was new becomes open. With
    ``seen_message_id``, the newest message on the page (0: none), it raises BadInputError when
    somebody else has replied since.
    """
    if status is not None and not (by and by.is_agent):
        raise ForbiddenError(_("Only agents can set the status of a ticket."))
    with files_services.atomic():
        locked = lock(ticket)
        if earlier := _find_earlier(locked, submission_key):
            return earlier
        _refuse_reply(locked, by, seen_message_id)
        message = _say(locked, by, body, Message.Kind.REPLY, files, submission_key, at)
        _leave(locked, message, status, by, at)
    ticket.refresh_from_db()
    return message


def add_note(
    *,
    ticket: Ticket,
    by: User | None,
    body: str,
    files: Iterable[UploadedFile] = (),
    submission_key: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Message:
    """A note only agents see; colleagues named in it with @ are mentioned."""
    if by is not None and not by.is_agent:
        raise ForbiddenError(_("Only agents can write internal notes."))
    with files_services.atomic():
        locked = lock(ticket)
        if earlier := _find_earlier(locked, submission_key):
            return earlier
        message = _say(locked, by, body, Message.Kind.NOTE, files, submission_key, at)
    ticket.refresh_from_db()
    return message


def attach(
    locked: Ticket, message: Message | None, files: Iterable[UploadedFile], by: User | None
) -> None:
    """Keep what was sent with a message, or with the ticket itself. Inside ``uploads.atomic``."""
    for upload in files:
        stored = files_services.store(upload=upload, by=by)
        Attachment.objects.create(ticket=locked, message=message, file=stored)


def _find_earlier(locked: Ticket, key: uuid.UUID | None) -> Message | None:
    """What the same form sent before; the ticket is locked, so a key is never raced."""
    earlier = Message.objects.filter(submission_key=key).first() if key else None
    if earlier and earlier.ticket_id != locked.pk:
        raise BadInputError(_("This form was submitted by somebody else. Reload the page."))
    return earlier


def _refuse_reply(locked: Ticket, by: User | None, seen_message_id: int | None) -> None:
    if locked.merged_into_id:
        message = _("%(this)s is merged into SKR-%(other)d. Reply there.")
        said = {"this": locked.number, "other": locked.merged_into_id}
        raise BadInputError(message % said, field="body")
    if locked.status == Status.CLOSED:
        raise BadInputError(
            _("%(this)s is closed. Create a new ticket and mention this one.")
            % {"this": locked.number},
            field="body",
        )
    if seen_message_id is not None:
        _refuse_unseen(locked, by, seen_message_id)


def _refuse_unseen(locked: Ticket, by: User | None, seen_message_id: int) -> None:
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


def _say(
    locked: Ticket,
    by: User | None,
    body: str,
    kind: Message.Kind,
    files: Iterable[UploadedFile],
    key: uuid.UUID | None,
    at: datetime | None,
) -> Message:
    at, is_note = at or timezone.now(), kind == Message.Kind.NOTE
    message = Message.objects.create(
        ticket=locked,
        author=by,
        author_name=str(by) if by else (BOX if is_note else locked.customer.full_name),
        kind=kind,
        is_from_customer=not is_note and _asks(locked, by),
        body=body,
        submission_key=key or uuid.uuid4(),
        created_at=at,
    )
    attach(locked, message, files, by)
    Draft.objects.filter(user=by, ticket=locked).delete()
    if not is_note and not message.is_from_customer and locked.first_answered_at is None:
        locked.first_answered_at = at
    save(locked, "first_answered_at", at=at)
    said = {"message": message.pk, "articles": _articles_in(body)}
    if is_note:
        said["mentions"] = _mention(message, by)
    record(
        locked,
        Event.Kind.NOTED if is_note else Event.Kind.REPLIED,
        by,
        at,
        name=message.author_name,
        **said,
    )
    return message


def _asks(locked: Ticket, by: User | None) -> bool:
    """Whether who speaks wants help: the customer, a guest, a colleague of the customer's."""
    return by is None or not by.is_agent or locked.customer.user_id == by.pk


def _mention(message: Message, by: User | None) -> list[int]:
    if "@" not in message.body:
        return []
    people = queries.list_assignable(message.ticket)
    found = [one for one in mentions.find(message.body, people) if one != by]
    Mention.objects.bulk_create(Mention(message=message, user=one) for one in found)
    return [one.pk for one in found]


def _articles_in(body: str) -> list[int]:
    return [*dict.fromkeys(int(pk) for pk in ARTICLE.findall(body))]


def _leave(
    locked: Ticket, message: Message, status: Status | None, by: User | None, at: datetime | None
) -> None:
    """The status a reply leaves behind."""
    if status is None and message.is_from_customer and locked.status in RETURNS:
        status = Status.OPEN
    if status is None and not message.is_from_customer and locked.status == Status.NEW:
        status = Status.OPEN
    if status is not None and status != locked.status:
        change_status(locked, status, by, at)
