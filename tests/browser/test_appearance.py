"""One look on every page: one width, the colours of the desk, nothing that jumps or vanishes."""

import re

import pytest
from playwright.sync_api import Page, expect

from appliance.notifications import services as notifications_services
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from tests.windows import NARROW

pytestmark = pytest.mark.browser
BLUE = re.compile(r"\b(13, 110, 253|134, 183, 254|10, 88, 202|11, 94, 215)\b")  # Bootstrap's
PATHS = (
    "/",
    "/?status=open",
    "/views/",
    "/articles/",
    "/articles/new/",
    "/search/?q=printer",
    "/notifications/",
    "/notifications/settings/",
    "/profile/",
    "/create-ticket/",
    "/manage/",
    "/manage/site-settings/",
    "/manage/teams/",
    "/reports/",
    "/status/",
)
# The colours of each control while it has the focus, after every transition.
FOCUSED_COLOURS = """() => [...document.querySelectorAll("a, button, input, select, textarea")]
    .filter((control) => control.checkVisibility() && !control.disabled)
    .map((control) => {
      control.style.transition = "none";
      control.focus();
      const style = getComputedStyle(control);
      return [control.outerHTML.slice(0, 80), style.boxShadow, style.borderColor, style.color,
        style.outlineColor, style.backgroundColor, style.accentColor].join(" | ");
    })"""
# Links whose underline runs through the blank beside their icon.
UNDERLINED_BLANKS = """() => [...document.querySelectorAll("main .bi")].filter((icon) => {
    const link = icon.parentElement, style = getComputedStyle(link);
    const isUnderlined = style.textDecorationLine.includes("underline");
    if (!isUnderlined || style.display.includes("flex") || !link.checkVisibility()) return false;
    const neighbours = [icon.previousSibling, icon.nextSibling];
    return neighbours.some((node) => node && /^\\s|\\s$/.test(node.textContent));
  }).map((icon) => icon.parentElement.outerHTML)"""
