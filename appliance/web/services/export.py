"""The data of one person as a ZIP: JSON for people and programs, and their files."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Model
from django.http import Http404

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core.zip_stream import Entry, stream_zip
from appliance.files import queries as files_queries
from appliance.files.models import StoredFile
from appliance.knowledge.models import ArticleVersion, ArticleVote
from appliance.mail import queries as mail_queries
from appliance.tickets.models import Event, Message, Participant, Rating, Ticket

CHUNK_BYTES = 256 * 1024
FieldValues = dict[str, Any]
README = """The data this help desk stores about one person.

profile.json            name, e-mail address, user account
messages.json           their messages on tickets of others
articles.json           the articles they wrote and the votes they cast
sign-ins.json           when they signed in or tried to, and from where
tickets/SKR-….json      each of their tickets: text, replies, rating and history
tickets/SKR-…/          the files sent with that ticket, and the e-mails as they were received

Internal notes of the agents are not included.
"""
PROFILE_FIELDS = ("email", "first_name", "last_name", "created_at")
USER_FIELDS = (
    *PROFILE_FIELDS,
    "role",
    "is_active",
    "last_login",
    "language",
    "time_zone",
    "signature",
)
SIGN_IN_FIELDS = ("created_at", "ip_address", "user_agent", "is_successful")
# notes and predictions are the desk's own; links name tickets of other people
INTERNAL_EVENTS = (
    Event.Kind.NOTED,
    Event.Kind.CLASSIFIED,
    Event.Kind.LINKED,
    Event.Kind.UNLINKED,
)
TICKET_FIELDS = ("subject", "description", "status", "created_at", "updated_at", "fields")


@transaction.atomic
def export_customer(*, customer: Customer, by: User) -> Iterator[bytes]:
    """Export the data of a customer, with their user account if they have one.

    The ZIP comes in chunks: permission is checked and the export recorded at once, the data is read
    while it is sent.
    """
    require_admin(by)
    audit.record_change(by=by, verb="exported", subject=customer)
    return stream_zip(_entries(customer, customer.user, by))


@transaction.atomic
def export_person(*, person: User, by: User) -> Iterator[bytes]:
    """Export the data of a user, with their tickets if they are a customer as well."""
    require_admin(by)
    audit.record_change(by=by, verb="exported", subject=person)
    return stream_zip(_entries(Customer.objects.filter(user=person).first(), person, by))


def _entries(customer: Customer | None, person: User | None, by: User) -> Iterator[Entry]:
    yield "README.txt", [README.encode()]
    yield "profile.json", _json(_profile(customer, person))
    if person:
        elsewhere = Message.objects.filter(author=person, kind=Message.Kind.REPLY)
        elsewhere = elsewhere.exclude(ticket__customer=customer)
        messages = [_message_values(message) for message in elsewhere.iterator()]
        yield "messages.json", _json(messages)
        yield "articles.json", _json(_article_values(person))
        attempts = accounts_queries.list_login_attempts(by, email=person.email)
        yield "sign-ins.json", _json([_field_values(row, SIGN_IN_FIELDS) for row in attempts])
    if customer:
        for ticket in Ticket.objects.filter(customer=customer).order_by("pk").iterator():
            yield from _ticket_entries(ticket)


def _profile(customer: Customer | None, person: User | None) -> dict[str, FieldValues]:
    values: dict[str, FieldValues] = {}
    if customer:
        values["customer"] = _field_values(
            customer,
            (
                *PROFILE_FIELDS,
                "claimed_organisation",
                "is_premium",
                *accounts_services.CONTACT_DETAILS,
            ),
        )
        values["customer"]["organisation"] = str(customer.organisation or "")
        participants = Participant.objects.filter(email__iexact=customer.email).exclude(email="")
        values["customer"]["takes_part_in"] = [
            participant.ticket.number for participant in participants.select_related("ticket")
        ]
    if person:
        values["log_in"] = _field_values(person, USER_FIELDS)
        values["log_in"]["teams"] = [str(team) for team in person.teams.all()]
    return values


def _ticket_entries(ticket: Ticket) -> Iterator[Entry]:
    attachments = ticket.attachments.select_related("file").exclude(message__kind=Message.Kind.NOTE)
    replies = ticket.messages.filter(kind=Message.Kind.REPLY)
    rating = Rating.objects.filter(ticket=ticket).first()
    yield (
        f"tickets/{ticket.number}.json",
        _json(
            _field_values(ticket, TICKET_FIELDS)
            | {
                "number": ticket.number,
                "category": str(ticket.category or ""),
                "tags": [tag.name for tag in ticket.tags.all()],
                "messages": [_message_values(reply) for reply in replies],
                "rating": _field_values(rating, ("is_good", "comment", "at")) if rating else None,
                "events": _event_values(ticket),
                "files": [f"{attachment.pk}-{attachment.file.name}" for attachment in attachments],
            }
        ),
    )
    for attachment in attachments:
        name = attachment.file.name.replace("/", "_").replace("\\", "_")
        yield f"tickets/{ticket.number}/{attachment.pk}-{name}", _read_file(attachment.file)
    for email in mail_queries.list_emails_of_customer(ticket):
        if email.source:
            yield f"tickets/{ticket.number}/e-mail-{email.pk}.eml", _read_file(email.source)


def _article_values(person: User) -> dict[str, list[FieldValues]]:
    versions = ArticleVersion.objects.filter(by=person).defer("content").order_by("at")
    votes = ArticleVote.objects.filter(user=person).order_by("at")
    return {
        "written": [
            _field_values(version, ("article_id", "number", "title", "note", "at"))
            for version in versions
        ],
        "votes": [
            _field_values(vote, ("article_id", "is_helpful", "comment", "at")) for vote in votes
        ],
    }


def _event_values(ticket: Ticket) -> list[FieldValues]:
    events = ticket.events.exclude(kind__in=INTERNAL_EVENTS)
    return [_field_values(event, ("at", "kind", "actor_name", "data")) for event in events]


def _message_values(message: Message) -> FieldValues:
    names = ("ticket_id", "author_name", "kind", "body", "signature", "created_at")
    return _field_values(message, names)


def _field_values(instance: Model, names: Iterable[str]) -> FieldValues:
    return {name: getattr(instance, name) for name in names}


def _json(value: object) -> list[bytes]:
    return [json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()]


def _read_file(stored_file: StoredFile) -> Iterator[bytes]:
    """Read the bytes of a file; none if it is gone from the disk, so that the rest is exported."""
    with suppress(Http404), files_queries.open_file(stored_file) as stored:
        while chunk := stored.read(CHUNK_BYTES):
            yield chunk
