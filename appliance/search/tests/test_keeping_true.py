"""The index of words follows the desk's language, and a check finds and mends what is missing."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from appliance.core.models import SiteSettings
from appliance.search import services, tsqueries
from appliance.search.models import IndexCheck, Reindex
from appliance.search.queries import search
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket

HOUSE = "Haus -zebra"  # all the words, and the last of them typed to its end


@pytest.fixture
def speak(db):
    def speak(language: str) -> None:
        SiteSettings.objects.update_or_create(pk=1, defaults={"language": language})

    return speak


@pytest.fixture
def houses(alice) -> Ticket:
    """In English "häuser" is no plural of "haus"."""
    return tickets_services.create_ticket(
        customer=alice.customer, subject="Schlüssel der Häuser", description="Fehlen.", by=alice
    )


@pytest.fixture
def stale(houses) -> Ticket:
    """As a switch that nobody followed would leave it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TEXT SEARCH CONFIGURATION skerry"
            " ALTER MAPPING REPLACE english_stem WITH german_stem"
        )
    return houses


def by_words(viewer, text: str) -> list[int]:
    return [hit.id for hit in search(viewer, text).hits if "words" in hit.matched_by]


def test_words_are_stemmed_in_the_language_of_the_desk(houses, bob, speak):
    assert by_words(bob, HOUSE) == []
    speak("de")
    services.start_reindex()
    assert services.continue_reindex(seconds=60) is False
    assert by_words(bob, HOUSE) == [houses.pk]
    assert by_words(bob, "schlussel hauser -zebra") == [houses.pk]


def test_nothing_is_lost_while_words_are_written_anew(ticket, houses, bob, speak, monkeypatch):
    monkeypatch.setattr(services, "BATCH_ROWS", 1)
    speak("de")
    services.start_reindex()
    many = "printers -zebra"  # which German does not know as more than one printer
    assert by_words(bob, many) == [ticket.pk]
    for done in (1, 2):
        services.reindex_batch()
        assert tsqueries.find_running_reindex().rows_done == done
        assert by_words(bob, many) == [ticket.pk]
        assert by_words(bob, HOUSE) == [houses.pk][: done - 1]
    services.continue_reindex(seconds=60)
    assert by_words(bob, HOUSE) == [houses.pk]
    assert tsqueries.active_configs() == ("skerry",)


def test_a_language_that_did_not_change_costs_nothing(ticket, speak):
    speak("en")
    assert services.start_reindex() is None
    assert not Reindex.objects.exists()


def test_going_back_before_the_end_begins_anew(ticket, bob, speak):
    for language in ("de", "en"):
        speak(language)
        services.start_reindex()
    services.continue_reindex(seconds=60)
    assert tsqueries.current_language() == "english"
    assert by_words(bob, "printing -zebra") == [ticket.pk]
    assert not Reindex.objects.filter(finished_at=None).exists()


def test_a_whole_index_is_told_as_whole(ticket, bob):
    tickets_services.reply(ticket=ticket, by=bob, body="Done")
    check = services.check_index()
    words = {name: check.checked[name] for name in ("tickets", "messages", "articles")}
    assert words == {"tickets": 1, "messages": 1, "articles": 0}
    assert [check.missing[name] for name in words] == [0, 0, 0]
    assert check.duration_seconds is not None


def test_what_is_missing_is_found_and_mended(stale, bob):
    assert by_words(bob, HOUSE) == []
    looked = services.check_index(repair=False)
    assert (looked.missing["tickets"], looked.repaired_count) == (1, 0)
    assert not looked.is_complete
    mended = services.check_index()
    assert mended.repaired["tickets"] == 1
    assert by_words(bob, HOUSE) == [stale.pk]
    assert services.check_index().missing["tickets"] == 0


def test_texts_the_encoder_has_not_read_are_missing(ticket, bundles):
    check = services.check_index()
    assert (check.missing["ticket_vectors"], check.is_complete) == (1, False)


def test_without_an_encoder_no_vector_is_missed(ticket, settings, tmp_path):
    settings.MODELS = tmp_path
    assert services.check_index().is_complete


def test_the_command_says_what_is_missing(stale, settings, tmp_path, capsys):
    settings.MODELS = tmp_path
    with pytest.raises(CommandError, match="without --no-repair"):
        call_command("check_search", no_repair=True)
    call_command("check_search")
    assert "1 missing, 1 repaired" in capsys.readouterr().out
    assert IndexCheck.objects.count() == 2
