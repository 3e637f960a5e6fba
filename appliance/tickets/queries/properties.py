"""Queries for categories, tags, custom fields, teams and agents: what a ticket can have.

Functions that return (value, label) pairs are cached: a page shows several, and they rarely change.
Those named ``list_all_`` and ``access_`` are for the pages on which admins edit the rows.
"""

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User, Viewer
from appliance.core import cache
from appliance.tickets import custom_fields, mentions
from appliance.tickets.models import CustomField, Tag, Ticket, TicketCategory

Choices = list[tuple[int, str]]
RowT = TypeVar("RowT", TicketCategory, Tag, CustomField)


def list_category_choices() -> Choices:
    """Return the active categories in their order."""
    return cache.get_or_compute(
        "offered_categories",
        [],
        lambda: list(list_categories().values_list("pk", "name")),
        depends_on=[cache.CATEGORIES],
    )


def list_category_slug_choices() -> list[tuple[str, str]]:
    """Return slug and name of the active categories in their order."""
    return cache.get_or_compute(
        "offered_slugs",
        [],
        lambda: list(list_categories().values_list("slug", "name")),
        depends_on=[cache.CATEGORIES],
    )


def list_team_choices(viewer: User) -> Choices:
    """Return the active teams whose tickets the viewer may see."""
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


def list_assignee_choices(ticket: Ticket) -> Choices:
    """Return the agents who may see the ticket, by name."""
    closed_team_id = ticket.team_id if ticket.team and ticket.team.is_closed else None
    return cache.get_or_compute(
        "offered_assignees",
        [closed_team_id],
        lambda: _as_choices(list_assignable(ticket)),
        depends_on=[cache.TEAMS],
    )


def list_agent_choices() -> Choices:
    """Return the agents, by name."""
    return cache.get_or_compute(
        "offered_agents",
        [],
        lambda: _as_choices(accounts_queries.list_agents()),
        depends_on=[cache.TEAMS],
    )


def list_field_choices() -> list[tuple[str, str]]:
    """Return key and label of the active custom fields in their order."""
    return [(key, label) for key, label, _kind in _list_active_fields()]


def list_field_kinds() -> list[tuple[str, str]]:
    """Return key and kind of the active custom fields."""
    return [(key, kind) for key, _label, kind in _list_active_fields()]


def _list_active_fields() -> list[tuple[str, str, str]]:
    fields = CustomField.objects.filter(is_active=True, owner=CustomField.Owner.TICKET)
    return cache.get_or_compute(
        "offered_fields",
        [],
        lambda: list(fields.values_list("key", "label", "kind")),
        depends_on=[cache.CATEGORIES],
    )


def list_public_field_keys() -> list[str]:
    """Return the keys of the custom fields that customers may see."""
    fields = CustomField.objects.filter(
        is_active=True, is_for_customers=True, owner=CustomField.Owner.TICKET
    )
    return list(fields.values_list("key", flat=True))


def list_category_names() -> dict[str, str]:
    """Return the name of each category by slug, inactive ones included."""
    return cache.get_or_compute(
        "category_names",
        [],
        lambda: dict(TicketCategory.objects.values_list("slug", "name")),
        depends_on=[cache.CATEGORIES],
    )


def _as_choices(agents: QuerySet[User]) -> Choices:
    return [(agent.pk, str(agent)) for agent in agents.only("first_name", "last_name", "email")]


@dataclass(frozen=True)
class Answer:
    """A custom field with its value on a ticket."""

    field: CustomField
    value: object
    text: str  # in the active language, empty without a value


def list_categories() -> QuerySet[TicketCategory]:
    return TicketCategory.objects.filter(is_active=True)


def list_assignable(ticket: Ticket) -> QuerySet[User]:
    """Return the agents who can act on the ticket, by name."""
    return accounts_queries.list_agents_with_access(ticket.team_id)


def can_act(agent: User, ticket: Ticket) -> bool:
    """Return whether this is an active agent who may see the ticket; not cached."""
    return list_assignable(ticket).filter(pk=agent.pk).exists()


def list_stranded() -> QuerySet[Ticket]:
    """Return the open tickets whose assignee can no longer act on them."""
    able = accounts_queries.list_agents_with_access(OuterRef(OuterRef("team")))
    is_able = Exists(able.order_by().filter(pk=OuterRef("assignee")))
    return Ticket.objects.open().filter(assignee__isnull=False).exclude(is_able)


def can_see_team(agent: User, team: Team | None) -> bool:
    """Return whether the agent may see tickets of the team, or without a team."""
    return agent.is_active and (
        team is None or team.pk not in accounts_queries.hidden_team_ids(agent)
    )


def list_teams(viewer: User) -> QuerySet[Team]:
    """Return the active teams whose tickets the viewer may see."""
    if not (viewer.is_active and viewer.is_agent):
        return Team.objects.none()
    return Team.objects.filter(is_active=True).exclude(
        pk__in=accounts_queries.hidden_team_ids(viewer)
    )


def list_mentionable(
    viewer: User, ticket: Ticket, prefix: str = "", limit: int = 8
) -> list[tuple[User, str]]:
    """Return agents who may see the ticket, each with the handle to mention. One query."""
    if not (viewer.is_active and viewer.is_agent):
        return []
    people = list(list_assignable(ticket))
    others = [person for person in mentions.list_matching(prefix, people) if person != viewer]
    return [(person, mentions.handle_of(person, people)) for person in others[:limit]]


