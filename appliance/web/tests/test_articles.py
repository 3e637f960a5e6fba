import pytest
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.knowledge.models import Article

WORDS = {"title": "Blank pages", "content": "## Shake\n\nthe toner", "status": "published"}


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


@pytest.fixture
def article(as_bob) -> Article:
    as_bob.post(reverse("write-article"), WORDS)
    return Article.objects.get()


def test_written_article_is_shown_as_html(as_bob, article):
    page = as_bob.get(reverse("article", args=[article.pk])).content.decode()
    assert "<h2>Shake</h2>" in page


def test_edit_form_starts_from_the_text_and_saves_it(as_bob, article):
    url = reverse("edit-article", args=[article.pk])
    form = as_bob.get(url).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields if name != "drop"} | {
        "title": "Empty pages"
    }
    assert as_bob.post(url, sent).status_code == 302
    article.refresh_from_db()
    assert (article.title, article.content) == ("Empty pages", WORDS["content"])


def test_second_editor_is_told_and_keeps_their_text(as_bob, article):
    url = reverse("edit-article", args=[article.pk])
    form = as_bob.get(url).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields if name != "drop"}
    as_bob.post(url, sent | {"content": "first"})
    answer = as_bob.post(url, sent | {"content": "second"})
    assert answer.status_code == 400
    assert "Another user saved" in answer.content.decode()
    assert "second" in answer.content.decode()


def test_article_without_content_is_named(as_bob):
    answer = as_bob.post(reverse("write-article"), WORDS | {"content": ""})
    assert list(answer.context["form"].errors) == ["content"]


def test_customer_can_read_but_not_write(client, article, alice):
    client.force_login(alice)
    assert client.get(reverse("article", args=[article.pk])).status_code == 200
    assert client.get(reverse("write-article")).status_code == 403
    assert client.post(reverse("edit-article", args=[article.pk]), WORDS).status_code == 403


def test_draft_does_not_exist_for_a_customer(client, article, alice):
    Article.objects.update(status="draft")
    client.force_login(alice)
    assert client.get(reverse("article", args=[article.pk])).status_code == 404
    assert article.title not in client.get(reverse("articles")).content.decode()


def test_writing_an_article_is_offered_to_those_who_may(
    as_bob, ticket, dan, django_capture_on_commit_callbacks
):
    evidence = reverse("evidence", args=[ticket.pk])
    assert "Write article" in as_bob.get(evidence).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.update_site_settings(by=dan, agent_rights=[])
    assert "Write article" not in as_bob.get(evidence).content.decode()
