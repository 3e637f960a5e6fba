"""Every page, method and role against the table. What is not in the table does not pass."""

import re
from collections.abc import Iterable, Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Team, User
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.macros import services as macros_services
from appliance.notifications.models import Notification
from appliance.notifications.services import queue_email
from appliance.ops import query_plans
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import Ticket
from appliance.triage.models import Gap
from tests.access_table import ADMIN_ONLY, WHO, rows
from tests.foreign_urls import find_foreign_urls
from tests.sample_objects import admin_url_arguments

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSALS = {"403", "405", "login", "desk"}
ROWS = rows()
OF_A_TICKET = re.compile("^(tickets|attachments)/<int:")
Cast = dict[str, User | None]


@pytest.fixture
def erin(carol) -> User:
    """Somebody whose session outlived the account."""
    return User.objects.create(email="erin@example.org", first_name="Erin", is_active=False)


@pytest.fixture
def cast(alice, carol, bob, frank, dan, erin) -> Cast:
    people = {"alice": alice, "carol": carol, "bob": bob, "frank": frank, "dan": dan, "erin": erin}
    return {"nobody": None} | people


@pytest.fixture
def closed_teams(alice, bob) -> Ticket:
    """Alice's, too, but in the hands of a closed team that only Bob is in."""
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    ticket = open_for(alice.customer)
    tickets_services.set_team(ticket=ticket, team=team, by=bob)
    return ticket


@pytest.fixture
def guests(db) -> Ticket:
    """Of somebody without a log-in, who holds a secret link."""
    guest = accounts_services.add_customer(email="gil@example.org", first_name="Gil")
    return open_for(guest, guest_token="secret")


def open_for(customer: Customer, **more: object) -> Ticket:
    return tickets_services.create_ticket(
        customer=customer, subject="s", description="d", by=customer.user, **more
    )


@pytest.fixture
def paths(ticket, bob, dan) -> dict[str, str]:
    """Where each page of the table is: Alice's ticket, articles of every kind, and the rest."""
    letter = queue_email(to="a@example.org", subject="s", body="b", key="one")
    of = {
        **of_working_on(ticket, bob),
        **of_lists(ticket, bob),
        **admin_url_arguments(dan),
        **of_articles(bob),
        "read-notice": Notification.objects.get_or_create(user=ticket.customer.user, ticket=ticket)[
            0
        ].pk,
        **dict.fromkeys(["retry-mail", "drop-mail"], letter.pk),
        **dict.fromkeys(["write-for-gap", "dismiss-gap", "restore-gap"], a_gap(ticket).pk),
        "setup": "guessed",
        "status-plan": query_plans.list_slowest("calls")[0].id,
        **dict.fromkeys(["set-password", "guest-ticket", "guest-reply", "guest-rate"], "guessed"),
        "guest-attachment": ("guessed", 1),
    }
    return {p: path_of(p, of) for p in {page for _, page in ROWS}}


def a_gap(ticket: Ticket) -> Gap:
    """As the worker would find it."""
    at = ticket.created_at
    gap = Gap.objects.create(subject="Blank pages", size=1, first_at=at, last_at=at)
    gap.members.create(ticket=ticket, rank=0)
    return gap


def path_of(page: str, of: dict[str, object]) -> str:
    return reverse(page.split("/")[0], args=arguments(of, page))


def arguments(of: dict[str, object], page: str) -> list[object]:
    found = of.get(page, ())
    return [*found] if isinstance(found, tuple) else [found]


def of_working_on(ticket: Ticket, bob: User) -> dict[str, object]:
    """What the pages of a ticket ask for: itself, an answer, a link, shortcuts."""
    message = tickets_services.reply(
        ticket=ticket, by=bob, body="Is it plugged in?", files=[a_file()]
    )
    note = tickets_services.add_note(ticket=ticket, by=bob, body="Hm", files=[a_file()])
    other = tickets_services.split_ticket(message=message, subject="Another", by=bob)
    merged = tickets_services.split_ticket(message=message, subject="Merged", by=bob)
    tickets_services.merge_tickets(source=merged, target=ticket, by=bob)
    canned_response = macros_services.add_canned_response(
        by=bob, name="Hello", body="x", audience="all"
    )
    macro = macros_services.add_macro(
        by=bob, name="Urgent", actions={"priority": 4}, audience="all"
    )
    fits = Article.objects.create(title="Fits", content="…", status="published")
    names = ["ticket", "reply", "update-ticket", "conversation", "evidence", "ticket-timer"]
    names += ["rate-ticket", "discard-draft", "take-ticket", "ticket-tags", "ticket-fields"]
    names += ["link-ticket", "find-tickets", "find-articles", "find-canned-responses"]
    names += ["merge-ticket", "unmerge-ticket", "presence", "draft", "mentionable"]
    return {
        **dict.fromkeys(names, ticket.pk),
        **dict.fromkeys(["dismiss-suggestion", "undo-dismissal"], (ticket.pk, fits.pk)),
        "unlink-ticket": (ticket.pk, other.links.get().pk),
        "insert-canned-response": (ticket.pk, canned_response.pk),
        "run-macro": (ticket.pk, macro.pk),
        "split-ticket": (ticket.pk, message.pk),
        "attachment": message.attachments.get().pk,
        "attachment/note": note.attachments.get().pk,
        "attachment/merged": merged.attachments.get().pk,
        **dict.fromkeys(["ticket/merged", "reply/merged"], merged.pk),
    }


