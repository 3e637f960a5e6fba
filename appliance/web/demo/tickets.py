"""What a desk that has been at work for a while has: questions of its own, views, tickets that hang
together.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

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
from appliance.web.demo.people import Cast

Kind, Link = CustomField.Kind, TicketLink.Kind
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
# what is found out about tickets of today
MERGED = [("t215", "t209")]
LINKED = [
    ("t202", "t200", Link.DUPLICATE),
    ("t209", "t210", Link.RELATED),
    ("t212", "t210", Link.CAUSED_BY),
]


def load_fields() -> None:
    """Customers may answer them, nobody must."""
    known = set(CustomField.objects.values_list("key", flat=True))
    for key, label, kind, choices, slugs in FIELDS:
        if key not in known:
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
    """Shared with every agent."""
    known = set(SavedView.objects.filter(owner=by).values_list("name", flat=True))
    for name, filters, sort in VIEWS:
        if name not in known:
            tickets_services.save_view(by=by, name=name, filters=filters, sort=sort, audience="all")


def tie(tickets: dict[str, Ticket], by: User) -> None:
    """Links and a merge among ``tickets``, which are new; others stay as they are."""
    for source, target, kind in LINKED:
        if source in tickets and target in tickets:
            tickets_services.link_tickets(
                source=tickets[source], target=tickets[target], kind=kind, by=by
            )
    for source, target in MERGED:
        if source in tickets and target in tickets:
            tickets_services.merge_tickets(source=tickets[source], target=tickets[target], by=by)


# what no article answers stands apart: three or more that ask the same are a gap
FILES = [Path(__file__).parent / name for name in ("tickets.jsonl", "unanswered.jsonl")]
KEYS = uuid.uuid5(uuid.NAMESPACE_URL, "skerry:demo")  # the same ticket has the same key each time
HOLD = timedelta(days=5)
DONE = (Status.SOLVED, Status.CLOSED)


@dataclass(frozen=True)
class Teller:
    """Tells the story of one ticket after another."""

    cast: Cast
    teams: dict[str, Team]  # by the slug of a category
    now: datetime

    def tell(self, row: dict) -> Ticket:
        at = self.now - timedelta(days=row["days_ago"])
        ticket = self._open(row, at)
        by = self.cast.agents.get(row["assignee"])
        if by:
            tickets_services.assign(ticket=ticket, assignee=by, by=by, at=at)
        if "tags" in row:
            tickets_services.set_tags(ticket=ticket, names=row["tags"], by=by, at=at)
        latest = self._talk(ticket, row, at)
        done_at = self._end(ticket, row, by or self.cast.agents["bob"], latest)
        if "rating" in row:
            said_at = min(done_at + timedelta(hours=1), self.now)
            tickets_services.rate_ticket(
                ticket=ticket, by=self._asker(row), at=said_at, **row["rating"]
            )
        return ticket

    def _asker(self, row: dict) -> User:
        return self.cast.customers[row["customer"]].user

    def _open(self, row: dict, at: datetime) -> Ticket:
        return tickets_services.create_ticket(
            customer=self.cast.customers[row["customer"]],
            subject=row["subject"],
            description=row["description"],
            by=self._asker(row),
            priority=Priority[row["priority"].upper()],
            team=self.teams.get(row["category"]),
            fields={"place": self.cast.places[row["customer"]]},
            files=[make_file(name) for name in row.get("files", [])],
            idempotency_key=key_of(row),
            at=at,
        )

    def _talk(self, ticket: Ticket, row: dict, opened_at: datetime) -> datetime:
        """When the last thing was said. An agent's last answer leaves the ticket as it ends."""
        latest = opened_at
        for number, message in enumerate(row["messages"], start=1):
            latest = min(opened_at + timedelta(hours=message["hours_after"]), self.now)
            values = {"ticket": ticket, "body": message["text"], "at": latest}
            by = self.cast.agents.get(message["by"]) or self._asker(row)
            if message["kind"] == Message.Kind.NOTE:
                tickets_services.add_note(by=by, **values)
            else:
                ends = number == len(row["messages"]) and by.is_agent
                status = Status(row["status"]) if ends and row["status"] != Status.HOLD else None
                tickets_services.reply(by=by, status=status, **values)
        return latest

    def _end(self, ticket: Ticket, row: dict, by: User, latest: datetime) -> datetime:
        """Solved some while after the last word, unless that word was the solution."""
        if row["status"] == Status.HOLD:
            tickets_services.hold_ticket(ticket=ticket, until=self.now + HOLD, by=by, at=latest)
        elif ticket.status != row["status"]:
            is_done = row["status"] in DONE
            latest = min(latest + _while(row), self.now) if is_done else latest
            tickets_services.set_status(
                ticket=ticket, status=Status(row["status"]), by=by, at=latest
            )
        return latest


def load(cast: Cast, teams: dict[str, Team]) -> dict[str, Ticket]:
    """The new ones, by key; what is there already stays."""
    known = set(Ticket.objects.values_list("idempotency_key", flat=True))
    teller = Teller(cast, teams, timezone.now())
    return {row["key"]: teller.tell(row) for row in rows() if key_of(row) not in known}


def answered() -> dict[str, str]:
    """Key of a ticket → name of the article that answered it."""
    return {row["key"]: row["article"] for row in rows() if row.get("article")}


def rows() -> list[dict]:
    """The tickets as they are told."""
    return [json.loads(line) for path in FILES for line in path.read_text().splitlines()]


def key_of(row: dict) -> uuid.UUID:
    return uuid.uuid5(KEYS, row["key"])


def _while(row: dict) -> timedelta:
    """Between half an hour and five, the same for the same ticket each time."""
    return timedelta(minutes=30 + 45 * (int(row["key"][1:]) % 7))