def find_unknown_mentions(ticket: Ticket, note: str) -> list[str]:
    """Return the words after an @ in a note that fit no agent who may see the ticket."""
    return mentions.find_unknown(note, list_assignable(ticket)) if "@" in note else []


def list_tags(viewer: User, prefix: str = "", limit: int = 20) -> list[Tag]:
    """Return the tags the viewer may see that begin with ``prefix``, by name."""
    return list(visible_tags(viewer).filter(name__istartswith=prefix.strip())[:limit])


def find_tag(viewer: Viewer, name: str) -> Tag | None:
    """Return the tag of this name, whatever its case, if the viewer may see it."""
    return visible_tags(viewer).filter(name__iexact=name).first()


def visible_tags(viewer: Viewer) -> QuerySet[Tag]:
    """Return the tags an agent may see; none for customers."""
    if not (viewer.is_authenticated and viewer.is_active and viewer.is_agent):
        return Tag.objects.none()
    return Tag.objects.exclude(_is_hidden_tag(viewer))


def hidden_tags(viewer: User) -> QuerySet[Tag]:
    """Return the tags that an agent may not see."""
    return Tag.objects.filter(_is_hidden_tag(viewer))


def _is_hidden_tag(viewer: User) -> Q:
    """Match tags that only tickets hidden from the agent have: they say what these are about."""
    hidden = accounts_queries.hidden_team_ids(viewer)
    if not hidden:
        return Q(pk__in=[])
    tagged = Ticket.objects.filter(tags=OuterRef("pk")).order_by()
    return Q(~Exists(tagged.visible_to(viewer)), Exists(tagged.filter(team__in=hidden)))


def list_category_fields(category: TicketCategory | None) -> QuerySet[CustomField]:
    """Return the active custom fields of the category and those of all categories."""
    for_all = Q(pk__in=CustomField.objects.filter(categories=None).values("pk"))
    of_category = Q(categories=category) if category else Q(pk__in=[])
    fields = CustomField.objects.filter(owner=CustomField.Owner.TICKET, is_active=True)
    return fields.filter(for_all | of_category).distinct()


def list_customer_fields() -> list[CustomField]:
    """Return the active custom fields of customers in their order."""
    return list(CustomField.objects.filter(owner=CustomField.Owner.CUSTOMER, is_active=True))


def list_fields(viewer: Viewer, category: TicketCategory | None) -> list[CustomField]:
    """Return the custom fields the viewer may fill in, for customers only public ones. Cached."""
    rows = cache.get_or_compute(
        "custom_fields",
        [category.pk if category else None],
        lambda: list(list_category_fields(category).values()),
        depends_on=[cache.CATEGORIES],
    )
    fields = [CustomField(**row) for row in rows]
    sees_all = viewer.is_authenticated and viewer.is_agent
    return fields if sees_all else [field for field in fields if field.is_for_customers]


def list_answers(viewer: Viewer, ticket: Ticket) -> list[Answer]:
    """Return the custom fields the viewer may see with their values, empty ones included."""
    return [
        Answer(field, custom_fields.value_of(field, value), custom_fields.text_of(field, value))
        for field in list_fields(viewer, ticket.category)
        for value in [ticket.fields.get(field.key)]
    ]


def list_all_categories(viewer: User, text: str = "") -> QuerySet[TicketCategory]:
    """Return all categories in their order, inactive ones included; none unless for an admin."""
    return _filter_by_text(_all_for_admin(viewer, TicketCategory), text, "name")


def access_category(viewer: User, pk: int) -> TicketCategory:
    """Return a category for an admin. Raises Http404."""
    return _access(list_all_categories(viewer), pk)


def list_all_tags(viewer: User, text: str = "") -> QuerySet[Tag]:
    """Return all tags by name, each with ``ticket_count``, counted only for rows that are read."""
    through = Ticket.tags.through.objects.filter(tag=OuterRef("pk")).order_by()
    # mypy_django_plugin loses annotations on the table of a many-to-many field
    counts = through.values("tag").annotate(n=Count("pk")).values("n")  # type: ignore[misc]
    tags = _all_for_admin(viewer, Tag).order_by("name", "pk")
    return _filter_by_text(tags, text, "name").annotate(ticket_count=Coalesce(Subquery(counts), 0))


def access_tag(viewer: User, pk: int) -> Tag:
    """Return a tag for an admin. Raises Http404."""
    return _access(list_all_tags(viewer), pk)


def list_all_fields(viewer: User, text: str = "") -> QuerySet[CustomField]:
    """Return all custom fields in their order, each with its categories, for an admin."""
    fields = _all_for_admin(viewer, CustomField).prefetch_related("categories")
    return _filter_by_text(fields, text, "label")


def access_field(viewer: User, pk: int) -> CustomField:
    """Return a custom field for an admin. Raises Http404."""
    return _access(list_all_fields(viewer), pk)


def count_open_in_category(category: TicketCategory) -> int:
    """Return the number of open tickets of a category."""
    return Ticket.objects.open().filter(category=category).count()


def _all_for_admin(viewer: User, model: type[RowT]) -> QuerySet[RowT]:
    rows = model.objects.order_by(*model._meta.ordering or (), "pk")
    return rows if viewer.is_authenticated and viewer.is_admin else rows.none()


def _filter_by_text(rows: QuerySet[RowT], text: str, column: str) -> QuerySet[RowT]:
    for word in text.replace("\0", "").split()[:5]:
        rows = rows.filter(**{f"{column}__icontains": word})
    return rows


def _access(rows: QuerySet[RowT], pk: int) -> RowT:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row
