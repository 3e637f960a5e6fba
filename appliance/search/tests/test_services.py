"""Reindexing after a change of language, and the check of the index."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from appliance.core.models import SiteSettings
from appliance.search import fulltext, services
from appliance.search.models import IndexCheck, Reindex
from appliance.search.queries import search
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket

HOUSE_QUERY = "Haus -zebra"  # an exclusion at the end, so that no word is a prefix


@pytest.fixture
def set_language(db):
    def set_language(language: str) -> None:
        SiteSettings.objects.update_or_create(pk=1, defaults={"language": language})

    return set_language


@pytest.fixture
def german_ticket(alice) -> Ticket:
    """Return a ticket whose words only German stems: "häuser" is the plural of "haus"."""
    return tickets_services.create_ticket(
        customer=alice.customer, subject="Schlüssel der Häuser", description="Fehlen.", by=alice
    )


@pytest.fixture
def stale_ticket(german_ticket) -> Ticket:
    """Return a ticket whose search vector the stemmer no longer matches."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_replace_stemmer('english', 'german')")
    return german_ticket


def ids_matched_by_words(viewer, text: str) -> list[int]:
    return [hit.id for hit in search(viewer, text).hits if "words" in hit.matched_by]


def test_reindex_stems_in_the_site_language(german_ticket, bob, set_language):
    assert ids_matched_by_words(bob, HOUSE_QUERY) == []
    set_language("de")
    services.start_reindex()
    assert services.continue_reindex(seconds=60) is False
    assert ids_matched_by_words(bob, HOUSE_QUERY) == [german_ticket.pk]
    assert ids_matched_by_words(bob, "schlussel hauser -zebra") == [german_ticket.pk]


def test_both_languages_match_during_a_reindex(
    ticket, german_ticket, bob, set_language, monkeypatch
):
    monkeypatch.setattr(services, "BATCH_ROWS", 1)
    set_language("de")
    services.start_reindex()
    plural_query = "printers -zebra"  # German does not stem it
    assert ids_matched_by_words(bob, plural_query) == [ticket.pk]
    for rows_done in (1, 2):
        services.reindex_batch()
        assert fulltext.find_running_reindex().rows_done == rows_done
        assert ids_matched_by_words(bob, plural_query) == [ticket.pk]
        assert ids_matched_by_words(bob, HOUSE_QUERY) == [german_ticket.pk][: rows_done - 1]
    services.continue_reindex(seconds=60)
    assert ids_matched_by_words(bob, HOUSE_QUERY) == [german_ticket.pk]
    assert fulltext.active_configs()[0].name == "skerry"


def test_unchanged_language_starts_no_reindex(ticket, set_language):
    set_language("en")
    assert services.start_reindex() is None
    assert not Reindex.objects.exists()


def test_switching_back_during_a_reindex_starts_another(ticket, bob, set_language):
    for language in ("de", "en"):
        set_language(language)
        services.start_reindex()
    services.continue_reindex(seconds=60)
    assert fulltext.current_language() == "english"
    assert ids_matched_by_words(bob, "printing -zebra") == [ticket.pk]
    assert not Reindex.objects.filter(finished_at=None).exists()


def test_complete_index_has_nothing_missing(ticket, bob):
    tickets_services.reply(ticket=ticket, by=bob, body="Done")
    check = services.check_index()
    words = {name: check.checked[name] for name in ("tickets", "messages", "articles")}
    assert words == {"tickets": 1, "messages": 1, "articles": 0}
    assert [check.missing[name] for name in words] == [0, 0, 0]
    assert check.duration_seconds is not None


def test_check_repairs_stale_rows(stale_ticket, bob):
    assert ids_matched_by_words(bob, HOUSE_QUERY) == []
    report = services.check_index(repair=False)
    assert (report.missing["tickets"], report.repaired_count) == (1, 0)
    assert not report.is_complete
    repair = services.check_index()
    assert repair.repaired["tickets"] == 1
    assert ids_matched_by_words(bob, HOUSE_QUERY) == [stale_ticket.pk]
    assert services.check_index().missing["tickets"] == 0


def test_texts_without_embeddings_are_missing(ticket, bundles):
    check = services.check_index()
    assert (check.missing["ticket_vectors"], check.is_complete) == (1, False)


def test_no_embedding_is_missing_without_an_encoder(ticket, settings, tmp_path):
    settings.MODELS = tmp_path
    assert services.check_index().is_complete


def test_command_reports_and_repairs_missing_rows(stale_ticket, settings, tmp_path, capsys):
    settings.MODELS = tmp_path
    with pytest.raises(CommandError, match="without --no-repair"):
        call_command("check_search", no_repair=True)
    call_command("check_search")
    assert "1 missing, 1 repaired" in capsys.readouterr().out
    assert IndexCheck.objects.count() == 2
