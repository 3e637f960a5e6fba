"""The demo desk: an island hospital and its ferry line, written by us."""

import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from appliance.accounts import queries as people
from appliance.accounts import services as accounts
from appliance.accounts.models import Customer, Role, Team, User
from appliance.desk.demo import promises, shortcuts
from appliance.knowledge import services as knowledge
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets
from appliance.tickets.models import Priority, Status, Ticket, TicketCategory

HERE = Path(__file__).parent
KEYS = uuid.uuid5(uuid.NAMESPACE_URL, "skerry:demo")  # the same ticket has the same key each time
CUSTOMERS_WITH_LOGIN = 2
HOLD = timedelta(days=5)


@transaction.atomic
def load() -> list[User]:
    """People, promises, articles and tickets; what is there stays. Returns who can log in."""
    tickets.load_default_categories()
    cast = json.loads((HERE / "people.json").read_text())
    agents = {row.pop("key"): _agent(**row) for row in cast["agents"]}
    customers = {row["email"]: _customer(**row) for row in cast["customers"]}
    for path in sorted((HERE / "articles").glob("*.md")):
        _article(path, author=agents["mei"])
    teams = promises.load_teams([*agents.values()])
    promises.load_promises(teams)
    shortcuts.load(by=agents["bob"])
    for line in (HERE / "tickets.jsonl").read_text().splitlines():
        _ticket(json.loads(line), agents, customers, teams)
    askers = [customer for customer in customers.values() if customer.user][:CUSTOMERS_WITH_LOGIN]
    return [*agents.values(), *(customer.user for customer in askers)]


def _agent(*, email: str, first_name: str, last_name: str) -> User:
    return people.find_user(email=email) or accounts.add_user(
        email=email, first_name=first_name, last_name=last_name, role=Role.AGENT, password=None
    )


def _customer(*, is_premium: bool, organisation: str, **person: str) -> Customer:
    if known := people.find_customer(email=person["email"]):
        return known
    customer = accounts.register_customer(**person, password=None)
    customer.is_premium = is_premium
    if organisation:
        customer.organisation = accounts.ensure_organisation(name=organisation)
    customer.save(update_fields=["is_premium", "organisation"])
    return customer


def read_article(path: Path) -> dict[str, str]:
    """Title, category slug and Markdown of one file: front matter between two lines of ``---``."""
    _, head, body = path.read_text().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    return {**fields, "content": body.strip()}


def _article(path: Path, *, author: User) -> None:
    row = read_article(path)
    if not Article.objects.filter(title=row["title"]).exists():
        knowledge.write_article(
            by=author,
            title=row["title"],
            content=row["content"],
            category=TicketCategory.objects.get(slug=row["category"]),
            status=Article.Status.PUBLISHED,
        )


def _ticket(
    row: dict, agents: dict[str, User], customers: dict[str, Customer], teams: dict[str, Team]
) -> None:
    """The ticket with its history. Category and mood are left for the models to say."""
    key = uuid.uuid5(KEYS, row["key"])
    if Ticket.objects.filter(submission_key=key).exists():
        return
    customer = customers[row["customer"]]
    at = timezone.now() - timedelta(days=row["days_ago"])
    ticket = tickets.open_ticket(
        customer=customer,
        subject=row["subject"],
        description=row["description"],
        by=customer.user,
        priority=Priority[row["priority"].upper()],
        team=teams.get(row["category"]),
        submission_key=key,
        at=at,
    )
    at = _history(ticket, row, agents, at)
    by = ticket.assignee or agents["bob"]
    if row["status"] == Status.HOLD:
        tickets.hold_ticket(ticket=ticket, until=timezone.now() + HOLD, by=by, at=at)
    elif ticket.status != row["status"]:
        tickets.set_status(ticket=ticket, status=Status(row["status"]), by=by, at=at)


def _history(ticket: Ticket, row: dict, agents: dict[str, User], opened_at: datetime) -> datetime:
    """Assignment and messages; returns when the last thing happened, never in the future."""
    latest = opened_at
    if assignee := agents.get(row["assignee"]):
        tickets.assign(ticket=ticket, assignee=assignee, by=assignee, at=latest)
    for message in row["messages"]:
        latest = min(opened_at + timedelta(hours=message["hours_after"]), timezone.now())
        say = tickets.add_note if message["kind"] == "note" else tickets.reply
        by = agents.get(message["by"], ticket.customer.user)
        say(ticket=ticket, by=by, body=message["text"], at=latest)
    return latest
