"""A person's data as a ZIP: JSON to read by machine and by eye, and the files as they were sent."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404

from appliance.accounts.models import Customer, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core.zip_stream import Entry, stream_zip
from appliance.files import queries as files_queries
from appliance.knowledge.models import ArticleVersion, ArticleVote
from appliance.tickets.models import Event, Message, Rating, Ticket

PIECE = 256 * 1024  # bytes
README = """What this desk keeps about one person.

profile.json            who they are
messages.json           what they wrote on tickets of others
articles.json           what they wrote in articles, and whether articles helped them
tickets/SKR-….json      each ticket they asked: its text, answers, rating and history
tickets/SKR-…/          what was sent with it

Notes of the agents to each other are not part of it.
"""
PROFILE = ("email", "first_name", "last_name", "created_at")
LOG_IN = (*PROFILE, "role", "is_active", "last_login", "language", "time_zone", "signature")
TICKET = ("subject", "description", "status", "created_at", "updated_at", "fields")


@transaction.atomic
def export_customer(*, customer: Customer, by: User) -> Iterator[bytes]:
    """The ZIP piece by piece; checked and recorded at once, read while it is sent."""
    require_admin(by)
    audit.record_change(by=by, verb="exported", subject=customer)
    return stream_zip(_entries(customer, customer.user))


@transaction.atomic
def export_person(*, person: User, by: User) -> Iterator[bytes]:
    """Export the data of a user, with their tickets if they are a customer as well."""
    require_admin(by)
    audit.record_change(by=by, verb="exported", subject=person)
    return stream_zip(_entries(Customer.objects.filter(user=person).first(), person))


def _entries(customer: Customer | None, person: User | None) -> Iterator[Entry]:
    yield "README.txt", [README.encode()]
    yield "profile.json", _json(_profile(customer, person))
    if person:
        elsewhere = Message.objects.filter(author=person, kind=Message.Kind.REPLY)
        elsewhere = elsewhere.exclude(ticket__customer=customer)
        yield "messages.json", _json([_message(row) for row in elsewhere.iterator()])
        yield "articles.json", _json(_of_articles(person))
    if customer:
        for ticket in Ticket.objects.filter(customer=customer).order_by("pk").iterator():
            yield from _of_ticket(ticket)


def _profile(customer: Customer | None, person: User | None) -> dict:
    values: dict = {}
    if customer:
        values["customer"] = _picked(customer, (*PROFILE, "claimed_organisation", "is_premium"))
        values["customer"]["organisation"] = str(customer.organisation or "")
    if person:
        values["log_in"] = _picked(person, LOG_IN)
        values["log_in"]["teams"] = [str(team) for team in person.teams.all()]
    return values


def _of_ticket(ticket: Ticket) -> Iterator[Entry]:
    attachments = ticket.attachments.select_related("file").exclude(message__kind=Message.Kind.NOTE)
    rows = ticket.messages.filter(kind=Message.Kind.REPLY)
    rating = Rating.objects.filter(ticket=ticket).first()
    yield (
        f"tickets/{ticket.number}.json",
        _json(
            _picked(ticket, TICKET)
            | {
                "number": ticket.number,
                "category": str(ticket.category or ""),
                "tags": [tag.name for tag in ticket.tags.all()],
                "messages": [_message(attachment) for attachment in rows],
                "rating": _picked(rating, ("is_good", "comment", "at")) if rating else None,
                "events": _events(ticket),
                "files": [f"{attachment.pk}-{attachment.file.name}" for attachment in attachments],
            }
        ),
    )
    for attachment in attachments:
        name = attachment.file.name.replace("/", "_").replace("\\", "_")
        yield f"tickets/{ticket.number}/{attachment.pk}-{name}", _bytes(attachment)


def _of_articles(person: User) -> dict[str, list[dict]]:
    versions = ArticleVersion.objects.filter(by=person).defer("content").order_by("at")
    votes = ArticleVote.objects.filter(user=person).order_by("at")
    return {
        "written": [
            _picked(version, ("article_id", "number", "title", "note", "at"))
            for version in versions
        ],
        "votes": [
            _picked(version, ("article_id", "is_helpful", "comment", "at")) for version in votes
        ],
    }


def _events(ticket: Ticket) -> list[dict]:
    events: QuerySet = ticket.events.exclude(kind__in=[Event.Kind.NOTED, Event.Kind.CLASSIFIED])
    return [_picked(event, ("at", "kind", "actor_name", "data")) for event in events]


def _message(message: Message) -> dict:
    return _picked(message, ("ticket_id", "author_name", "kind", "body", "created_at"))


def _picked(row: object, names: Iterable[str]) -> dict:
    return {name: getattr(row, name) for name in names}


def _json(value: object) -> list[bytes]:
    return [json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()]


def _bytes(attachment: object) -> Iterator[bytes]:
    """Nothing when the disk has lost them: the rest of the archive is worth having."""
    with suppress(Http404), files_queries.open_file(attachment.file) as stored:
        while piece := stored.read(PIECE):
            yield piece
