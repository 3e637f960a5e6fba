import pytest

from appliance.knowledge import services as knowledge_services
from appliance.search.models import VocabularyProgress, VocabularyWord
from appliance.search.query_parser import parse_query
from appliance.search.services import update_vocabulary
from appliance.search.spelling import correct_spelling, edit_distance
from appliance.tickets import services as tickets_services


@pytest.mark.parametrize(
    "one, other, slips",
    [
        ("printer", "printer", 0),
        ("pritner", "printer", 1),
        ("prnter", "printer", 1),
        ("printerr", "printer", 1),
        ("pronter", "printer", 1),
        ("pirnetr", "printer", 2),
        ("", "abc", 3),
    ],
)
def test_slips_between_two_words(one, other, slips):
    assert edit_distance(one, other) == edit_distance(other, one) == slips


@pytest.fixture
def words(db) -> None:
    for text, seen in (("printer", 9), ("pointer", 1), ("toner", 4), ("gannet", 2)):
        VocabularyWord.objects.create(text=text, text_count=seen)


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("pritner", "printer"),
        ("Prnter and tonner", "printer and toner"),
        ("printer", ""),
        ("ponter", "pointer"),
        ("piinter", "printer"),  # seen more often than what is as near
        ("tone", "toner"),
        ("gonna", ""),
        ("zzzzzz", ""),
        ("0x8004de80", ""),
        ("", ""),
    ],
)
def test_what_was_meant(words, typed, meant):
    assert correct_spelling(parse_query(typed)) == meant


def test_words_are_learned_once(ticket, alice):
    assert update_vocabulary(seconds=60) is False
    assert VocabularyWord.objects.get(text="toner").text_count == 1
    assert not VocabularyWord.objects.filter(text__in=["3", "on", "is"]).exists()
    update_vocabulary(seconds=60)
    assert VocabularyWord.objects.get(text="toner").text_count == 1
    tickets_services.create_ticket(
        customer=alice.customer, subject="Toner", description="Toner, toner!", by=alice
    )
    update_vocabulary(seconds=60)
    assert VocabularyWord.objects.get(text="toner").text_count == 2
    assert VocabularyProgress.objects.get(table_name="tickets").last_id > ticket.pk


def test_words_of_an_edited_article_are_learned(bob):
    made = knowledge_services.write_article(by=bob, title="Gannet", content="It dives.")
    update_vocabulary(seconds=60)
    knowledge_services.edit_article(
        article=made, by=bob, title="Gannet", content="It plunges.", seen_at=made.updated_at
    )
    update_vocabulary(seconds=60)
    assert VocabularyWord.objects.filter(text="plunges").exists()
