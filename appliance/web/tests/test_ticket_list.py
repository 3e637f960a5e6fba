from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Team
from appliance.core import cache
from appliance.core.pagination import PAGE_SIZE
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import Status, Tag, Ticket
from appliance.web.queues import format_count, list_main_queues, list_sections
from conftest import PASSWORD


@pytest.fixture
def many_tickets(alice, bob) -> None:
    """Two pages of tickets, each with a tag and an assignee."""
    tickets = [
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Nr {number}", description="…", by=alice
        )
        for number in range(PAGE_SIZE * 2)
    ]
    tags = Tag.objects.bulk_create(Tag(name=f"tag {number}") for number in range(7))
    for number, tag in enumerate(tags):
        tag.tickets.add(*tickets[number::7])
    Ticket.objects.update(assignee=bob)


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


def test_poll_without_changes_returns_204_after_two_queries(
    as_bob, ticket, django_assert_max_num_queries
):
    since = as_bob.get(reverse("dashboard")).context["ticket_list"].state
    with django_assert_max_num_queries(2):  # the session and the person
        assert as_bob.get(reverse("live"), {"since": since}).status_code == 204


def test_new_ticket_comes_with_the_next_poll(
    as_bob, alice, ticket, django_capture_on_commit_callbacks
):
    since = as_bob.get(reverse("dashboard")).context["ticket_list"].state
    with django_capture_on_commit_callbacks(execute=True):
        tickets_services.create_ticket(
            customer=alice.customer, subject="Fresh", description="…", by=alice
        )
    html = as_bob.get(reverse("live"), {"since": since}).content.decode()
    assert "Fresh" in html
    assert 'hx-swap-oob="true"' in html  # the counts at the left come along


def test_saved_view_comes_with_the_next_poll(as_bob, bob, django_capture_on_commit_callbacks):
    since = as_bob.get(reverse("dashboard")).context["ticket_list"].state
    with django_capture_on_commit_callbacks(execute=True):
        tickets_services.save_view(by=bob, name="Printers", filters=TicketFilter(tag="printer"))
    assert "Printers" in as_bob.get(reverse("live"), {"since": since}).content.decode()


def test_list_is_shown_while_the_cache_is_dead(as_bob, ticket, dead_cache):
    assert ticket.subject in as_bob.get(reverse("dashboard")).content.decode()
    assert as_bob.get(reverse("live"), {"since": ""}).status_code == 200


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("", 7),  # session, person, tickets, views, macros, tags, desk
        ("?sort=due", 7),
        ("?status=any&sort=updated", 8),  # and how many there are
    ],
)
def test_full_page_takes_few_queries(
    as_bob, many_tickets, query, most, django_assert_max_num_queries
):
    as_bob.get(reverse("dashboard"))
    with django_assert_max_num_queries(most):
        assert as_bob.get(reverse("dashboard") + query).status_code == 200


def test_query_count_does_not_depend_on_the_number_of_tickets(
    as_bob, alice, ticket, django_capture_on_commit_callbacks
):
    def count_queries() -> int:
        with django_capture_on_commit_callbacks(execute=True):
            cache.invalidate(cache.TICKETS)
        with CaptureQueriesContext(connection) as queries:
            as_bob.get(reverse("dashboard"))
        return len(queries)

    as_bob.get(reverse("dashboard"))
    queries_for_one = count_queries()
    for number in range(PAGE_SIZE + 5):
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Nr {number}", description="…", by=alice
        )
    assert count_queries() == queries_for_one <= 11  # those above, and four that count


def test_poll_of_a_full_page_takes_few_queries(as_bob, many_tickets, django_assert_max_num_queries):
    as_bob.get(reverse("dashboard"))
    with django_assert_max_num_queries(5):  # session, person, tickets, views, how they are counted
        assert as_bob.get(reverse("live")).status_code == 200


def test_view_with_every_column_takes_no_query_per_row(
    as_bob, bob, many_tickets, django_assert_max_num_queries
):
    view = tickets_services.save_view(
        by=bob, name="All", filters=TicketFilter(), columns=["tags", "team", "organisation", "due"]
    )
    with django_assert_max_num_queries(30):  # some are savepoints
        page = as_bob.get(reverse("dashboard"), {"view": view.pk}).content.decode()
    assert "tag 3" in page