# The contrast of each badge's ring with the row behind it; any of the colours may be translucent.
BADGE_CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const paint = (...colours) => {
      canvas.clearRect(0, 0, 1, 1);
      for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
      const linear = (x) => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4;
      const pixel = [...canvas.getImageData(0, 0, 1, 1).data];
      const [red, green, blue] = pixel.map((value) => linear(value / 255));
      return .2126 * red + .7152 * green + .0722 * blue + .05;
    };
    return [...document.querySelectorAll("#live .badge")].map((badge) => {
      const table = getComputedStyle(badge.closest("table")).backgroundColor;
      const row = getComputedStyle(badge.closest("tr")).backgroundColor;
      const style = getComputedStyle(badge);
      const ring = style.boxShadow.replace(/ 0px.*$/, "");
      const [first, second] = [paint(table, row), paint(style.backgroundColor, ring)];
      return Math.max(first, second) / Math.min(first, second);
    });
  }"""


@pytest.fixture
def tickets(alice, bob) -> list[Ticket]:
    """Enough for a list longer than a window, with every status."""
    tickets = [
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Nr {n}", description="…", by=alice
        )
        for n in range(24)
    ]
    for ticket, status in zip(tickets, [Status.OPEN, Status.WAITING, Status.SOLVED], strict=False):
        tickets_services.set_status(ticket=ticket, status=status, by=bob)
    return tickets


def tick(page: Page, ticket: Ticket) -> None:
    page.locator(f"#choose-{ticket.pk}").check()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_focus_and_half_checked_boxes_have_the_colours_of_the_desk(window, dan, tickets, theme):
    page = window(dan, color_scheme=theme, reduced_motion="reduce")
    wrong = []
    for path in (*PATHS, f"/tickets/{tickets[0].pk}/"):
        page.goto(path)
        if path == "/":
            tick(page, tickets[-1])
        page.locator("main details").evaluate_all("all => all.forEach((one) => one.open = true)")
        wrong += [colours for colours in page.evaluate(FOCUSED_COLOURS) if BLUE.search(colours)]
    assert wrong == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_badges_stand_out_on_rows_of_every_state(window, bob, tickets, theme):
    page = window(bob, color_scheme=theme, reduced_motion="reduce")
    page.goto("/?status=any")
    assert min(page.evaluate(BADGE_CONTRASTS)) > 2
    page.get_by_label("Select all tickets on this page").check()
    assert min(page.evaluate(BADGE_CONTRASTS)) > 2
    page.locator(f"#row-{tickets[0].pk}").hover()
    assert min(page.evaluate(BADGE_CONTRASTS)) > 2


def test_a_tick_moves_no_row_and_the_panel_stays_in_sight(window, bob, tickets):
    page = window(bob)
    page.goto("/")
    row = page.locator(f"#row-{tickets[-2].pk}")
    place = row.bounding_box()
    tick(page, tickets[-2])
    expect(page.locator("#bulk")).to_be_in_viewport(ratio=1)
    assert row.bounding_box() == place
    page.mouse.wheel(0, 5000)
    expect(page.locator("#bulk")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [1440, 1920])
def test_every_page_starts_at_the_same_edge(window, dan, ticket, width):
    page = window(dan, viewport={"width": width, "height": 900})
    edges = {}
    for path in (*PATHS, f"/tickets/{ticket.pk}/"):
        page.goto(path)
        edges[path] = page.evaluate("""() => {
            const frame = document.querySelector("main").getBoundingClientRect();
            const bar = document.querySelector(".topbar-inner").getBoundingClientRect();
            return [frame.left, frame.right, bar.left, bar.right];
        }""")
        if not path.startswith("/?") and path != "/":  # beside the queues
            left = page.locator("h1").bounding_box()["x"]
            assert left == pytest.approx(edges[path][0] + 16), path
    assert len({tuple(map(round, edge)) for edge in edges.values()}) == 1


def test_no_underline_runs_through_the_blank_beside_an_icon(window, dan, ticket, articles):
    page = window(dan)
    wrong = []
    for path in (*PATHS, f"/tickets/{ticket.pk}/", f"/tickets/{ticket.pk}/merge/"):
        page.goto(path)
        wrong += page.evaluate(UNDERLINED_BLANKS)
    assert wrong == []


def test_printed_ticket_is_its_messages_alone(window, bob, ticket):
    tickets_services.reply(ticket=ticket, by=bob, body="Try the other tray.")
    page = window(bob, color_scheme="dark")
    page.goto(f"/tickets/{ticket.pk}/")
    sheet = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name=ticket.subject)).to_be_visible()
    expect(page.locator(".message")).to_have_count(2)
    for part in ("header.topbar", "#reply", ".ticket-side >> nth=0", ".ticket-jumps", "button"):
        expect(page.locator(part).first).to_be_hidden()


def test_phone_jumps_to_the_properties(window, bob, ticket):
    page = window(bob, viewport=NARROW)
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.get_by_label("Priority")).to_be_hidden()
    page.get_by_role("navigation", name="Parts of this page").get_by_text("Properties").click()
    expect(page.get_by_label("Priority")).to_be_in_viewport()
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.get_by_role("heading", name="Suggested articles")).to_be_visible()


def test_lines_of_a_report_do_not_overshoot(window, dan, ticket):
    page = window(dan)
    page.goto("/reports/?span=7")
    tensions = page.evaluate("""Object.values(Chart.instances).flatMap(
        (chart) => chart.data.datasets.map((line) => line.tension))""")
    assert set(tensions) == {0}


def test_icon_of_the_page_shows_the_number_of_unread_notifications(window, bob, dan, ticket):
    notifications_services.mark_all_read(user=bob)
    page = window(bob)
    page.goto("/")
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile(r"mark\.svg$"))
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    page.goto("/articles/")
    expect(icon).to_have_attribute("href", re.compile(r"^data:image/svg\+xml,.*%3E1%3C%2Ftext%3E"))
    notifications_services.mark_all_read(user=bob)
    page.goto("/articles/")
    expect(icon).to_have_attribute("href", re.compile(r"mark\.svg$"))


@pytest.mark.parametrize("path", ["/", "/articles/", "/profile/", "/reports/", "/search/?q=x"])
def test_keys_of_the_queues_work_on_every_page(window, bob, ticket, path):
    page = window(bob)
    page.goto(path)
    for key, heading in {"u": "Unassigned", "t": "My teams", "o": "All open"}.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        page.wait_for_load_state()  # the next page listens to keys then
