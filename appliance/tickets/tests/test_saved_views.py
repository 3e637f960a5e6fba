import pytest
from django.http import Http404

from appliance.accounts.models import Team
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry, SiteSettings
from appliance.tickets import queries, services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import SavedView

URGENT = TicketFilter(priority=4)


@pytest.fixture
def team(bob) -> Team:
    team = Team.objects.create(name="Printers")
    team.members.add(bob)
    return team


def save(by, name="Urgent", **more) -> SavedView:
    return services.save_view(by=by, name=name, filters=URGENT, **more)


def test_private_view_is_visible_to_its_owner_only(bob, dan):
    view = save(bob)
    assert list(queries.list_views(bob)) == [view]
    assert not queries.list_views(dan)
    with pytest.raises(Http404):
        queries.access_view(dan, view.pk)


def test_shared_view_is_visible_to_agents_but_not_to_customers(bob, dan, alice):
    view = save(bob, audience="all")
    assert list(queries.list_views(dan)) == [view]
    assert not queries.list_views(alice)


def test_teams_view_is_visible_to_its_members(bob, dan, team):
    view = save(bob, audience="team", team=team)
    assert list(queries.list_views(bob)) == [view]
    assert not queries.list_views(dan)
    assert queries.access_view_to_edit(dan, view.pk) == view  # admins tidy up


def test_sharing_needs_the_right(bob):
    SiteSettings.objects.update_or_create(pk=1, defaults={"agent_rights": []})
    with pytest.raises(BadInputError, match="share views"):
        save(bob, audience="all")
    assert save(bob).is_shared is False


def test_view_cannot_be_shared_with_a_hidden_team(bob):
    closed = Team.objects.create(name="Personnel", is_closed=True)
    with pytest.raises(BadInputError, match="team"):
        save(bob, audience="team", team=closed)


def test_only_the_owner_and_admins_change_a_shared_view(bob, dan):
    view = save(dan, audience="all")
    with pytest.raises(Http404):
        queries.access_view_to_edit(bob, view.pk)
    with pytest.raises(ForbiddenError):
        services.remove_view(view=view, by=bob)


def test_changed_view_replaces_everything(bob):
    view = save(bob)
    services.change_view(
        view=view,
        by=bob,
        name="My tickets",
        filters=TicketFilter(assignee="me"),
        columns=["sentiment"],
        sort="updated",
    )
    view.refresh_from_db()
    assert (view.name, view.filter, view.columns, view.sort) == (
        "My tickets",
        {"assignee": "me"},
        ["sentiment"],
        "updated",
    )


def test_only_changes_of_shared_views_are_audited(bob):
    save(bob)
    assert not AuditEntry.objects.exists()
    services.remove_view(view=save(bob, audience="all"), by=bob)
    assert [change.verb for change in AuditEntry.objects.order_by("pk")] == ["added", "removed"]


def test_views_are_listed_in_the_owners_order(bob):
    views = [save(bob, name) for name in "ABC"]
    services.move_view(view=views[2], by=bob, up=True)
    services.move_view(view=views[0], by=bob, up=True)  # is first: nothing happens
    assert [view.name for view in queries.list_views(bob)] == ["A", "C", "B"]


def test_view_without_a_name_is_refused(bob):
    with pytest.raises(BadInputError, match="name"):
        save(bob, "  ")
