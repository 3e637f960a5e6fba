"""Articles are split into passages, and suggested only to viewers who may read them."""

import pytest
from django.core.cache import cache as stored

from appliance.core import cache
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.triage import queries, services, suggestions
from appliance.triage.models import Passage
from appliance.triage.vector_search import find_floor

pytestmark = pytest.mark.usefixtures("bundles")
PAPER = "Blank pages: the toner is sealed. Take the cartridge out and pull the orange strip."


@pytest.fixture
def article(bob) -> Article:
    article = knowledge_services.write_article(
        by=bob, title="Printer prints blank pages", content=PAPER, status="published"
    )
    services.refresh_article(article.pk)
    return article


@pytest.fixture
def draft(bob) -> Article:
    article = knowledge_services.write_article(
        by=bob, title="Printer: blank pages, new way", content=PAPER
    )
    services.refresh_article(article.pk)
    return article


def edit(article: Article, by, content: str) -> None:
    knowledge_services.edit_article(
        article=article,
        by=by,
        title=article.title,
        content=content,
        category=None,
        status="published",
        seen_at=article.updated_at,
    )


def test_article_is_indexed_once(article):
    assert article.passages.get().text == PAPER
    assert not services.refresh_article(article.pk)
    assert services.catch_up() == 0


def test_edited_article_has_only_its_new_passages(article, bob):
    edit(article, bob, "Call the workshop on 4417.")
    assert services.catch_up() == 1
    assert [passage.text for passage in Passage.objects.all()] == ["Call the workshop on 4417."]


def test_outdated_passages_are_deleted_even_without_an_encoder(article, bob, settings, tmp_path):
    edit(article, bob, "Call the workshop on 4417.")
    settings.MODELS = tmp_path
    services.refresh_article(article.pk)
    assert not Passage.objects.exists()


def test_right_article_is_suggested_with_its_passage(article, bob, alice, ticket):
    words = "A scanner that prints nothing has no paper tray: it only reads pages."
    other = knowledge_services.write_article(
        by=bob, title="Scanner", content=words, status="published"
    )
    services.refresh_article(other.pk)
    services.annotate(ticket.pk)
    best, second = suggestions.list_suggestions(alice, ticket)
    assert (best.article, best.passage) == (article, PAPER)
    assert 0 <= second.score < best.score <= 1


def test_unrelated_article_is_not_suggested(article, bob, alice, ticket):
    other = knowledge_services.write_article(
        by=bob, title="Holidays", content="Ask your manager for leave.", status="published"
    )
    services.refresh_article(other.pk)
    services.annotate(ticket.pk)
    [best] = suggestions.list_suggestions(alice, ticket)
    assert best.article == article
    assert best.closeness >= find_floor("article")


def test_draft_is_suggested_only_to_agents(draft, bob, alice, ticket):
    services.annotate(ticket.pk)
    assert suggestions.list_suggestions(alice, ticket) == []
    assert suggestions.suggest_for_text(alice, "Printer blank pages", "") == []
    assert [hit.article for hit in suggestions.list_suggestions(bob, ticket)] == [draft]


def test_unpublished_article_is_suggested_no_more(article, bob, alice, ticket):
    services.annotate(ticket.pk)
    assert suggestions.list_suggestions(alice, ticket)
    Article.objects.update(status="draft")  # behind the back of the cache
    assert suggestions.list_suggestions(alice, ticket) == []


def test_archived_article_is_not_suggested(article, bob, ticket):
    services.annotate(ticket.pk)
    knowledge_services.archive_article(article=article, by=bob)
    assert suggestions.list_suggestions(bob, ticket) == []
    services.refresh_article(article.pk)
    assert not article.passages.exists()
    assert services.catch_up() == 0


def test_without_models_words_find_the_article(article, alice, ticket, settings, tmp_path):
    settings.MODELS = tmp_path
    for hits in (
        suggestions.list_suggestions(alice, ticket),
        suggestions.suggest_for_text(alice, ticket.subject, ticket.description),
    ):
        assert [(hit.article, hit.closeness) for hit in hits] == [(article, None)]
        assert "printer" in hits[0].words


def test_a_few_letters_suggest_nothing(article, alice):
    assert suggestions.suggest_for_text(alice, "Printer", "") == []
    assert suggestions.suggest_for_text(alice, "Printer blank", "")


@pytest.mark.parametrize(
    "text", ["\0" * 20, "\ud800word " * 9, "'" * 20, "&|!:*() or 'a", "🖨️" * 20, "x" * 10_000]
)
def test_any_text_is_accepted(article, alice, text):
    assert isinstance(suggestions.suggest_for_text(alice, text, text), list)


def test_second_query_is_answered_by_the_cache(article, alice, ticket):
    first = suggestions.suggest_for_text(alice, ticket.subject, ticket.description)
    assert suggestions.suggest_for_text(alice, ticket.subject, ticket.description) == first
    counts = cache.hit_counts()
    assert counts["suggestions"] == {"hits": 1, "misses": 1}
    assert counts["query_vector"] == {"hits": 1, "misses": 1}


def test_flushed_cache_changes_no_suggestion(article, alice, ticket):
    first = suggestions.suggest_for_text(alice, ticket.subject, ticket.description)
    stored.clear()
    assert suggestions.suggest_for_text(alice, ticket.subject, ticket.description) == first


def test_new_article_is_suggested_despite_the_cache(
    article, bob, alice, ticket, django_capture_on_commit_callbacks
):
    assert len(suggestions.suggest_for_text(alice, ticket.subject, "")) == 1
    with django_capture_on_commit_callbacks(execute=True):
        new = knowledge_services.write_article(
            by=bob, title="Toner", content=PAPER, status="published"
        )
        services.refresh_article(new.pk)
    assert len(suggestions.suggest_for_text(alice, ticket.subject, "")) == 2


def test_nothing_is_similar_in_a_language_that_was_not_measured(ticket, alice, bob):
    text = {"subject": "Принтер не работает", "description": "Печатает пустые страницы."}
    unknown = tickets_services.create_ticket(customer=alice.customer, by=alice, **text)
    services.catch_up()
    assert queries.find_vector(bob, unknown) is not None
    assert queries.list_similar_tickets(bob, unknown) == []


def test_similar_tickets_are_those_the_viewer_may_see(ticket, alice, bob, carol):
    words = {"subject": "Blank pages from the printer", "description": "Ward 3, all day."}
    hers = tickets_services.create_ticket(customer=carol.customer, by=carol, **words)
    again = tickets_services.create_ticket(customer=alice.customer, by=alice, **words)
    services.catch_up()
    assert [near.ticket for near in queries.list_similar_tickets(carol, hers)] == []
    assert [near.ticket for near in queries.list_similar_tickets(alice, ticket)] == [again]
    assert {near.ticket for near in queries.list_similar_tickets(bob, ticket)} == {again, hers}
    assert queries.list_similar_tickets(carol, ticket) == []
