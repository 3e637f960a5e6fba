"""Every page is accessible: no violations in axe, no horizontal scrolling."""

import base64
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from axe_playwright_python.base import AXE_SCRIPT
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from playwright.sync_api import Page, expect

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.macros import services as macros_services
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import CustomField, Priority, Status, Ticket
from appliance.triage import services as triage_services
from appliance.web import services as web_services
from tests import sample_objects
from tests.windows import NARROW, SMALLEST, WIDE

pytestmark = pytest.mark.browser

# WCAG 2.2 requires targets of 24 pixels, a rule that axe checks only on request
ALL_RULES = {"rules": {"target-size": {"enabled": True}}}
# the dark theme can only change contrast, and the width does not change colours
CONTRAST_RULES = {"runOnly": ["color-contrast", "link-in-text-block"]}
LONG_WORD = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 3
TEXT = (
    f"# Big\n\n## Steps\n\n1. `{LONG_WORD}`\n2. **x**\n\n| a | b |\n|---|---|\n| 1 | {LONG_WORD} |"
)
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
Pages = dict[str, tuple[User | None, str]]


@pytest.fixture
def pages(alice, bob, carol, dan, ticket, categories, articles, warm_models) -> Pages:
    """Every kind of page, with data: its viewer and path."""
    article = fill_tickets(ticket, bob, alice)
    extend_article(article, articles, ticket, bob, alice)
    solved, merged = relate_tickets(ticket, bob, alice)
    ticket_path = f"/tickets/{ticket.pk}/"
    return {
        "log-in": (None, "/login/"),
        "register": (None, "/register/"),
        "forgotten password": (None, "/forgot-password/"),
        "password again": (alice, "/reauthenticate/"),
        "own address": (alice, "/profile/email/"),
        "tickets of an agent": (bob, "/"),
        **list_pages(bob, ticket),
        "empty filtered list": (bob, "/?status=waiting&priority=4&sentiment=positive"),
        "tickets of a customer": (alice, "/"),
        "empty list of a customer": (carol, "/"),
        "new ticket of a customer": (alice, "/create-ticket/"),
        "new ticket of an agent": (bob, "/create-ticket/"),
        "ticket for an agent": (bob, ticket_path),
        "ticket for its customer": (alice, ticket_path),
        "ticket to be rated": (alice, f"/tickets/{solved.pk}/"),
        "ticket that was merged": (bob, f"/tickets/{merged.pk}/"),
        "ticket to be merged": (bob, f"{ticket_path}merge/"),
        "merge to be confirmed": (bob, f"{ticket_path}merge/?target={solved.pk}"),
        "message to be split": (bob, f"{ticket_path}split/{ticket.messages.first().pk}/"),
        "articles": (bob, "/articles/"),
        "no articles": (alice, "/articles/?category=nothing"),
        "article": (bob, f"/articles/{article}/"),
        "new article": (bob, "/articles/new/"),
        "edit article": (bob, f"/articles/{article}/edit/"),
        "articles most useful": (bob, "/articles/?sort=useful&status=published"),
        "no article found": (bob, "/articles/?text=zzzzqqqq"),
        "history of an article": (bob, f"/articles/{article}/history/"),
        "versions of an article": (bob, f"/articles/{article}/versions/"),
        "one version of an article": (bob, f"/articles/{article}/versions/?old=1&new=1"),
        "import of articles": (bob, "/articles/import/"),
        "help": (alice, "/help/"),
        "help on one category": (alice, "/help/?category=hardware"),
        "article for its reader": (alice, f"/articles/{articles[0].pk}/"),
        "article its reader voted on": (alice, f"/articles/{articles[1].pk}/"),
        "search": (alice, "/search/"),
        "search with hits": (bob, "/search/?q=printer"),
        "search without hits": (alice, "/search/?q=zzzzqqqq&kind=tickets"),
        "notifications": (bob, "/notifications/"),
        "reports": (dan, "/reports/?span=7"),
        "reports of nothing": (dan, "/reports/?span=own&start=2001-01-01&end=2001-01-02"),
        "invalid report": (dan, "/reports/?span=own"),
        "no notifications": (carol, "/notifications/"),
        "notification settings": (bob, "/notifications/settings/"),
        "outgoing mail": (dan, "/notifications/outbox/"),
        **sample_objects.list_admin_pages(dan, f"Managed{LONG_WORD}"),
        "status": (dan, "/status/"),
        "status of tables": (dan, "/status/tables/"),
        "status of queries": (dan, "/status/queries/"),
        "forbidden": (alice, "/status/"),
        "not found": (None, "/nothing/"),
        "profile of an agent": (bob, "/profile/"),
        "profile of a customer": (alice, "/profile/"),
        "own password": (alice, "/profile/password/"),
        **security_pages(alice, bob),
        "tickets of a sharing organisation": (carol, "/?state=all"),
        "ticket of a colleague": (carol, ticket_path),
        **public_pages(article, alice, bob, carol, dan),
    }


