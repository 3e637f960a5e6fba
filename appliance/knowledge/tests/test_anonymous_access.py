"""Anonymous visitors read published articles, if the help centre is public."""

import pytest
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.knowledge import services
from appliance.knowledge.models import Article


@pytest.fixture
def published(bob) -> Article:
    return services.write_article(
        by=bob, title="Blank pages", content="Shake the toner.", status="published"
    )


@pytest.fixture
def draft(bob) -> Article:
    return services.write_article(by=bob, title="Blank draft", content="Shake the toner.")


@pytest.fixture
def is_public(dan) -> None:
    accounts_services.update_site_settings(by=dan, is_knowledge_public=True)


def addresses(article: Article) -> list[str]:
    return [reverse("articles"), reverse("article", args=[article.pk]), "/search/?q=toner"]


def test_anonymous_visitor_must_log_in_by_default(client, published):
    for path in addresses(published):
        assert client.get(path).url.startswith(reverse("account_login"))


@pytest.mark.usefixtures("is_public")
def test_anonymous_visitor_reads_and_finds_published_articles(client, published):
    for path in addresses(published):
        response = client.get(path)
        assert response.status_code == 200
        assert "Blank pages" in response.content.decode()


@pytest.mark.usefixtures("is_public")
def test_anonymous_visitor_cannot_see_a_draft(client, draft, published):
    assert client.get(reverse("article", args=[draft.pk])).status_code == 404
    for path in ["/articles/", "/articles/?status=draft", "/search/?q=toner", "/search/?q=draft"]:
        page = client.get(path).content.decode()
        assert "Blank draft" not in page, path


@pytest.mark.usefixtures("is_public")
def test_anonymous_visitor_finds_no_ticket(client, ticket):
    for kind in ("all", "tickets"):
        page = client.get("/search/", {"q": "printer", "kind": kind}).content.decode()
        assert ticket.subject not in page


@pytest.mark.usefixtures("is_public")
def test_anonymous_visitor_cannot_write_articles(client, published):
    for name, arguments in (("write-article", []), ("edit-article", [published.pk])):
        assert client.get(reverse(name, args=arguments)).url.startswith(reverse("account_login"))


@pytest.mark.usefixtures("is_public")
def test_inactive_user_reads_what_anonymous_visitors_read(client, alice, published, draft):
    client.force_login(alice)
    type(alice).objects.update(is_active=False)
    assert client.get(reverse("article", args=[published.pk])).status_code == 200
    assert client.get(reverse("article", args=[draft.pk])).status_code == 404
