import pytest

from appliance.knowledge import services as knowledge_services
from appliance.search.models import VocabularyProgress, VocabularyWord
from appliance.search.query_parser import parse_query
from appliance.search.retrievers import correct_spelling, edit_distance
from appliance.search.services import update_vocabulary
from appliance.tickets import services as tickets_services


@pytest.mark.parametrize(
    ("first", "second", "edits"),
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
def test_edit_distance(first, second, edits):
    assert edit_distance(first, second) == edit_distance(second, first) == edits


@pytest.fixture
def vocabulary(db) -> None:
    for text, count in (("printer", 9), ("pointer", 1), ("toner", 4), ("gannet", 2)):
        VocabularyWord.objects.create(text=text, text_count=count)


@pytest.mark.parametrize(
    ("text", "correction"),
    [
        ("pritner", "printer"),
        ("Prnter and tonner", "printer and toner"),
        ("printer", ""),
        ("ponter", "pointer"),
        ("piinter", "printer"),  # more frequent than "pointer", at the same distance
        ("tone", "toner"),
        ("gonna", ""),
        ("zzzzzz", ""),
        ("0x8004de80", ""),
        ("", ""),
    ],
)
def test_correct_spelling(vocabulary, text, correction):
    assert correct_spelling(parse_query(text)) == correction


def test_words_are_counted_once(ticket, alice):
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


def test_words_of_an_edited_article_are_counted(bob):
    article = knowledge_services.write_article(by=bob, title="Gannet", content="It dives.")
    update_vocabulary(seconds=60)
    knowledge_services.edit_article(
        article=article, by=bob, title="Gannet", content="It plunges.", seen_at=article.updated_at
    )
    update_vocabulary(seconds=60)
    assert VocabularyWord.objects.filter(text="plunges").exists()
