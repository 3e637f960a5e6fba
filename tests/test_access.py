"""Request every page with every method as every viewer, and compare with access_table.py."""

import re
from collections.abc import Iterable, Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Session, Team, User
from appliance.core.forms import BootstrapFormMixin
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.macros import services as macros_services
from appliance.notifications.models import Notification
from appliance.notifications.services import queue_email
from appliance.ops import query_plans
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import Ticket, TicketLink
from appliance.triage import incidents
from appliance.triage import services as triage_services
from appliance.triage.models import Gap, Incident
from appliance.web.tests.test_emails import receive
from tests.access_table import ADMIN_SITE, VIEWERS, read_table
from tests.foreign_urls import find_foreign_urls
from tests.sample_objects import admin_url_arguments

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSALS = {"403", "405", "login", "home"}
EXPECTED = read_table()  # (method, page) → results in the order of VIEWERS
TICKET_ROUTE = re.compile("^(tickets|attachments)/<int:")
Cast = dict[str, User | None]


@pytest.fixture
def erin(carol) -> User:
    """A deactivated user who still has a session."""
    return User.objects.create(email="erin@example.org", first_name="Erin", is_active=False)


@pytest.fixture
def cast(alice, carol, bob, frank, dan, erin) -> Cast:
    people = {"alice": alice, "carol": carol, "bob": bob, "frank": frank, "dan": dan, "erin": erin}
    return {"nobody": None} | people


@pytest.fixture
def closed_team_ticket(alice, bob) -> Ticket:
    """A ticket of Alice that is assigned to a closed team, whose only member is Bob."""
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    ticket = create_ticket(alice.customer)
    tickets_services.set_team(ticket=ticket, team=team, by=bob)
    return ticket


@pytest.fixture
def guest_ticket(db) -> Ticket:
    """A ticket of a customer without a log-in, who has a secret link."""
    guest = accounts_services.add_customer(email="gil@example.org", first_name="Gil")
    return create_ticket(guest, guest_token="secret")


def create_ticket(customer: Customer, **more: object) -> Ticket:
    return tickets_services.create_ticket(
        customer=customer, subject="s", description="d", by=customer.user, **more
    )


@pytest.fixture
def paths(ticket, bob, dan) -> dict[str, str]:
    """The path of each page of the table, with arguments for Alice's ticket, articles and more."""
    email = queue_email(to="a@example.org", subject="s", body="b", key="one")
    session = create_session(bob)
    arguments = {
        "end-session": session.public_id,
        "end-person-session": (bob.pk, session.public_id),
        "end-person-sessions": bob.pk,
        "reset-second-factor": bob.pk,
        **dict.fromkeys(["mfa_edit_webauthn", "mfa_remove_webauthn"], create_key().pk),
        **ticket_arguments(ticket, bob),
        **list_arguments(ticket, bob),
        **admin_url_arguments(dan),
        **article_arguments(bob),
        "mark-notification-read": Notification.objects.get_or_create(
            user=ticket.customer.user, ticket=ticket
        )[0].pk,
        **dict.fromkeys(["retry-email", "cancel-email"], email.pk),
        **dict.fromkeys(["write-for-gap", "dismiss-gap", "restore-gap"], create_gap(ticket).pk),
        **dict.fromkeys(["incident", "dismiss-incident"], create_incident(ticket).pk),
        "undo-incident": accept_incident(ticket, bob).pk,
        "setup": "guessed",
        "status-plan": query_plans.list_slowest("calls")[0].id,
        "confirm-email": "guessed",
        **dict.fromkeys(["set-password", "guest-ticket", "guest-reply", "guest-rate"], "guessed"),
        "guest-attachment": ("guessed", 1),
        "rate-by-link": ("1-abc", "good"),
        **dict.fromkeys(["edit-email-text", "preview-email-text"], ("answer", "en")),
    }
    return {page: reverse_page(page, arguments) for _, page in EXPECTED}