def of_articles(bob: User) -> dict[str, object]:
    """An article for everybody, and one of each kind that is not, each with a file."""
    kinds = {
        "Out": {"status": "published"},
        "draft": {"status": "draft"},
        "internal": {"status": "published", "audience": "internal"},
        "customers": {"status": "published", "audience": "customers"},
        "archived": {"status": "archived"},
    }
    made = {
        kind: knowledge_services.write_article(
            by=bob, title=kind, content="…", files=[a_file()], **more
        )
        for kind, more in kinds.items()
    }
    names = ["article", "edit-article", "move-article", "restore-article", "vote-article"]
    names += ["article-history", "article-versions"]
    of: dict[str, object] = dict.fromkeys(names, made["Out"].pk)
    for kind, article in made.items():
        end = "" if kind == "Out" else f"/{kind}"
        of |= {
            f"article{end}": article.pk,
            f"article-file{end}": (article.pk, article.files.get().pk),
        }
    return of | {
        "edit-article/draft": made["draft"].pk,
        "vote-article/internal": made["internal"].pk,
    }


def of_lists(ticket: Ticket, bob: User) -> dict[str, object]:
    """A view of Bob's own, one he shares, and a change of many tickets he made."""
    own = tickets_services.save_view(by=bob, name="Own", filters=TicketFilter())
    shared = tickets_services.save_view(
        by=bob, name="Shared", filters=TicketFilter(), audience="all"
    )
    asked = {"tickets": [open_for(ticket.customer).pk], "changes": {"priority": 4}}
    change = tickets_services.start_bulk_change(by=bob, **asked)
    return {
        **dict.fromkeys(["edit-view", "move-view", "remove-view"], own.pk),
        "edit-view/shared": shared.pk,
        **dict.fromkeys(["bulk-change", "undo-bulk"], change.pk),
    }


def a_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("log.txt", b"words")


def test_every_page_of_the_desk_is_in_the_table():
    assert set(desk_pages()) == {page.split("/")[0] for _, page in ROWS}


@pytest.mark.parametrize("who", WHO)
def test_every_page_answers_as_the_table_says(who, cast, paths, ticket):
    assert tried(cast[who], paths, ticket, ROWS) == expected(who, ROWS)


@pytest.mark.parametrize("who", WHO)
def test_no_page_names_anything_from_elsewhere(who, cast, paths):
    """Nor does the administration; what would be fetched from it is no page of ours."""
    read = 0
    for path in [*dict.fromkeys(paths.values()), *administration()]:
        response = send(cast[who], "GET", path)
        if response.get("Content-Type", "").startswith("text/html"):
            assert find_foreign_urls(response.content.decode()) == [], path
            read += 1
    assert read > 20


@pytest.mark.parametrize("who", WHO)
def test_ticket_of_a_closed_team_is_none_to_other_agents(who, cast, paths, closed_teams, bob):
    rows, of = rows_of_tickets(), of_working_on(closed_teams, bob)
    paths = {page: path_of(page, of) for _, page in rows}
    wanted = dict.fromkeys(rows, "404") if who == "frank" else expected(who, rows)
    assert tried(cast[who], paths, closed_teams, rows) == wanted


@pytest.mark.parametrize("who", WHO)
def test_ticket_of_a_guest_is_none_to_every_customer(who, cast, paths, guests, bob):
    rows, of = rows_of_tickets(), of_working_on(guests, bob)
    paths = {page: path_of(page, of) for _, page in rows}
    wanted = expected({"alice": "carol"}.get(who, who), rows)
    if who in ("bob", "frank", "dan"):  # the guest reads answers there and nowhere else
        wanted["POST", "merge-ticket"] = "400"
    assert tried(cast[who], paths, guests, rows) == wanted


def rows_of_tickets() -> list[tuple[str, str]]:
    """The rows of every page whose address names a ticket or something of one."""
    routes = {pattern.name: route for route, pattern in walk()}
    return [(m, page) for m, page in ROWS if OF_A_TICKET.search(routes[page.split("/")[0]])]


