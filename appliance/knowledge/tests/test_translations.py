"""Translations of articles: one for each reader, marked when the original has changed."""

import io
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from appliance.core.errors import BadInputError
from appliance.core.models import SiteSettings
from appliance.core.reader_language import find_browser_language, reading_in
from appliance.knowledge import queries, services
from appliance.knowledge.models import Article
from appliance.search.queries import search
from appliance.triage import services as triage_services

PUBLISHED, PUBLIC = Article.Status.PUBLISHED, Article.Audience.PUBLIC


@pytest.fixture
def original(bob) -> Article:
    return services.write_article(
        by=bob,
        title="Reset the scanner",
        content="Hold the green button of the scanner.",
        language="en",
        status=PUBLISHED,
        audience=PUBLIC,
    )


@pytest.fixture
def german(original, bob) -> Article:
    return services.write_translation(
        original=original,
        by=bob,
        title="Scanner zurücksetzen",
        content="Die grüne Taste am Scanner gedrückt halten.",
        language="de",
        status=PUBLISHED,
    )


def titles_of(viewer, language: str) -> list[str]:
    with reading_in(language):
        return [article.title for article in queries.list_articles(viewer)]


def found_titles(viewer, text: str, language: str) -> list[str]:
    with reading_in(language):
        return [hit.title for hit in search(viewer, text, kind="articles").hits]


def test_translation_keeps_audience_and_category(original, german):
    assert (german.audience, german.original, german.original_version) == (PUBLIC, original, 1)


def test_list_shows_the_article_in_the_readers_language_once(original, german, alice):
    assert titles_of(alice, "de") == ["Scanner zurücksetzen"]
    assert titles_of(alice, "en") == ["Reset the scanner"]
    assert titles_of(alice, "fr") == ["Reset the scanner"]


def test_list_is_filtered_by_words_of_any_language(original, german, bob):
    with reading_in("de"):
        titles = [str(article) for article in queries.list_articles(bob, text="gruene Tasten")]
        assert titles == [german.title]
        assert not queries.list_articles(bob, text="zebra")


def test_reader_gets_a_published_article_rather_than_a_draft(original, german, alice, bob):
    services.reopen_article(article=german, by=bob)
    assert titles_of(bob, "de") == titles_of(alice, "de") == ["Reset the scanner"]


def test_help_centre_shows_the_article_in_the_readers_language(original, german, alice):
    for language, title in (("de", german.title), ("en", original.title)):
        with reading_in(language):
            [section] = queries.list_category_sections(alice)
        assert ([article.title for article in section.articles], section.count) == ([title], 1)


def test_search_returns_the_article_in_the_readers_language(original, german, alice):
    assert found_titles(alice, "green button", "de") == [german.title]
    assert found_titles(alice, "gruene Taste", "en") == [original.title]
    assert found_titles(alice, "Scanner", "de") == [german.title]


def test_guest_reads_in_the_language_of_the_browser(original, german, settings):
    SiteSettings.objects.update_or_create(pk=1, defaults={"is_knowledge_public": True})
    page = Client(headers={"accept-language": "de-AT,en;q=0.5"}).get(reverse("help"))
    assert german.title in page.content.decode()
    assert original.title not in page.content.decode()
    assert find_browser_language("tlh, fr-CH;q=0.8, en;q=0.4") == "fr"


def test_pages_link_the_other_languages(original, german, bob):
    client = Client()
    client.force_login(bob)
    page = client.get(reverse("article", args=[original.pk])).content.decode()
    assert "Deutsch" in page
    page = client.get(reverse("article", args=[german.pk])).content.decode()
    assert "English" in page


def test_translation_is_outdated_once_the_published_original_changes(original, german, bob):
    services.edit_article(
        article=original,
        by=bob,
        title=original.title,
        content="Hold the red button.",
        seen_at=Article.objects.get(pk=original.pk).updated_at,
    )
    german = queries.access_article(bob, german.pk)
    assert german.is_outdated
    services.edit_article(
        article=german,
        by=bob,
        title=german.title,
        content="Die rote Taste gedrückt halten.",
        original_version=2,
        seen_at=german.updated_at,
    )
    assert not queries.access_article(bob, german.pk).is_outdated


def test_each_language_has_one_translation(original, german, bob):
    with pytest.raises(BadInputError, match="in this language"):
        services.write_translation(
            original=german, by=bob, title="Noch eine", content="…", language="de"
        )
    with pytest.raises(BadInputError, match="in this language"):
        services.edit_article(
            article=german,
            by=bob,
            title=german.title,
            content=german.content,
            language="en",
            seen_at=german.updated_at,
        )


def test_editor_writes_a_translation(original, bob):
    client = Client()
    client.force_login(bob)
    path = reverse("translate-article", args=[original.pk])
    form = client.get(path, {"language": "fr"}).context["form"]
    assert form.initial["language"] == "fr"
    assert "en" not in dict(form.fields["language"].choices)
    client.post(
        path, {"title": "Réinitialiser", "content": "…", "language": "fr", "status": "published"}
    )
    french = Article.objects.get(language="fr")
    assert (french.original, french.status) == (original, PUBLISHED)


def test_vote_counts_for_all_translations(original, german, alice):
    services.vote(article=german, by=alice, is_helpful=True)
    services.vote(article=original, by=alice, is_helpful=False)
    counts = set(Article.objects.values_list("helpful", "unhelpful"))
    assert counts == {(0, 1)}


def test_export_and_import_keep_language_and_group(original, german, bob):
    source = io.BytesIO(b"".join(services.export_articles(by=bob)))
    Article.objects.update(language="", original=None, original_version=None)
    outcomes = [
        [
            line.outcome
            for line in services.import_articles(source=source, by=bob, name="a.zip").lines
        ]
        for _repetition in range(2)
    ]
    assert outcomes == [["updated", "updated"], ["unchanged", "unchanged"]]
    german.refresh_from_db()
    assert (german.language, german.original, german.original_version) == ("de", original, 1)


def test_import_without_the_original_says_so(bob):
    text = "---\ntitle: Allein\nlanguage: de\ntranslation_of: article-77\n---\n\nText\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.md", text)
    [line] = services.import_articles(source=buffer, by=bob, name="a.zip").lines
    assert line.outcome == "created"
    assert "article-77" in line.message
    assert Article.objects.get().original is None


def test_language_of_articles_is_recognised(bob):
    article = services.write_article(
        by=bob, title="Drucker druckt leer", content="Bitte den Toner schütteln und neu einsetzen."
    )
    assert triage_services.recognise_languages() == 1
    article.refresh_from_db()
    assert article.language == "de"