def test_tickets_of_a_closed_team_are_neither_listed_nor_counted(as_bob, bob, dan, ticket):
    closed = Team.objects.create(name="Personnel", is_closed=True)
    tickets_services.set_team(ticket=ticket, team=closed, by=dan)
    assert ticket.subject not in as_bob.get(reverse("dashboard")).content.decode()
    assert (tickets_queries.count_open(bob)["total"], tickets_queries.count_open(dan)["total"]) == (
        0,
        1,
    )


def test_agents_who_see_the_same_tickets_share_the_counts(
    bob, dan, ticket, django_assert_num_queries
):
    eve = accounts_services.add_user(
        email="eve@example.org", first_name="Eve", role="agent", password=PASSWORD
    )
    for person in (bob, eve):
        accounts_queries.hidden_team_ids(person)
        accounts_queries.team_ids_of(person)
    tickets_queries.count_open(bob)
    with django_assert_num_queries(0):
        assert tickets_queries.count_open(eve)["total"] == 1


def test_invalid_filter_is_reported_and_ignored(as_bob, ticket):
    page = as_bob.get(reverse("dashboard"), {"customer": "nobody@example.org", "tag": "x"})
    assert ticket.subject in page.content.decode()
    assert "No customer has" in page.content.decode()


def test_view_with_a_deleted_value_shows_an_error_and_no_tickets(as_bob, bob, ticket):
    view = tickets_services.save_view(by=bob, name="Gone", filters=TicketFilter(tag="gone"))
    page = as_bob.get(reverse("dashboard"), {"view": view.pk}).content.decode()
    assert "deleted or is restricted" in page and reverse("edit-view", args=[view.pk]) in page
    assert ticket.subject not in page


def test_agent_cannot_open_a_private_view_of_a_colleague(as_bob, dan):
    view = tickets_services.save_view(by=dan, name="My tickets", filters=TicketFilter())
    assert as_bob.get(reverse("dashboard"), {"view": view.pk}).status_code == 404


def test_customer_has_no_views(client, alice, bob):
    view = tickets_services.save_view(by=bob, name="All", filters=TicketFilter(), audience="all")
    client.force_login(alice)
    assert client.get(reverse("views")).status_code == 403
    assert "All</a>" not in client.get(reverse("dashboard"), {"view": view.pk}).content.decode()


def test_view_is_saved_from_the_filters_of_the_list(as_bob, bob, ticket):
    form = as_bob.get(reverse("add-view"), {"priority": "4", "assignee": "me", "sort": "updated"})
    assert form.context["form"]["assignee"].value() == "me"
    form_data = {
        "name": "Hot",
        "priority": "4",
        "assignee": "me",
        "sort": "updated",
        "audience": "all",
    }
    as_bob.post(reverse("add-view"), form_data)
    view = tickets_queries.list_views(bob).get()
    assert (view.filter, view.sort, view.is_shared) == (
        {"priority": "4", "assignee": "me"},
        "updated",
        True,
    )


def test_refused_view_keeps_the_input(as_bob):
    page = as_bob.post(reverse("add-view"), {"name": "", "tag": "unheard of", "sort": "newest"})
    assert page.status_code == 400
    assert "Enter a name for the view" in page.content.decode()
    assert "unheard of" in page.content.decode()


def test_view_with_a_column_that_was_deleted_meanwhile_says_so(as_bob):
    form = {"name": "Invoices", "sort": "newest", "audience": "own", "columns": "field:invoice"}
    page = as_bob.post(reverse("add-view"), form)
    assert page.status_code == 400
    assert "Columns: Select a valid choice" in page.content.decode()


def test_queue_link_keeps_the_other_filters_and_can_be_undone(bob, categories):
    filters = TicketFilter(status="new", priority=4)
    sections = {
        section.name: section.queues
        for section in list_sections(
            tickets_queries.count_open(bob),
            filters,
            tickets_queries.list_category_slug_choices(),
            [],
        )
    }
    new, open_queue = sections["status"][:2]
    assert (new.is_active, new.query) == (True, "?priority=4")
    assert open_queue.query == "?priority=4&status=open"
    assert sections["priority"][0].is_active


