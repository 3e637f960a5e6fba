import re

import pytest
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article

TEXT = {"title": "Blank pages", "content": "## Shake\n\nthe toner"}
FORM_DATA = TEXT | {"status": "published", "audience": "public"}


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


@pytest.fixture
def article(as_bob) -> Article:
    as_bob.post(reverse("write-article"), FORM_DATA)
    return Article.objects.get()


def test_content_is_shown_as_html(as_bob, article):
    html = as_bob.get(reverse("article", args=[article.pk])).content.decode()
    assert '<h2 dir="auto">Shake</h2>' in html


def test_edit_form_starts_with_the_content_and_saves_it(as_bob, article):
    url = reverse("edit-article", args=[article.pk])
    form = as_bob.get(url).context["form"]
    form_data = {name: form[name].value() or "" for name in form.fields if name != "drop"} | {
        "title": "Empty pages"
    }
    assert as_bob.post(url, form_data).status_code == 302
    article.refresh_from_db()
    assert (article.title, article.content) == ("Empty pages", FORM_DATA["content"])


def test_conflicting_edit_is_refused_and_keeps_the_text(as_bob, article):
    url = reverse("edit-article", args=[article.pk])
    form = as_bob.get(url).context["form"]
    form_data = {name: form[name].value() or "" for name in form.fields if name != "drop"}
    as_bob.post(url, form_data | {"content": "first"})
    response = as_bob.post(url, form_data | {"content": "second"})
    assert response.status_code == 400
    assert "Another user saved" in response.content.decode()
    assert "second" in response.content.decode()


def test_removing_a_file_that_a_colleague_removed_says_so(as_bob, article):
    form = as_bob.get(reverse("edit-article", args=[article.pk])).context["form"]
    form_data = {name: form[name].value() or "" for name in form.fields if name != "drop"}
    form_data |= {"content": "New text", "drop": "999"}
    response = as_bob.post(reverse("edit-article", args=[article.pk]), form_data)
    assert response.status_code == 400
    assert "Select a valid choice" in response.content.decode()
    assert "New text" in response.content.decode()


def test_content_is_required(as_bob):
    response = as_bob.post(reverse("write-article"), FORM_DATA | {"content": ""})
    assert list(response.context["form"].errors) == ["content"]


def test_customer_can_read_but_not_write(client, article, alice):
    client.force_login(alice)
    assert client.get(reverse("article", args=[article.pk])).status_code == 200
    assert client.get(reverse("write-article")).status_code == 403
    assert client.post(reverse("edit-article", args=[article.pk]), FORM_DATA).status_code == 403


@pytest.mark.parametrize("data", [TEXT, TEXT | {"status": "draft"}, TEXT | {"status": ""}])
def test_new_article_is_a_draft_for_agents_only(as_bob, data):
    as_bob.post(reverse("write-article"), data)
    article = Article.objects.get()
    assert (article.status, article.audience) == ("draft", "internal")
    page = as_bob.get(reverse("write-article"))
    assert page.context["form"]["audience"].value() == "internal"


def test_article_published_without_a_choice_of_readers_is_for_agents_only(as_bob, alice):
    as_bob.post(reverse("write-article"), TEXT | {"status": "published"})
    article = Article.objects.get()
    assert (article.status, article.audience) == ("published", "internal")
    assert not Article.objects.visible_to(alice).exists()


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        (None, [("draft", "Save draft"), ("published", "Publish")]),
        ("draft", [("draft", "Save draft"), ("published", "Publish")]),
        ("review", [("review", "Save"), ("published", "Publish")]),
        ("archived", [("archived", "Save"), ("published", "Publish")]),
        ("published", [("published", "Publish changes"), ("draft", "Turn into draft")]),
    ],
)
def test_buttons_of_the_form_say_what_becomes_of_the_article(as_bob, bob, status, buttons):
    url = reverse("write-article")
    if status:
        article = knowledge_services.write_article(by=bob, title="T", content="c", status=status)
        url = reverse("edit-article", args=[article.pk])
    page = as_bob.get(url).content.decode()
    pattern = r'name="status"\s+value="(\w+)">\s*([^<]+?)\s*</button>'
    assert re.findall(pattern, page) == buttons


@pytest.mark.parametrize("status", ["draft", "review", "archived", "published"])
def test_saving_without_a_button_keeps_the_status(as_bob, bob, status):
    article = knowledge_services.write_article(
        by=bob, title="T", content="c", status=status, audience="customers"
    )
    data = TEXT | {"seen_at": article.updated_at.isoformat()}
    as_bob.post(reverse("edit-article", args=[article.pk]), data)
    article.refresh_from_db()
    assert (article.title, article.status, article.audience) == (
        "Blank pages",
        status,
        "customers",
    )


def test_customer_cannot_see_a_draft(client, article, alice):
    Article.objects.update(status="draft")
    client.force_login(alice)
    assert client.get(reverse("article", args=[article.pk])).status_code == 404
    assert article.title not in client.get(reverse("articles")).content.decode()


def test_writing_an_article_is_offered_to_agents_with_the_right(
    as_bob, ticket, dan, django_capture_on_commit_callbacks
):
    analysis = reverse("ticket-analysis", args=[ticket.pk])
    assert "Write article" in as_bob.get(analysis).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.update_site_settings(by=dan, agent_rights=[])
    assert "Write article" not in as_bob.get(analysis).content.decode()