def security_pages(alice: User, bob: User) -> Pages:
    """Give Bob keys and recovery codes; return the pages of sign-in and sessions."""
    for name in (LONG_WORD[:80], "Blue key"):
        Authenticator.objects.create(user=bob, type="webauthn", data={"name": name})
    RecoveryCodes.activate(bob)
    return {
        "security": (bob, "/profile/security/"),
        "security without a factor": (alice, "/profile/security/"),
        "authenticator app": (bob, "/profile/security/app/add/"),
        "recovery codes": (bob, "/profile/security/codes/"),
        "new recovery codes": (bob, "/profile/security/codes/generate/"),
        "new key": (alice, "/profile/security/keys/add/"),
        "sessions": (bob, "/profile/sessions/"),
        "after a new log-in": (bob, "/session/continued/"),
    }


def list_pages(bob: User, ticket: Ticket) -> Pages:
    """Create views and a bulk change; return the pages of lists."""
    columns = ["tags", "team", "organisation", "updated", "due", "sentiment", "assignee"]
    tickets_services.add_tags(ticket=ticket, names=[LONG_WORD[5:45]], by=bob)
    view = tickets_services.save_view(
        by=bob, name=LONG_WORD[:60], filters=TicketFilter(), columns=columns, audience="all"
    )
    outdated_view = tickets_services.save_view(
        by=bob, name="Gone", filters=TicketFilter(tag="gone")
    )
    bulk_change = tickets_services.start_bulk_change(
        by=bob, tickets=[ticket.pk, 0], changes={"add_tags": ["storm"]}
    )
    return {
        "view": (bob, f"/?view={view.pk}"),
        "view of a deleted tag": (bob, f"/?view={outdated_view.pk}"),
        "invalid filter": (bob, "/?customer=nobody&tag=nothing&premium=1"),
        "after a bulk change": (bob, f"/?bulk={bulk_change.pk}"),
        "views": (bob, "/views/"),
        "new view": (bob, "/views/new/?priority=4"),
        "edit view": (bob, f"/views/{view.pk}/edit/"),
    }


def public_pages(article: int, alice: User, bob: User, carol: User, dan: User) -> Pages:
    """Open the portal to guests and let Alice and Carol share tickets; return the public pages."""
    accounts_services.update_site_settings(
        by=dan, is_guest_form_open=True, is_knowledge_public=True
    )
    ward = accounts_services.add_organisation(by=dan, name=LONG_WORD[:120], shares_tickets=True)
    type(alice.customer).objects.filter(user__in=[alice, carol]).update(organisation=ward)
    guest_ticket, token = web_services.create_guest_ticket(
        ip_address="",
        name=LONG_WORD[:80],
        email="pia@example.org",
        subject=LONG_WORD,
        description=TEXT,
    )
    tickets_services.reply(ticket=guest_ticket, by=bob, body=TEXT)
    tickets_services.set_status(ticket=guest_ticket, status=Status.SOLVED, by=bob)
    pia = accounts_services.add_person(by=dan, email="pia@example.org", first_name=LONG_WORD[:80])
    return {
        "request form of a guest": (None, "/ask/"),
        "ticket of a guest": (None, f"/guest/{token}/"),
        "ticket of a guest for an agent": (bob, f"/tickets/{guest_ticket.pk}/"),
        "welcome": (None, f"/welcome/{accounts_services.invite(person=pia, by=dan)}/"),
        "public articles": (None, "/articles/"),
        "public article": (None, f"/articles/{article}/"),
        "public help": (None, "/help/"),
        "public search": (None, "/search/?q=printer"),
        "public search without hits": (None, "/search/?q=zzzzqqqq"),
    }


