"""The tickets of the demo desk, with what happened to them. Category and mood are left for the
models to say.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from appliance.accounts.models import Team, User
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Priority, Status, Ticket
from appliance.web.demo.cast import Cast
from appliance.web.demo.enclosures import make_file

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
            said = {"ticket": ticket, "body": message["text"], "at": latest}
            by = self.cast.agents.get(message["by"]) or self._asker(row)
            if message["kind"] == Message.Kind.NOTE:
                tickets_services.add_note(by=by, **said)
            else:
                ends = number == len(row["messages"]) and by.is_agent
                status = Status(row["status"]) if ends and row["status"] != Status.HOLD else None
                tickets_services.reply(by=by, status=status, **said)
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