def create_session(person: User) -> Session:
    """Log in with another browser."""
    client = Client()
    client.force_login(person)
    return person.sessions.get(pk=client.session.session_key)


def create_key() -> Authenticator:
    """Register a security key of somebody who is no viewer."""
    person = User.objects.create(email="keyholder@example.org", first_name="Kay")
    data = {"name": "Blue key", "credential": {}}
    return Authenticator.objects.create(user=person, type="webauthn", data=data)


def create_gap(ticket: Ticket) -> Gap:
    """Create a knowledge gap as the worker would."""
    at = ticket.created_at
    gap = Gap.objects.create(subject="Blank pages", size=1, first_at=at, last_at=at)
    gap.members.create(ticket=ticket, rank=0)
    return gap


def create_incident(ticket: Ticket) -> Incident:
    """Propose an incident as the worker would."""
    incident = Incident.objects.create()
    for member in (ticket, create_ticket(ticket.customer)):
        incident.members.create(ticket=member)
    return incident


def accept_incident(ticket: Ticket, bob: User) -> Incident:
    """Let Bob make a ticket of a proposal part of another ticket."""
    proposal = incidents.access_proposal(bob, create_incident(ticket).pk)
    other = proposal.members[-1].ticket_id
    triage_services.accept_incident(
        proposal=proposal, ticket_ids={other}, by=bob, parent=create_ticket(ticket.customer)
    )
    return Incident.objects.get(pk=proposal.incident.pk)


def reverse_page(page: str, arguments: dict[str, object]) -> str:
    """Return the path of a page; ``arguments`` holds its URL argument, or a tuple of them."""
    args = arguments.get(page, ())
    return reverse(page.split("/")[0], args=args if isinstance(args, tuple) else [args])


def ticket_arguments(ticket: Ticket, bob: User) -> dict[str, object]:
    """Create what the pages of a ticket need; return their URL arguments."""
    message = tickets_services.reply(
        ticket=ticket, by=bob, body="Is it plugged in?", files=[make_file()]
    )
    note = tickets_services.add_note(ticket=ticket, by=bob, body="Hm", files=[make_file()])
    other = tickets_services.split_ticket(message=message, subject="Another", by=bob)
    merged = tickets_services.split_ticket(message=message, subject="Merged", by=bob)
    tickets_services.merge_tickets(source=merged, target=ticket, by=bob)
    canned_response = macros_services.add_canned_response(
        by=bob, name="Hello", body="x", audience="all"
    )
    macro = macros_services.add_macro(
        by=bob, name="Urgent", actions={"priority": 4}, audience="all"
    )
    [participant] = tickets_services.add_participants(
        ticket=ticket, by=bob, people=[("Pia", "pia@example.org")]
    )
    suggested = Article.objects.create(title="Fits", content="…", status="published")
    names = ["ticket", "reply", "update-ticket", "conversation", "ticket-analysis", "ticket-timer"]
    names += ["rate-ticket", "discard-draft", "take-ticket", "ticket-tags", "ticket-fields"]
    names += ["confirm-category", "add-to-ticket"]
    names += ["link-ticket", "find-tickets", "find-articles", "find-canned-responses"]
    names += ["merge-ticket", "unmerge-ticket", "presence", "draft", "mentionable"]
    names += ["join-incident", "publish-notice", "solve-children"]
    names += ["correct-ticket", "add-participants", "forward-ticket"]
    return {
        **dict.fromkeys(names, ticket.pk),
        **dict.fromkeys(["dismiss-suggestion", "undo-dismissal"], (ticket.pk, suggested.pk)),
        "unlink-ticket": (ticket.pk, other.links.get().pk),
        "insert-canned-response": (ticket.pk, canned_response.pk),
        "run-macro": (ticket.pk, macro.pk),
        "split-ticket": (ticket.pk, message.pk),
        "remove-participant": (ticket.pk, participant.pk),
        "attachment": message.attachments.get().pk,
        "attachment/note": note.attachments.get().pk,
        "attachment/merged": merged.attachments.get().pk,
        **dict.fromkeys(["email", "email-html", "email-source"], receive(ticket, html="<p>").pk),
        **dict.fromkeys(["email/note", "email-html/note"], receive(ticket, note, html="<p>").pk),
        **dict.fromkeys(["ticket/merged", "reply/merged"], merged.pk),
    }