def fill_tickets(ticket: Ticket, bob: User, alice: User) -> int:
    """Create tickets of every status with long words; return the id of a long article."""
    tickets_services.reply(ticket=ticket, by=bob, body=TEXT)
    tickets_services.add_note(ticket=ticket, by=bob, body="The *old* driver.")
    triage_services.annotate(ticket.pk)
    for status, priority in zip(Status, [*Priority, *[Priority.NORMAL] * 2], strict=True):
        other = tickets_services.create_ticket(
            customer=alice.customer,
            subject=LONG_WORD,
            description=LONG_WORD,
            by=alice,
            priority=priority,
        )
        if status == Status.HOLD:
            tickets_services.hold_ticket(
                ticket=other, until=timezone.now() + timedelta(days=9), by=bob
            )
        else:
            tickets_services.set_status(ticket=other, status=status, by=bob)
        triage_services.annotate(other.pk)
    type(alice.customer).objects.update(is_premium=True, claimed_organisation=LONG_WORD[:120])
    return knowledge_services.write_article(by=bob, title=LONG_WORD, content=TEXT).pk


def extend_article(
    number: int, articles: list[Article], ticket: Ticket, bob: User, alice: User
) -> None:
    """Give the article files, a second version, votes, a linked ticket and a review date."""
    article = Article.objects.get(pk=number)
    image = SimpleUploadedFile(f"{LONG_WORD}.png", PIXEL, "image/png")
    text = SimpleUploadedFile(f"{LONG_WORD}.txt", b"x", "text/plain")
    knowledge_services.edit_article(
        article=article,
        by=bob,
        title=LONG_WORD[:-1],
        content=f"{TEXT}\n\n![x](x)",
        note=LONG_WORD,
        seen_at=article.updated_at,
        files=[image, text],
        review_on=timezone.localdate(),
        status="published",
    )
    knowledge_services.link_ticket(article=article, ticket=ticket, by=bob)
    knowledge_services.vote(article=article, by=alice, is_helpful=False, comment=LONG_WORD)
    knowledge_services.vote(article=articles[1], by=alice, is_helpful=True)


def relate_tickets(ticket: Ticket, bob: User, alice: User) -> tuple[Ticket, Ticket]:
    """Add files, tags, fields and macros; return a linked, solved ticket and a merged ticket."""
    image = SimpleUploadedFile(f"{LONG_WORD}.png", PIXEL, "image/png")
    text = SimpleUploadedFile(f"{LONG_WORD}.txt", b"x", "text/plain")
    tickets_services.reply(ticket=ticket, by=bob, body=TEXT, files=[image, text])
    tickets_services.set_tags(ticket=ticket, names=[LONG_WORD[5:45], "printer"], by=bob)
    CustomField.objects.create(key="room", label=LONG_WORD[:80], is_for_customers=True)
    tickets_services.set_fields(ticket=ticket, values={"room": LONG_WORD}, by=bob)
    canned_response = macros_services.add_canned_response(
        by=bob, name=LONG_WORD[:80], body=TEXT, audience="all"
    )
    macros_services.add_macro(
        by=bob,
        name=LONG_WORD[:80],
        actions={"canned_response": canned_response.pk, "note": LONG_WORD},
    )
    fields = {
        "customer": alice.customer,
        "subject": LONG_WORD,
        "description": LONG_WORD,
        "by": alice,
    }
    solved, merged = (
        tickets_services.create_ticket(**fields),
        tickets_services.create_ticket(**fields),
    )
    tickets_services.link_tickets(source=ticket, target=solved, kind="related", by=bob)
    tickets_services.merge_tickets(source=merged, target=ticket, by=bob)
    tickets_services.set_status(ticket=solved, status=Status.SOLVED, by=bob)
    tickets_services.save_draft(ticket=ticket, by=bob, kind="note", body=LONG_WORD)
    return solved, merged


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1440", "390"])
def test_pages_have_no_axe_violations(window, pages, size):
    results = {}
    for name, page in open_pages(window, pages, viewport=size, bypass_csp=True):
        results |= {f"{name}, light": violations(page)}
        if size == WIDE:
            page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'dark')")
            results |= {f"{name}, dark": violations(page, CONTRAST_RULES)}
    assert {name: rules for name, rules in results.items() if rules} == {}


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1440", "390"])
def test_set_up_page_has_no_axe_violations(window, db, size):
    path = f"/setup/{accounts_services.create_setup_link()}/"
    for _, page in open_pages(window, {"set-up": (None, path)}, viewport=size, bypass_csp=True):
        assert violations(page) == []
        page.get_by_role("button", name="Finish set-up").click()
        page.get_by_label("Name of the help desk").fill("Help desk")