def expected(who: str, rows: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    return {row: ROWS[row][WHO.index(who)] for row in rows}


def tried(
    person: User | None, paths: dict[str, str], ticket: Ticket, rows: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """What each page answers this person."""
    fields = fields_of(ticket)
    return {
        (method, page): answer(
            send(person, method, paths[page], fields.get(page, fields.get(page.split("/")[0])))
        )
        for method, page in rows
    }


@pytest.mark.parametrize("who", ["nobody", "alice", "dan"])
def test_no_page_knows_a_method_that_is_not_in_the_table(who, cast, paths):
    others = [(m, page) for page in paths for m in METHODS if (m, page.split("/")[0]) not in ROWS]
    answers = {row: answer(send(cast[who], row[0], paths[row[1]])) for row in others}
    assert {row: got for row, got in answers.items() if got not in REFUSALS} == {}


def test_nothing_is_written_without_the_token_of_the_form(cast, paths, ticket):
    fields, client = fields_of(ticket), Client(enforce_csrf_checks=True)
    client.force_login(cast["dan"])
    for method, page in ROWS:
        if method == "POST":
            assert client.post(paths[page], fields.get(page, {})).status_code == 403, page


@pytest.mark.parametrize("who", [who for who in WHO if who != "dan"])
def test_administration_is_for_admins(who, cast):
    for path in administration():
        assert answer(send(cast[who], "GET", path)) == "login", path


def test_administration_opens_for_the_admin(cast):
    answers = {path: send(cast["dan"], "GET", path).status_code for path in administration()}
    assert set(answers.values()) <= {200, 301, 302, 403, 404}
    assert answers[reverse("admin:index")] == 200


def fields_of(ticket: Ticket) -> dict[str, dict]:
    """What a browser would send to each page that writes."""
    article = {"title": "New", "content": "…", "status": "published"}
    words = {"subject": "New", "description": "…", "priority": 2}
    other = Ticket.objects.filter(subject="Another").latest("pk").pk
    view = {"name": "View", "sort": "newest", "audience": "own"}
    before = {"status": ticket.status, "priority": ticket.priority, "category": "", "assignee": ""}
    return {
        **dict.fromkeys(["add-view", "edit-view", "edit-view/shared"], view),
        "bulk": {"ticket": [ticket.pk], "add_tags": "printer"},
        "create-ticket": words,
        "suggest": words,
        "reply": {"body": "…", "kind": "reply"},
        "update-ticket": before | {f"initial-{name}": value for name, value in before.items()},
        "draft": {"body": "…", "kind": "reply"},
        "preview": {"text": "*x*"},
        "rate-ticket": {"is_good": "yes"},
        "ticket-tags": {"tags": "printer"},
        "link-ticket": {"target": other, "kind": "related"},
        "merge-ticket": {"target": other},
        "split-ticket": {"subject": "Alone"},
        "write-article": article,
        "edit-article": article | {"seen_at": Article.objects.get(title="Out").updated_at},
        "move-article": {"verb": "publish"},
        "restore-article": {"number": 1},
        "vote-article": {"is_helpful": "yes"},
        "setup": {"first_name": "Mallory"},
        "register": {"email": "mallory"},
        "profile": {"first_name": "New"},
        "profile-password": {"old": "guess", "password": "x", "password_again": "x"},
        "login": {"username": "mallory@example.org", "password": "guess"},
    }


def send(person: User | None, method: str, path: str, fields: dict | None = None) -> HttpResponse:
    client = Client()
    if person:
        client.force_login(person)
    if method == "POST":
        return client.post(path, fields)
    return client.generic(method, path)


def answer(response: HttpResponse) -> str:
    if response.status_code not in (301, 302):
        return str(response.status_code)
    path = response.url.split("?")[0]
    if path in (reverse("login"), reverse("admin:login")):
        return "login"
    return "desk" if path == reverse("dashboard") else "done"


def desk_pages() -> list[str]:
    """The name of every page outside the administration."""
    return [pattern.name for route, pattern in walk() if not route.startswith(ADMIN_ONLY)]


def administration() -> list[str]:
    """The path of every page below /admin/, with 1 for whatever it asks for; not its log-in."""
    routes = [route for route, pattern in walk() if route.startswith(ADMIN_ONLY)]
    found = {"/" + re.sub("<[^>]*>", "1", route) for route in routes if "^" not in route}
    return sorted(found - {"/admin/login/", "/admin/logout/"} | {"/admin/tickets/", "/admin/none/"})


def walk(patterns: list | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every pattern of the project with its whole route."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield route, pattern
