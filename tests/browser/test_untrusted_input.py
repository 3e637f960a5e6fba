"""User input is shown as text: no dialog, no script, no violation of the security policy."""

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from appliance.accounts.models import Customer
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket

pytestmark = pytest.mark.browser

HTML = [
    "<script>alert(1)</script>",
    "<ScRiPt/src=data:,alert(1)>",
    "<img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=alert(1)>'>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<form action=javascript:alert(1)><button>go",
    "<base href=//evil.example><meta http-equiv=refresh content=0;url=//evil.example>",
    "<div hx-get=/logout/ hx-trigger=load hx-on::load=alert(1)>",
    "<div data-insert=x style=position:fixed;inset:0>",
    "{{ 7|add:7 }}{% debug %}${alert(1)}",
    "\u202e<b>&lt;script&gt;alert(1)",
    "&#60;img src=x onerror=alert(1)&#62;",
]
MARKDOWN = [
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](java&#x0a;script:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:msgbox)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    '![x](x" onerror="alert(1))',
    '[a](https://ok.example "x" onmouseover="alert(1)")',
    "```<script>\nalert(1)\n```",
    "> <img src=x onerror=alert(1)>",
    "| <svg/onload=alert(1)> |\n|---|\n| [c](javascript:alert(1)) |",
    "**<b onclick=alert(1)>**",
]
ALL_PAYLOADS = "\n\n".join([*HTML, *MARKDOWN])
SCHEMES = ("http:", "https:", "mailto:", "tel:")


@pytest.fixture
def hostile_ticket(alice, bob, settings) -> Ticket:
    """A ticket, customer and article with payloads in every field, posted like by a browser."""
    settings.ANNOTATE_BUDGET_SECONDS = 0
    Customer.objects.update(first_name=HTML[2], last_name=HTML[4], claimed_organisation=HTML[3])
    alice_client, bob_client = Client(), Client()
    alice_client.force_login(alice)
    bob_client.force_login(bob)
    for subject in [*HTML, *MARKDOWN]:
        form = {"subject": subject, "description": ALL_PAYLOADS}
        alice_client.post("/create-ticket/", form)
    ticket = Ticket.objects.latest("created_at")
    alice_client.post(f"/tickets/{ticket.pk}/reply/", {"body": ALL_PAYLOADS})
    bob_client.post(f"/tickets/{ticket.pk}/reply/", {"body": ALL_PAYLOADS, "kind": "note"})
    article = {"title": HTML[3], "content": ALL_PAYLOADS, "status": "published"}
    article["audience"] = "public"
    bob_client.post("/articles/new/", article)
    return ticket


def test_user_input_is_not_executed(window, hostile_ticket, bob):
    page = window(bob)
    article = Article.objects.get()
    for path in (
        "/",
        f"/tickets/{hostile_ticket.pk}/",
        "/articles/",
        f"/articles/{article.pk}/",
        f"/articles/{article.pk}/edit/",
        "/search/?q=alert+script+img",
        "/search/?q=%22%3E%3Cimg+src%3Dx+onerror%3Dalert(1)%3E",
    ):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert executed_elements(page) == [], path


def test_user_input_is_shown_as_text(window, hostile_ticket, bob):
    page = window(bob)
    page.goto("/")
    expect(page.get_by_role("link", name=HTML[0], exact=True)).to_be_visible()
    page.goto(f"/tickets/{hostile_ticket.pk}/")
    for payload in HTML[:5]:
        expect(page.locator(".plain").get_by_text(payload).first).to_be_visible()


def test_suggestions_and_error_pages_do_not_execute_user_input(window, hostile_ticket, alice):
    page = window(alice)
    page.goto("/create-ticket/")
    page.get_by_label("Subject").press_sequentially(HTML[3] + " printer")
    expect(page.locator("#suggestions article")).not_to_have_count(0)
    assert executed_elements(page) == []
    page.goto('/login/?next="><script>alert(1)</script>')
    page.goto("/nothing/<script>alert(1)</script>/")
    assert executed_elements(page) == []


def test_executed_scripts_are_detected(browser, live_server):
    """The other tests of this module rely on this detection."""
    from tests.windows import Windows

    windows = Windows(browser, live_server.url)
    page = windows()
    page.goto("/login/")
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("document.body.innerHTML = '<img src=x onerror=alert(1)>'")
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => alert(2))")
    with page.expect_console_message(lambda message: "192.0.2.1" in message.text):
        page.evaluate("fetch('http://192.0.2.1/').catch(() => 0)")
    windows.close()
    assert {incident.split(":")[0] for incident in windows.incidents} >= {"policy", "dialog"}
    assert any("192.0.2.1" in incident for incident in windows.incidents)


EXECUTED_ELEMENTS = """
(schemes) => {
  const selector = "script, iframe, svg, img, base, style, math, object, embed, " +
    "[onerror], [onload], [onclick], [onmouseover], [ontoggle]";
  const links = [...document.querySelectorAll("main a[href]")];
  return [
    ...document.querySelectorAll(`main :is(${selector})`),
    ...links.filter((link) => !schemes.includes(link.protocol)),
  ].map((element) => element.outerHTML);
}
"""


def executed_elements(page: Page) -> list[str]:
    """Return the elements and links of the page that only an executed payload can create."""
    return page.evaluate(EXECUTED_ELEMENTS, list(SCHEMES))
