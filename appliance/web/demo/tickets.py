"""Tickets of the demo help desk with their history, custom fields, views, links and a merge."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from appliance.accounts.models import Team, User
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import (
    CustomField,
    Message,
    Priority,
    SavedView,
    Status,
    Ticket,
    TicketCategory,
    TicketLink,
)
from appliance.web.demo.articles_loader import make_file
from appliance.web.demo.people import People

Kind, Link = CustomField.Kind, TicketLink.Kind
# the tickets of the second file are answered by no article: similar ones form a knowledge gap
FILES = [Path(__file__).parent / name for name in ("tickets.jsonl", "unanswered.jsonl")]
KEY_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "skerry:demo")
HOLD = timedelta(days=5)
COMPLETED = (Status.SOLVED, Status.CLOSED)
# key, label, kind, choices, slugs of categories (none: all)
FIELDS = [
    ("place", "Place", Kind.CHOICE, ("Hospital", "Quay House", "On board"), ()),
    ("asset-number", "Asset number", Kind.TEXT, (), ("hardware", "network")),
    ("needed-by", "Needed by", Kind.DATE, (), ("purchasing",)),
]
VIEWS = [
    ("Printing", TicketFilter(tag="printing"), "priority"),
    ("Premium, next due", TicketFilter(premium=True), "due"),
]
# keys of tickets: source, target
MERGED = [("t215", "t209")]
LINKED = [
    ("t202", "t200", Link.DUPLICATE),
    ("t209", "t210", Link.RELATED),
    ("t212", "t210", Link.CAUSED_BY),
]


def load_fields() -> None:
    """Create missing custom fields; customers may fill them in, none is required."""
    existing_keys = set(CustomField.objects.values_list("key", flat=True))
    for key, label, kind, choices, slugs in FIELDS:
        if key not in existing_keys:
            tickets_services.add_field(
                by=None,
                key=key,
                label=label,
                kind=kind,
                choices=choices,
                categories=TicketCategory.objects.filter(slug__in=slugs),
                is_for_customers=True,
            )


def load_views(by: User) -> None:
    """Create missing views, shared with all agents."""
    existing_names = set(SavedView.objects.filter(owner=by).values_list("name", flat=True))
    for name, filters, sort in VIEWS:
        if name not in existing_names:
            tickets_services.save_view(by=by, name=name, filters=filters, sort=sort, audience="all")


def link_and_merge(tickets: dict[str, Ticket], by: User) -> None:
    """Link and merge new tickets, given by key; pairs that are not both new stay unchanged."""
    for source, target, kind in LINKED:
        if source in tickets and target in tickets:
            tickets_services.link_tickets(
                source=tickets[source], target=tickets[target], kind=kind, by=by
            )
    for source, target in MERGED:
        if source in tickets and target in tickets:
            tickets_services.merge_tickets(source=tickets[source], target=tickets[target], by=by)


@dataclass(frozen=True)
class TicketLoader:
    """Creates tickets with their messages, status changes and ratings at earlier times."""

    people: People
    teams: dict[str, Team]  # by the slug of a category
    now: datetime

    def load(self, data: dict[str, Any]) -> Ticket:
        """Create one ticket from its line of the file."""
        at = self.now - timedelta(days=data["days_ago"])
        ticket = self._create(data, at)
        assignee = self.people.agents.get(data["assignee"])
        if assignee:
            tickets_services.assign(ticket=ticket, assignee=assignee, by=assignee, at=at)
        if "tags" in data:
            tickets_services.set_tags(ticket=ticket, names=data["tags"], by=assignee, at=at)
        last_at = self._add_messages(ticket, data, at)
        ended_at = self._set_status(ticket, data, assignee or self.people.agents["bob"], last_at)
        if "rating" in data:
            rated_at = min(ended_at + timedelta(hours=1), self.now)
            tickets_services.rate_ticket(
                ticket=ticket, by=self._customer_user(data), at=rated_at, **data["rating"]
            )
        return ticket

    def _customer_user(self, data: dict[str, Any]) -> User:
        return self.people.customer_user(data["customer"])

    def _create(self, data: dict[str, Any], at: datetime) -> Ticket:
        return tickets_services.create_ticket(
            customer=self.people.customers[data["customer"]],
            subject=data["subject"],
            description=data["description"],
            by=self._customer_user(data),
            priority=Priority[data["priority"].upper()],
            team=self.teams.get(data["category"]),
            fields={"place": self.people.places[data["customer"]]},
            files=[make_file(name) for name in data.get("files", [])],
            idempotency_key=idempotency_key(data),
            at=at,
        )

    def _add_messages(self, ticket: Ticket, data: dict[str, Any], opened_at: datetime) -> datetime:
        """Add the messages; return the time of the last one.

        The last reply of an agent leaves the ticket in its final status.
        """
        at, messages = opened_at, data["messages"]
        for number, message in enumerate(messages, start=1):
            at = min(opened_at + timedelta(hours=message["hours_after"]), self.now)
            author = self.people.agents.get(message["by"]) or self._customer_user(data)
            if message["kind"] == Message.Kind.NOTE:
                tickets_services.add_note(ticket=ticket, by=author, body=message["text"], at=at)
                continue
            is_last = number == len(messages) and author.is_agent
            sets_status = is_last and data["status"] != Status.HOLD
            status = Status(data["status"]) if sets_status else None
            tickets_services.reply(
                ticket=ticket, by=author, body=message["text"], status=status, at=at
            )
        return at

    def _set_status(
        self, ticket: Ticket, data: dict[str, Any], by: User, last_at: datetime
    ) -> datetime:
        """Set the final status, unless the last reply did; return when that was."""
        if data["status"] == Status.HOLD:
            tickets_services.hold_ticket(ticket=ticket, until=self.now + HOLD, by=by, at=last_at)
        elif ticket.status != data["status"]:
            if data["status"] in COMPLETED:
                last_at = min(last_at + _time_to_solve(data), self.now)
            tickets_services.set_status(
                ticket=ticket, status=Status(data["status"]), by=by, at=last_at
            )
        return last_at


def load(people: People, teams: dict[str, Team]) -> dict[str, Ticket]:
    """Create missing tickets; return the new ones by key."""
    existing = set(Ticket.objects.values_list("idempotency_key", flat=True))
    loader = TicketLoader(people, teams, timezone.now())
    return {
        data["key"]: loader.load(data)
        for data in read_tickets()
        if idempotency_key(data) not in existing
    }


def list_answers() -> dict[str, str]:
    """Return the file name of the article that answered a ticket, by ticket key."""
    return {data["key"]: data["article"] for data in read_tickets() if data.get("article")}


def read_tickets() -> list[dict[str, Any]]:
    """Return the lines of the files."""
    return [json.loads(line) for path in FILES for line in path.read_text().splitlines()]


def idempotency_key(data: dict[str, Any]) -> uuid.UUID:
    """Return a key that is the same at each load, so that a ticket is created once."""
    return uuid.uuid5(KEY_NAMESPACE, data["key"])


def _time_to_solve(data: dict[str, Any]) -> timedelta:
    """Return between half an hour and five hours, always the same for a ticket."""
    return timedelta(minutes=30 + 45 * (int(data["key"][1:]) % 7))