def test_main_queue_is_active_with_further_filters_too(bob):
    filters = TicketFilter(assignee="me", category="none")
    queues = list_main_queues(
        tickets_queries.count_open(bob), filters, in_teams=False, in_view=False
    )
    assert [queue.name for queue in queues if queue.is_active] == ["mine"]
    assert "my-teams" not in [queue.name for queue in queues]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("", "All open"),
        ("?assignee=nobody", "Unassigned"),
        ("?due=overdue", "Overdue"),
        ("?premium=1", "VIP"),
        ("?assignee=nobody&category=hardware", "Category: Hardware, Assignee: Nobody"),
        ("?status=any&tag=printer", "Status: Any status, Tag: printer"),
        ("?assignee=gibberish", "All open"),  # ignored, and reported in the filter
    ],
)
def test_heading_and_tab_name_the_queue_or_the_filters(
    as_bob, bob, ticket, categories, query, title
):
    tickets_services.add_tags(ticket=ticket, names=["printer"], by=bob)
    page = as_bob.get(reverse("dashboard") + query).content.decode()
    assert f'<h1 dir="auto">{title}</h1>' in page
    assert f"<title>{title} · " in page


def test_heading_and_tab_name_the_view(as_bob, bob):
    view = tickets_services.save_view(by=bob, name="Storm & co", filters=TicketFilter(priority=4))
    page = as_bob.get(reverse("dashboard"), {"view": view.pk}).content.decode()
    assert '<h1 dir="auto">Storm &amp; co</h1>' in page and "<title>Storm &amp; co · " in page


def test_chip_of_a_filter_differs_from_the_link_that_clears_all(as_bob):
    page = as_bob.get(reverse("dashboard"), {"assignee": "nobody"}).content.decode()
    assert '<a class="filter-chip" dir="auto" href="/?">Assignee: Nobody' in page
    assert '<a class="filter-reset" href="/">Clear filters</a>' in page


@pytest.mark.parametrize(
    ("count", "label"), [(None, ""), (0, "0"), (1000, "1,000"), (1001, "1,000+")]
)
def test_count_label_stops_at_a_thousand(count, label):
    assert format_count(count) == label


@pytest.mark.parametrize("status", Status)
def test_badge_of_every_status_has_its_colours_on_every_page(status):
    style = Path(finders.find("skerry/skerry.css")).read_text()
    assert f".status-{status}" in style


def test_bulk_edit_with_an_impossible_tag_keeps_what_was_chosen(as_bob, ticket):
    form = {"ticket": ticket.pk, "add_tags": "x" * 41, "priority": "4", "address": ""}
    response = as_bob.post(reverse("bulk"), form)
    assert response.status_code == 400
    page = response.content.decode()
    assert "at most 40 characters" in page
    assert f'value="{"x" * 41}"' in page
    assert '<option value="4" selected>' in page


def test_heading_sorts_the_list_and_reverses_it(as_bob, many_tickets):
    newest = as_bob.get(reverse("dashboard"))
    assert newest.context["ticket_list"].page.rows[0].pk == Ticket.objects.latest("pk").pk
    oldest = as_bob.get(reverse("dashboard"), {"sort": "oldest"})
    assert oldest.context["ticket_list"].page.rows[0].pk == Ticket.objects.earliest("pk").pk
    headings = {heading.name: heading for heading in oldest.context["ticket_list"].headings}
    assert (headings["created"].order, headings["created"].sort) == ("ascending", "newest")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/articles/", "Knowledge base"),
        ("/articles/?status=draft", "Drafts · Knowledge base"),
        ("/articles/?due=on&sort=review", "Due for review · Knowledge base"),
        ("/articles/?sort=useful", "Most helpful · Knowledge base"),
        ("/notifications/?show=unread", "Unread · Notifications"),
    ],
)
def test_tab_names_which_part_of_a_list_is_shown(as_bob, path, title):
    page = as_bob.get(path).content.decode()
    assert " ".join(page.split("<title>")[1].split("</title>")[0].split()).startswith(f"{title} · ")


def test_tab_names_which_tickets_a_customer_sees(client, alice, ticket):
    client.force_login(alice)
    page = client.get("/?state=solved").content.decode()
    assert "Solved and closed · My tickets" in " ".join(page.split())
