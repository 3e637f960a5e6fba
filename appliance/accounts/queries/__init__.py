"""Reads on people, each scoped to the viewer where it matters who looks."""

from appliance.accounts.queries.customers import (
    access_customer,
    access_organisation,
    customers_seen_by,
    find_customer,
    find_customer_of,
    list_customers,
    list_organisations,
)
from appliance.accounts.queries.people import (
    access_invitation,
    access_person,
    find_user,
    has_admin,
    is_last_admin,
    is_setup_token,
    list_agents,
    list_people,
)
from appliance.accounts.queries.teams import (
    access_team,
    closed_teams,
    has_right,
    hidden_teams,
    list_teams,
    teams_of,
)

__all__ = [
    "access_customer",
    "access_invitation",
    "access_organisation",
    "access_person",
    "access_team",
    "closed_teams",
    "customers_seen_by",
    "find_customer",
    "find_customer_of",
    "find_user",
    "has_admin",
    "has_right",
    "hidden_teams",
    "is_last_admin",
    "is_setup_token",
    "list_agents",
    "list_customers",
    "list_organisations",
    "list_people",
    "list_teams",
    "teams_of",
]
