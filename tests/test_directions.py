"""Words of people stand in their own direction on every page, whatever the language of the page."""

from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag
from django.test import Client
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.knowledge import services as knowledge_services
from appliance.tickets import services as tickets_services
from tests.sample_objects import list_admin_pages

HEBREW = "שלום"
# what a browser shows without direction: titles, values of attributes, plain choices
FIELDS = "textarea, input[type=text], input[type=search]"
NOT_SHOWN = {"title", "script", "style", "option", "template"}


def words_without_direction(html: bytes) -> Iterator[str]:
    """Yield the path of each element that holds Hebrew words and takes no direction from them."""
    for text in BeautifulSoup(html, "html.parser").find_all(string=True):
        if HEBREW in text and type(text) is NavigableString:
            elements = [parent for parent in text.parents if isinstance(parent, Tag)]
            if _is_shown(elements[0]) and not _has_direction(elements):
                yield " < ".join(_describe(element) for element in elements[:3])


def _is_shown(element: Tag) -> bool:
    return element.name not in NOT_SHOWN and "visually-hidden" not in element.get("class", [])


def _has_direction(elements: list[Tag]) -> bool:
    nearest = next((element for element in elements if element.get("dir")), None)
    return nearest is not None and (nearest["dir"] == "auto" or nearest.name == "bdi")


def test_a_name_inside_of_fixed_words_is_found():
    html = f"<p dir=auto>{HEBREW}</p><p><b>{HEBREW}</b></p>".encode()
    assert list(words_without_direction(html)) == ["b < p < [document]"]


def _describe(element: Tag) -> str:
    return ".".join([element.name, *element.get("class", [])])


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def pages(alice, bob, dan) -> list[tuple[User, str]]:
    """Store Hebrew words in every place; return the pages and who views them."""
    for person in (alice, bob):
        person.first_name = person.last_name = HEBREW
        person.save()
    customer = alice.customer
    customer.first_name = customer.last_name = HEBREW
    customer.save()
    accounts_services.update_site_settings(by=dan, name=HEBREW, is_knowledge_public=True)
    article = knowledge_services.write_article(
        by=dan, title=HEBREW, content=f"{HEBREW}\n\n- {HEBREW}", status="published"
    )
    tickets = [
        tickets_services.create_ticket(
            customer=customer, subject=HEBREW, description=HEBREW, by=alice
        )
        for _ in range(3)
    ]
    ticket, other, third = tickets
    tickets_services.reply(ticket=ticket, by=alice, body=HEBREW)
    tickets_services.reply(ticket=ticket, by=bob, body=HEBREW)
    tickets_services.add_note(ticket=ticket, by=bob, body=HEBREW)
    tickets_services.set_tags(ticket=ticket, names=[f"{HEBREW} ב"], by=bob)
    tickets_services.link_tickets(source=ticket, target=other, kind="related", by=dan)
    tickets_services.merge_tickets(source=third, target=ticket, by=dan)
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    paths = [reverse("ticket", args=[ticket.pk]), reverse("ticket", args=[other.pk])]
    paths += [reverse("article", args=[article.pk]), reverse("create-ticket"), reverse("articles")]
    paths += [reverse(name) for name in ("dashboard", "notifications", "profile", "help")]
    paths += [f"{reverse('search')}?q={HEBREW}", f"{reverse('dashboard')}?status=&text={HEBREW}"]
    agent_paths = [reverse("split-ticket", args=[ticket.pk, ticket.messages.first().pk])]
    agent_paths += [reverse("article-history", args=[article.pk])]
    agent_paths += [reverse("edit-article", args=[article.pk]), reverse("outbox")]
    agent_paths += [f"{reverse('merge-ticket', args=[ticket.pk])}?target={other.pk}"]
    return [
        *((viewer, path) for path in paths for viewer in (alice, dan)),
        *((dan, path) for path in agent_paths),
        *list_admin_pages(dan, HEBREW).values(),
    ]


def test_words_take_their_own_direction(pages):
    wrong: dict[str, str] = {}
    for viewer, path in pages:
        response = log_in(viewer).get(path, follow=True)
        assert response.status_code == 200, path
        for place in words_without_direction(response.content):
            wrong.setdefault(place, path)
        for field in BeautifulSoup(response.content, "html.parser").select(FIELDS):
            if field.get("dir") != "auto":
                wrong.setdefault(_describe(field), path)
    assert wrong == {}
