"""What the properties of a ticket and the filter of a list offer; from the cache if there.

A page shows three such lists, some twice, and a desk has the same ones all day.
"""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Role, Team, User
from appliance.core import cache
from appliance.tickets import custom_fields, mentions
from appliance.tickets.models import CustomField, Tag, Ticket, TicketCategory

FilterChoices = list[tuple[int, str]]


def list_category_choices() -> FilterChoices:
    """The active ones, in their order."""
    return cache.get_or_compute(
        "offered_categories",
        [],
        lambda: list(list_categories().values_list("pk", "name")),
        depends_on=[cache.CATEGORIES],
    )


def list_category_slug_choices() -> list[tuple[str, str]]:
    """(slug, name) of the same ones: how lists and addresses call them."""
    return cache.get_or_compute(
        "offered_slugs",
        [],
        lambda: list(list_categories().values_list("slug", "name")),
        depends_on=[cache.CATEGORIES],
    )


def list_team_choices(viewer: User) -> FilterChoices:
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


def list_assignee_choices(ticket: Ticket) -> FilterChoices:
    """Agents who see the ticket, by name."""
    closed = ticket.team_id if ticket.team and ticket.team.is_closed else None
    return cache.get_or_compute(
        "offered_assignees",
        [closed],
        lambda: [(agent.pk, str(agent)) for agent in _as_choices(list_assignable(ticket))],
        depends_on=[cache.TEAMS],
    )


def list_agent_choices() -> FilterChoices:
    """Whoever a ticket can be given to, by name."""
    return cache.get_or_compute(
        "offered_agents",
        [],
        lambda: [(agent.pk, str(agent)) for agent in _as_choices(accounts_queries.list_agents())],
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


def _as_choices(agents):
    return agents.only("first_name", "last_name", "email")


@dataclass(frozen=True)
class Answer:
    """A custom field of a ticket and what stands in it."""

    field: CustomField
    value: object
    text: str  # for a person; empty without an answer


def list_categories() -> QuerySet[TicketCategory]:
    return TicketCategory.objects.filter(is_active=True)


def list_assignable(ticket: Ticket) -> QuerySet[User]:
    """Agents who see the ticket, by name."""
    agents = accounts_queries.list_agents()
    if ticket.team is None or not ticket.team.is_closed:
        return agents
    members = ticket.team.memberships.values("user")
    return agents.filter(Q(role=Role.ADMIN) | Q(pk__in=members))


def can_see_team(agent: User, team: Team | None) -> bool:
    """Whether the tickets of this team are shown to this agent."""
    return agent.is_active and (
        team is None or team.pk not in accounts_queries.hidden_team_ids(agent)
    )


def list_teams(viewer: User) -> QuerySet[Team]:
    """Teams a ticket can be handed to: those whose tickets the viewer sees."""
    if not (viewer.is_active and viewer.is_agent):
        return Team.objects.none()
    return Team.objects.filter(is_active=True).exclude(
        pk__in=accounts_queries.hidden_team_ids(viewer)
    )


def list_mentionable(
    viewer: User, ticket: Ticket, prefix: str = "", limit: int = 8
) -> list[tuple[User, str]]:
    """Colleagues who see the ticket, with the name that means each after @. One query."""
    if not (viewer.is_active and viewer.is_agent):
        return []
    people = list(list_assignable(ticket))
    others = [person for person in mentions.list_matching(prefix, people) if person != viewer]
    return [(person, mentions.handle_of(person, people)) for person in others[:limit]]


def list_tags(viewer: User, prefix: str = "", limit: int = 20) -> list[Tag]:
    """Tags that begin so, by name; for agents."""
    if not (viewer.is_active and viewer.is_agent):
        return []
    return list(Tag.objects.filter(name__istartswith=prefix.strip())[:limit])


def fields_of(category: TicketCategory | None) -> QuerySet[CustomField]:
    """The active fields asked in this category: its own, and those of every category."""
    for_all = Q(pk__in=CustomField.objects.filter(categories=None).values("pk"))
    own = Q(categories=category) if category else Q(pk__in=[])
    return CustomField.objects.filter(for_all | own, is_active=True).distinct()


def list_fields(viewer: User, category: TicketCategory | None) -> list[CustomField]:
    """Custom fields the viewer may fill in: customers and guests see only public ones. Cached."""
    fields = cache.get_or_compute(
        "custom_fields",
        [category.pk if category else None],
        lambda: list(fields_of(category)),
        depends_on=[cache.CATEGORIES],
    )
    sees_all = viewer.is_authenticated and viewer.is_agent
    return fields if sees_all else [field for field in fields if field.is_for_customers]


def list_answers(viewer: User, ticket: Ticket) -> list[Answer]:
    """The fields of the ticket with what stands in each; empty ones too."""
    return [
        Answer(field, custom_fields.value_of(field, value), custom_fields.text_of(field, value))
        for field in list_fields(viewer, ticket.category)
        for value in [ticket.fields.get(field.key)]
    ]