def article_arguments(bob: User) -> dict[str, object]:
    """Create a public article and one of each other kind, each with a file."""
    kinds = {
        "Out": {"status": "published"},
        "draft": {"status": "draft"},
        "internal": {"status": "published", "audience": "internal"},
        "customers": {"status": "published", "audience": "customers"},
        "archived": {"status": "archived"},
    }
    articles = {
        kind: knowledge_services.write_article(
            by=bob, title=kind, content="…", files=[make_file()], **more
        )
        for kind, more in kinds.items()
    }
    names = ["article", "edit-article", "move-article", "restore-article", "vote-article"]
    names += ["translate-article"]
    names += ["article-history", "article-versions"]
    arguments: dict[str, object] = dict.fromkeys(names, articles["Out"].pk)
    for kind, article in articles.items():
        suffix = "" if kind == "Out" else f"/{kind}"
        arguments |= {
            f"article{suffix}": article.pk,
            f"article-file{suffix}": (article.pk, article.files.get().pk),
        }
    return arguments | {
        "edit-article/draft": articles["draft"].pk,
        "vote-article/internal": articles["internal"].pk,
    }


def list_arguments(ticket: Ticket, bob: User) -> dict[str, object]:
    """Create a private and a shared view of Bob, and a bulk change of his."""
    own = tickets_services.save_view(by=bob, name="Own", filters=TicketFilter())
    shared = tickets_services.save_view(
        by=bob, name="Shared", filters=TicketFilter(), audience="all"
    )
    change = tickets_services.start_bulk_change(
        by=bob, tickets=[create_ticket(ticket.customer).pk], changes={"priority": 4}
    )
    child, parent = create_ticket(ticket.customer), create_ticket(ticket.customer)
    tickets_services.link_tickets(
        source=child, target=parent, kind=TicketLink.Kind.CHILD_OF, by=bob
    )
    update = tickets_services.reply_to_children(parent=parent, by=bob, body="Fixed.")
    return {
        **dict.fromkeys(["child-update", "undo-child-update"], update.pk),
        **dict.fromkeys(["edit-view", "move-view", "remove-view"], own.pk),
        "edit-view/shared": shared.pk,
        **dict.fromkeys(["bulk-change", "undo-bulk"], change.pk),
    }


def make_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("log.txt", b"words")


def test_table_contains_every_url_name():
    assert set(list_url_names()) == {page.split("/")[0] for _, page in EXPECTED}


@pytest.mark.parametrize("viewer", VIEWERS)
def test_every_page_responds_as_in_the_table(viewer, cast, paths, ticket):
    assert collect_results(cast[viewer], paths, ticket, EXPECTED) == expected_results(
        viewer, EXPECTED
    )


@pytest.mark.parametrize("viewer", VIEWERS)
def test_pages_load_nothing_from_other_machines(viewer, cast, paths):
    checked = 0
    for path in [*dict.fromkeys(paths.values()), *list_admin_site_paths()]:
        response = send(cast[viewer], "GET", path)
        if response.get("Content-Type", "").startswith("text/html"):
            assert find_foreign_urls(response.content.decode()) == [], path
            checked += 1
    assert checked > 20


@pytest.mark.parametrize("viewer", VIEWERS)
def test_closed_team_ticket_is_not_found_for_other_agents(
    viewer, cast, paths, closed_team_ticket, bob
):
    requests, arguments = ticket_requests(), ticket_arguments(closed_team_ticket, bob)
    paths = {page: reverse_page(page, arguments) for _, page in requests}
    expected = (
        dict.fromkeys(requests, "404") if viewer == "frank" else expected_results(viewer, requests)
    )
    assert collect_results(cast[viewer], paths, closed_team_ticket, requests) == expected


