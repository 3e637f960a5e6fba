"""What the properties of a ticket and the filter of a list offer; from the cache if there.

A page shows three such lists, some twice, and a desk has the same ones all day.
"""

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.core import cache
from appliance.tickets.models import Ticket, TicketCategory
from appliance.tickets.queries.choices import list_assignable, list_categories

Offered = list[tuple[int, str]]


def offer_categories() -> Offered:
    """The active ones, in their order."""
    return cache.get_or_compute(
        "offered_categories",
        [],
        lambda: list(list_categories().values_list("pk", "name")),
        depends_on=[cache.CATEGORIES],
    )


def offer_slugs() -> list[tuple[str, str]]:
    """(slug, name) of the same ones: how lists and addresses call them."""
    return cache.get_or_compute(
        "offered_slugs",
        [],
        lambda: list(list_categories().values_list("slug", "name")),
        depends_on=[cache.CATEGORIES],
    )


def offer_teams(viewer: User) -> Offered:
    """Teams a ticket can be handed to: those whose tickets the viewer sees."""
    if not (viewer.is_active and viewer.is_agent):
        return []
    teams = cache.get_or_compute(
        "offered_teams",
        [],
        lambda: list(Team.objects.filter(is_active=True).values_list("pk", "name")),
        depends_on=[cache.TEAMS],
    )
    hidden = accounts_queries.hidden_team_ids(viewer)
    return [(pk, name) for pk, name in teams if pk not in hidden]


def offer_assignees(ticket: Ticket) -> Offered:
    """Agents who see the ticket, by name."""
    closed = ticket.team_id if ticket.team and ticket.team.is_closed else None
    return cache.get_or_compute(
        "offered_assignees",
        [closed],
        lambda: [(agent.pk, str(agent)) for agent in _named(list_assignable(ticket))],
        depends_on=[cache.TEAMS],
    )


def offer_agents() -> Offered:
    """Whoever a ticket can be given to, by name."""
    return cache.get_or_compute(
        "offered_agents",
        [],
        lambda: [(agent.pk, str(agent)) for agent in _named(accounts_queries.list_agents())],
        depends_on=[cache.TEAMS],
    )


def category_names() -> dict[str, str]:
    """Slug → name, of those that are switched off, too."""
    return cache.get_or_compute(
        "category_names",
        [],
        lambda: dict(TicketCategory.objects.values_list("slug", "name")),
        depends_on=[cache.CATEGORIES],
    )


def _named(agents):
    return agents.only("first_name", "last_name", "email")
