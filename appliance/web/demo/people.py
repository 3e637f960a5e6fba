"""Agents, organisations and customers of the demo desk. Who is there already stays as they are."""

import json
from dataclasses import dataclass
from pathlib import Path

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Organisation, Role, User

FILE = Path(__file__).parent / "people.json"
ASKERS = ("amina.yusuf@stbrannoc.example", "callum.rae@harbourline.example")


@dataclass(frozen=True)
class Cast:
    """By key, by e-mail, by e-mail."""

    agents: dict[str, User]
    customers: dict[str, Customer]
    places: dict[str, str]  # where each customer usually is

    @property
    def askers(self) -> list[User]:
        """Customers to log in as: of the hospital, and of the line that shares its tickets."""
        return [self.customers[email].user for email in ASKERS]


def load() -> Cast:
    rows = json.loads(FILE.read_text())
    agents = {row.pop("key"): _agent(**row) for row in rows["agents"]}
    organisations = {
        row["name"]: _organisation(agents["mei"], **row) for row in rows["organisations"]
    }
    places = {row["email"]: row.pop("place") for row in rows["customers"]}
    customers = {}
    for row in rows["customers"]:
        organisation = organisations[row.pop("organisation")]
        customers[row["email"]] = _customer(organisation=organisation, **row)
    return Cast(agents, customers, places)


def _agent(*, email: str, first_name: str, last_name: str) -> User:
    return accounts_queries.find_user(email=email) or accounts_services.add_user(
        email=email, first_name=first_name, last_name=last_name, role=Role.AGENT, password=None
    )


def _organisation(by: User, *, name: str, note: str, shares_tickets: bool) -> Organisation:
    known = Organisation.objects.filter(name__iexact=name).first()
    return known or accounts_services.add_organisation(
        by=by, name=name, note=note, shares_tickets=shares_tickets
    )


def _customer(*, email: str, organisation: Organisation, is_premium: bool, **name: str) -> Customer:
    if known := accounts_queries.find_customer(email=email):
        return known
    user = accounts_queries.find_user(email=email) or accounts_services.add_user(
        email=email, password=None, **name
    )
    return accounts_services.add_customer(
        email=email, organisation=organisation, is_premium=is_premium, user=user, **name
    )
