"""Agents, organisations and customers of the demo help desk; existing ones stay unchanged."""

import json
from dataclasses import dataclass
from pathlib import Path

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Organisation, Role, User

FILE = Path(__file__).parent / "people.json"
# one customer of the hospital, one of the ferry line, which shares its tickets
PORTAL_EMAILS = ("amina.yusuf@stbrannoc.example", "callum.rae@harbourline.example")


@dataclass(frozen=True)
class People:
    """The people of the demo; customers by e-mail address, agents by their key in the file."""

    agents: dict[str, User]
    customers: dict[str, Customer]
    places: dict[str, str]  # the usual place of each customer

    @property
    def portal_users(self) -> list[User]:
        """Return the customers to log in as."""
        return [self.customer_user(email) for email in PORTAL_EMAILS]

    def customer_user(self, email: str) -> User:
        """Return the log-in of a customer."""
        user = self.customers[email].user
        if user is None:
            raise ValueError(f"{email} has no log-in")
        return user


def load() -> People:
    """Create the missing people of the file and return all of them."""
    data = json.loads(FILE.read_text())
    agents = {agent.pop("key"): _ensure_agent(**agent) for agent in data["agents"]}
    organisations = {
        organisation["name"]: _ensure_organisation(**organisation)
        for organisation in data["organisations"]
    }
    places = {customer["email"]: customer.pop("place") for customer in data["customers"]}
    customers = {
        customer["email"]: _ensure_customer(
            organisation=organisations[customer.pop("organisation")], **customer
        )
        for customer in data["customers"]
    }
    return People(agents, customers, places)


def _ensure_agent(*, email: str, first_name: str, last_name: str) -> User:
    return accounts_queries.find_user(email=email) or accounts_services.add_user(
        email=email, first_name=first_name, last_name=last_name, role=Role.AGENT, password=None
    )


def _ensure_organisation(*, name: str, note: str, shares_tickets: bool) -> Organisation:
    existing = Organisation.objects.filter(name__iexact=name).first()
    return existing or Organisation.objects.create(
        name=name, note=note, shares_tickets=shares_tickets
    )


def _ensure_customer(
    *, email: str, first_name: str, last_name: str, organisation: Organisation, is_premium: bool
) -> Customer:
    if existing := accounts_queries.find_customer(email=email):
        return existing
    user = accounts_queries.find_user(email=email) or accounts_services.add_user(
        email=email, first_name=first_name, last_name=last_name, password=None
    )
    return accounts_services.add_customer(
        email=email,
        first_name=first_name,
        last_name=last_name,
        organisation=organisation,
        is_premium=is_premium,
        user=user,
    )
