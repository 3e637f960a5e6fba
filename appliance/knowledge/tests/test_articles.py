import pytest
from django.http import Http404

from appliance.accounts import services as accounts_services
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.knowledge import queries, services
from appliance.knowledge.models import Article


@pytest.fixture
def article(bob):
    return services.write_article(
        by=bob, title="Blank pages", content="Shake the toner.", status=Article.Status.PUBLISHED
    )


def edit(article, by, **changes):
    values = {
        "title": article.title,
        "content": article.content,
        "category": None,
        "status": article.status,
        "seen_at": article.updated_at,
    } | changes
    services.edit_article(article=article, by=by, **values)


def test_customer_reads_only_published_articles(article, alice, bob):
    draft = services.write_article(by=bob, title="Secret", content="…")
    assert list(queries.list_articles(alice)) == [article]
    assert queries.access_article(bob, draft.pk) == draft
    with pytest.raises(Http404):
        queries.access_article(alice, draft.pk)


def test_customer_cannot_write_or_edit(article, alice):
    with pytest.raises(ForbiddenError):
        services.write_article(by=alice, title="My tickets", content="…")
    with pytest.raises(ForbiddenError):
        edit(article, alice, content="…")


def test_edit_replaces_the_text(article, bob):
    edit(article, bob, content="Change the drum.")
    article.refresh_from_db()
    assert article.content == "Change the drum."


def test_conflicting_edit_is_refused(article, bob, dan):
    edit(article, dan, content="Dan's text")
    with pytest.raises(BadInputError, match="Another user"):
        edit(article, bob, content="Bob's text")
    article.refresh_from_db()
    assert article.content == "Dan's text"


def test_agent_without_permission_reads_but_cannot_write(
    client, bob, dan, django_capture_on_commit_callbacks
):
    article = services.write_article(by=bob, title="Out", content="…", status="published")
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.update_site_settings(by=dan, agent_rights=[])
    client.force_login(bob)
    page = client.get(f"/articles/{article.pk}/").content.decode()
    assert "Out" in page and f"/articles/{article.pk}/edit/" not in page
    for path in ("/articles/new/", f"/articles/{article.pk}/edit/"):
        assert client.get(path).status_code == 403
    with pytest.raises(ForbiddenError):
        services.write_article(by=bob, title="New", content="…")