@pytest.mark.parametrize("viewer", VIEWERS)
def test_guest_ticket_is_not_found_for_customers(viewer, cast, paths, guest_ticket, bob):
    requests, arguments = ticket_requests(), ticket_arguments(guest_ticket, bob)
    paths = {page: reverse_page(page, arguments) for _, page in requests}
    expected = expected_results({"alice": "carol"}.get(viewer, viewer), requests)
    if viewer in ("bob", "frank", "dan"):  # the guest reads replies on this ticket only
        expected["POST", "merge-ticket"] = "400"
    assert collect_results(cast[viewer], paths, guest_ticket, requests) == expected


def ticket_requests() -> list[tuple[str, str]]:
    """Return the requests to pages whose path names a ticket or an attachment."""
    routes = {pattern.name: route for route, pattern in iterate_url_patterns()}
    return [
        (method, page)
        for method, page in EXPECTED
        if TICKET_ROUTE.search(routes[page.split("/")[0]])
    ]


def expected_results(
    viewer: str, requests: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    return {request: EXPECTED[request][VIEWERS.index(viewer)] for request in requests}


def collect_results(
    person: User | None, paths: dict[str, str], ticket: Ticket, requests: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Return what each page answers this person."""
    fields = form_data(ticket)
    return {
        (method, page): result_of(
            send(person, method, paths[page], fields.get(page, fields.get(page.split("/")[0])))
        )
        for method, page in requests
    }


@pytest.mark.parametrize("viewer", ["nobody", "dan"])
def test_methods_missing_in_the_table_are_refused(viewer, cast, paths):
    results = {
        (method, page): result_of(send(cast[viewer], method, paths[page]))
        for page in paths
        for method in METHODS
        if (method, page.split("/")[0]) not in EXPECTED
    }
    accepted = {request: result for request, result in results.items() if result not in REFUSALS}
    assert accepted == {}


def test_post_without_csrf_token_is_refused(cast, paths, ticket):
    fields, client = form_data(ticket), Client(enforce_csrf_checks=True)
    client.force_login(cast["dan"])
    for method, page in EXPECTED:
        if method == "POST":
            assert client.post(paths[page], fields.get(page, {})).status_code == 403, page


@pytest.mark.parametrize(
    ("person", "value"), [("dan", ""), ("dan", "what no page sends"), ("alice", "9" * 5000)]
)
def test_refused_form_shows_each_reason(person, value, cast, paths):
    """Send each form empty, and with damaged hidden fields; ``conftest`` looks at each answer."""
    hidden = dict.fromkeys(hidden_field_names(), value)
    refused = [
        page
        for method, page in EXPECTED
        if method == "POST" and send(cast[person], method, paths[page], hidden).status_code == 400
    ]
    assert "create-ticket" in refused and "reply" in refused


def hidden_field_names() -> set[str]:
    """Return the names of the fields that some form sends without showing them."""
    classes, names = [BootstrapFormMixin], set()
    for form_class in classes:
        classes += form_class.__subclasses__()
        fields = getattr(form_class, "base_fields", {})
        names |= {name for name, field in fields.items() if field.widget.is_hidden}
    assert {"idempotency_key", "seen_message", "seen_at"} <= names
    return names


@pytest.mark.parametrize("viewer", [viewer for viewer in VIEWERS if viewer != "dan"])
def test_admin_site_requires_an_admin(viewer, cast):
    for path in list_admin_site_paths():
        assert result_of(send(cast[viewer], "GET", path)) == "login", path


def test_admin_site_opens_for_an_admin(cast):
    results = {path: send(cast["dan"], "GET", path).status_code for path in list_admin_site_paths()}
    assert set(results.values()) <= {200, 301, 302, 403, 404}
    assert results[reverse("admin:index")] == 200


def form_data(ticket: Ticket) -> dict[str, dict]:
    """Return the form that a browser would send to each page that writes."""
    article = {"title": "New", "content": "…", "status": "published"}
    ticket_form = {"subject": "New", "description": "…", "priority": 2, "channel": "phone"}
    other = Ticket.objects.filter(subject="Another").latest("pk").pk
    view = {"name": "View", "sort": "newest", "audience": "own"}
    initial = {"status": ticket.status, "priority": ticket.priority, "category": "", "assignee": ""}
    return {
        **dict.fromkeys(["add-view", "edit-view", "edit-view/shared"], view),
        "bulk": {"ticket": [ticket.pk], "add_tags": "printer"},
        "create-ticket": ticket_form,
        "suggest": ticket_form,
        "add-to-ticket": ticket_form,
        "confirm-category": {"category": "access"},
        "reply": {"body": "…", "kind": "reply"},
        "update-ticket": initial | {f"initial-{name}": value for name, value in initial.items()},
        "draft": {"body": "…", "kind": "reply"},
        "preview": {"text": "*x*"},
        "rate-ticket": {"is_good": "yes"},
        "ticket-tags": {"tags": "printer"},
        "link-ticket": {"target": other, "kind": "related"},
        "merge-ticket": {"target": other},
        "add-participants": {"cc": "paul@example.org"},
        "correct-ticket": {
            "subject": "Corrected",
            "initial-subject": ticket.subject,
            "channel": "phone",
            "initial-channel": "phone",
        },
        "split-ticket": {"subject": "Alone"},
        "write-article": article,
        "edit-article": article | {"seen_at": Article.objects.get(title="Out").updated_at},
        "translate-article": article | {"language": "de"},
        "move-article": {"verb": "publish"},
        "restore-article": {"number": 1},
        "vote-article": {"is_helpful": "yes"},
        "setup": {"first_name": "Mallory"},
        "register": {"email": "mallory"},
        "profile": {"first_name": "New"},
        "profile-password": {"password": "x", "password_again": "x"},
        "account_login": {"login": "mallory@example.org", "password": "guess"},
    }


def send(person: User | None, method: str, path: str, fields: dict | None = None) -> HttpResponse:
    client = Client()
    if person:
        client.force_login(person)
    response = client.post(path, fields) if method == "POST" else client.generic(method, path)
    if response.streaming:
        response.getvalue()  # closes the file
    is_public = "/logo/" in path  # the only page that browsers may keep
    assert is_public or response["Cache-Control"] == "no-store", path
    return response


def result_of(response: HttpResponse) -> str:
    """Return the status code, or where a redirect leads, as the table names it."""
    if response.status_code not in (301, 302):
        return str(response.status_code)
    path = response.url.split("?")[0]
    if path in (reverse("account_login"), reverse("admin:login")):
        return "login"
    return "home" if path == reverse("dashboard") else "done"


def list_url_names() -> list[str]:
    """Return every URL name outside the admin site."""
    return [
        pattern.name
        for route, pattern in iterate_url_patterns()
        if not route.startswith(ADMIN_SITE)
    ]


def list_admin_site_paths() -> list[str]:
    """Return the path of every page below /admin/, with 1 for each argument.

    Log-in, log-out and the address that leads to one's own profile are no such pages.
    """
    routes = [route for route, pattern in iterate_url_patterns() if route.startswith(ADMIN_SITE)]
    paths = {"/" + re.sub("<[^>]*>", "1", route) for route in routes if "^" not in route}
    open_paths = {"/admin/login/", "/admin/logout/", "/admin/password_change/"}
    return sorted(paths - open_paths | {"/admin/tickets/", "/admin/none/"})


def iterate_url_patterns(
    patterns: list | None = None, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Yield every URL pattern of the project with its full route."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from iterate_url_patterns(pattern.url_patterns, route)
        else:
            yield route, pattern