def test_refused_forms_have_no_axe_violations(window, bob, alice, ticket):
    page = window(bob, bypass_csp=True)
    page.goto("/create-ticket/")
    page.get_by_label("Customer's e-mail").fill("pia@example.org")
    page.get_by_label("Subject").fill("s")
    page.get_by_label("Description").fill("d")
    page.get_by_role("button", name="Submit ticket").click()
    page.get_by_text("enter the customer's name").wait_for()
    assert violations(page) == []
    page = window(bypass_csp=True)
    page.goto("/login/")
    page.get_by_label("E-mail").fill("pia@example.org")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("alert").wait_for()
    assert violations(page) == []


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1440", "390"])
def test_open_user_menu_has_no_axe_violations(window, dan, size):
    page = window(dan, viewport=size, bypass_csp=True)
    page.goto("/")
    page.locator("header details summary").click()
    page.get_by_role("button", name="Sign out").wait_for()
    page.locator("main").evaluate("main => { main.innerHTML = '<h1>Tickets</h1>' }")
    assert violations(page) == []


def test_open_menu_of_macros_has_no_axe_violations(window, bob, ticket):
    macros_services.add_macro(by=bob, name="Ask", actions={"status": "waiting"})
    page = window(bob, bypass_csp=True)
    page.goto(f"/tickets/{ticket.pk}/")
    page.locator(".macros summary").click()
    expect(page.get_by_role("link", name="Manage macros")).to_be_visible()
    assert violations(page, part=".macros") == []


def test_axe_violations_are_detected(window, db):
    page = window(bypass_csp=True)
    page.goto("/login/")
    page.evaluate("""document.querySelector("main").innerHTML =
        '<p style="color: #888; background: #999">words</p><a href="/"></a>'""")
    assert violated_rules(page) >= {"color-contrast", "link-name"}
    assert violated_rules(page, CONTRAST_RULES) == {"color-contrast"}


def test_no_page_scrolls_horizontally(window, pages):
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    results = {}
    for name, page in open_pages(window, pages):
        for size in (NARROW, SMALLEST):
            page.set_viewport_size(size)
            results |= {f"{name} at {size['width']}": page.evaluate(overflow)}
    assert {name: pixels for name, pixels in results.items() if pixels > 0} == {}


def open_pages(window, pages: Pages, **options: object):
    """Yield the name of each page and the window that shows it; each viewer has one window."""
    windows: dict[str, Page] = {}
    for name, (person, path) in pages.items():
        email = person.email if person else ""
        if email not in windows:
            windows[email] = window(person, reduced_motion="reduce", **options)
        windows[email].goto(path)
        yield name, windows[email]


def violated_rules(page: Page, options: dict = ALL_RULES) -> set[str]:
    return {violation.split(":")[0] for violation in violations(page, options)}


def violations(page: Page, options: dict = ALL_RULES, part: str = "html") -> list[str]:
    """Return what axe finds in a part of the page with all details opened, seen from the top.

    Further down the links to its parts would stay over what is scrolled below them. Menus would
    cover the page, so tests of their own open them.
    """
    page.locator("main details:not(.menu)").evaluate_all(
        "elements => elements.forEach((element) => { element.open = true })"
    )
    page.evaluate("window.scrollTo(0, 0)")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"]} | options
    results = page.evaluate("([part, options]) => axe.run(part, options)", [part, options])[
        "violations"
    ]
    return [
        f"{result['id']}: {node['html'][:160]}" for result in results for node in result["nodes"]
    ]
