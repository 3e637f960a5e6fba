"""Workflow, versions, readers and linked tickets of an article."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import ProgrammingError, transaction

from appliance.accounts import services as accounts_services
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry
from appliance.knowledge import services
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets import services as tickets_services

Audience, Status = Article.Audience, Article.Status


@pytest.fixture
def article(bob) -> Article:
    return services.write_article(by=bob, title="Blank pages", content="Shake the toner.")


def edit(article: Article, by, **changes) -> bool:
    article.refresh_from_db()
    values = {"title": article.title, "content": article.content} | changes
    return services.edit_article(article=article, by=by, seen_at=article.updated_at, **values)


def test_draft_is_submitted_published_archived_and_reopened(article, bob):
    for change_status, status in [
        (services.submit_for_review, Status.REVIEW),
        (services.publish_article, Status.PUBLISHED),
        (services.archive_article, Status.ARCHIVED),
        (services.reopen_article, Status.DRAFT),
    ]:
        change_status(article=article, by=bob)
        article.refresh_from_db()
        assert article.status == status


def test_repeated_publishing_is_recorded_once(article, bob):
    services.publish_article(article=article, by=bob)
    services.publish_article(article=article, by=bob)
    entry = AuditEntry.objects.get(kind="article")
    assert (entry.subject_id, entry.data) == (str(article.pk), {"status": ["draft", "published"]})


def test_archived_article_cannot_be_published(article, bob):
    services.archive_article(article=article, by=bob)
    with pytest.raises(BadInputError, match="Archived"):
        services.publish_article(article=article, by=bob)


def test_customers_and_agents_without_permission_cannot_publish(
    article, alice, bob, dan, django_capture_on_commit_callbacks
):
    with pytest.raises(ForbiddenError):
        services.publish_article(article=article, by=alice)
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.update_site_settings(by=dan, agent_rights=[])
    with pytest.raises(ForbiddenError):
        services.publish_article(article=article, by=bob)


@pytest.mark.parametrize("is_public", [True, False])
@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("status", Status)
def test_status_and_audience_decide_who_reads_an_article(
    status, audience, is_public, alice, bob, dan, article
):
    accounts_services.update_site_settings(by=dan, is_knowledge_public=is_public)
    edit(article, bob, status=status, audience=audience)
    is_published = status == Status.PUBLISHED

    def can_read(viewer) -> bool:
        return Article.objects.visible_to(viewer).filter(pk=article.pk).exists()

    assert can_read(bob) and can_read(dan)
    assert can_read(alice) == (is_published and audience != Audience.INTERNAL)
    assert can_read(AnonymousUser()) == (is_published and audience == Audience.PUBLIC and is_public)


def test_inactive_user_reads_no_article(article, bob):
    bob.is_active = False
    assert not Article.objects.visible_to(bob).exists()


def test_every_text_is_kept_as_a_version(article, bob, dan):
    edit(article, dan, content="Change the drum.", note="Toner was not it")
    edit(article, dan, audience=Audience.INTERNAL)
    newest, first = article.versions.all()
    assert (first.number, first.content, first.by) == (1, "Shake the toner.", bob)
    assert (newest.number, newest.content, newest.by) == (2, "Change the drum.", dan)
    assert newest.note == "Toner was not it"


def test_unchanged_text_creates_no_version(article, bob):
    assert not edit(article, bob)
    assert article.versions.count() == 1


def test_restoring_creates_a_version_with_the_old_text(article, bob, dan):
    edit(article, dan, content="Change the drum.")
    assert services.restore_version(article=article, number=1, by=bob)
    article.refresh_from_db()
    assert (article.content, article.version) == ("Shake the toner.", 3)
    assert not services.restore_version(article=article, number=1, by=bob)
    with pytest.raises(BadInputError):
        services.restore_version(article=article, number=99, by=bob)


def test_versions_cannot_be_changed(article):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        article.versions.update(content="It was always the drum.")


def test_only_agents_can_own_an_article(article, alice, bob, dan):
    assert article.owner == bob
    edit(article, bob, owner=dan)
    with pytest.raises(BadInputError, match="is not an agent"):
        edit(article, bob, owner=alice)


def test_reply_with_the_address_of_an_article_links_it_once(article, bob, alice, ticket):
    body = f"See [it](/articles/{article.pk}/) and [that](/articles/99999/)."
    services.link_ticket(article=article, ticket=ticket, by=bob)
    tickets_services.reply(ticket=ticket, by=bob, body=body)
    tickets_services.reply(ticket=ticket, by=bob, body=body)
    link = ArticleLink.objects.get()
    assert (link.article, link.ticket, link.how, link.by) == (article, ticket, "sent", bob)


def test_addresses_in_notes_and_customer_replies_create_no_link(article, alice, bob, ticket):
    body = f"I read /articles/{article.pk}/ already."
    tickets_services.reply(ticket=ticket, by=alice, body=body)
    tickets_services.add_note(ticket=ticket, by=bob, body=body)
    assert not ArticleLink.objects.exists()


def test_only_agents_link_and_unlink_articles(article, alice, bob, ticket):
    with pytest.raises(ForbiddenError):
        services.link_ticket(article=article, ticket=ticket, by=alice)
    services.link_ticket(article=article, ticket=ticket, by=bob)
    assert services.unlink_ticket(article=article, ticket=ticket, by=bob)
    assert not services.unlink_ticket(article=article, ticket=ticket, by=bob)
