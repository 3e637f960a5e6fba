"""A ticket is found by each of its own words and codes, whatever the script."""

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.search import queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket

LETTERS = "abcXYZ Büéß 0194３ 打印機プリンター 프린터 เครื่อง हिन्दी الطاب вΩ"
MARKS = "-_./\\:=@+<>&|!()[]{}'#%*,;?~$^`“”’，。、\u0301\u200b\u00ad\u3000🖨"
WORDS = st.text(alphabet=LETTERS.replace(" ", "") + MARKS, min_size=1, max_size=12)


def create_ticket(alice, text: str) -> Ticket:
    return tickets_services.create_ticket(
        customer=alice.customer, subject="Fault", description=text, by=alice
    )


@pytest.mark.parametrize(
    "text",
    [
        "error -1073741819 (-43) -0x7b 0x8004de80",
        "C:\\temp\\app.log \\\\srv-2\\x$ http://ward.example/a?b=c#d",
        "503 12:30 customer: <angle> &entity; +49-171-555 1e-5 3.14",
        "ﬁle Größe ４３ Gro\u0308ße №5",
        "打印机无法打印 プリンターが動かない エラー503が出る 𠀀𠀁",
        "เครื่องพิมพ์ไม่ทำงาน 프린터가 हिन्दी प्रिंटर مُدَرِّس Привет",
        "foo@bar.example 10.1.40.7 fe80::1 00:1A:2B:3C:4D:5E KB503441;KB7",
    ],
)
def test_ticket_is_found_by_each_of_its_words(alice, bob, text):
    ticket = create_ticket(alice, text)
    create_ticket(alice, "nothing")
    for word in text.split():
        assert [hit.id for hit in queries.suggest(bob, word)] == [ticket.pk], word
        assert [hit.id for hit in queries.search(bob, word).hits][:1] == [ticket.pk], word


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("打印机无法打印", "无法"),
        ("プリンターが動かない", "動か"),
        ("エラー503が出る", "503"),
        ("เครื่องพิมพ์ไม่ทำงาน", "พิมพ์"),
        ("프린터가 안됩니다", "프린"),
        ("設定：４３番", "43"),
        ("error (-43)", "error -43"),
        ("Größe", "gro\u0308ße"),
    ],
)
def test_words_without_blanks_around_them_are_found(alice, bob, text, part):
    ticket = create_ticket(alice, text)
    create_ticket(alice, text[::-1])
    assert [hit.id for hit in queries.suggest(bob, part)] == [ticket.pk]
    assert queries.search(bob, part).hits[0].id == ticket.pk


@pytest.mark.parametrize(
    "needle", ["INV-77812", "srv-db02.ward.example", "打印机", '"out of memory"', "-1073741819"]
)
@pytest.mark.parametrize("length", [60_000, 190_000, 700_000])
def test_codes_and_phrases_at_the_end_of_a_long_text_are_found(alice, bob, ticket, needle, length):
    filler = "The log goes on. " * (length // 17)
    reply = tickets_services.reply(ticket=ticket, by=alice, body=filler + needle.strip('"'))
    assert len(reply.body) > length - 20
    create_ticket(alice, filler)
    create_ticket(alice, "INV. And 77812, srv, ward; 打. 印 or 机, memory out")
    assert [hit.id for hit in queries.search(bob, needle).hits][:1] == [ticket.pk]
    assert [hit.id for hit in queries.suggest(bob, needle)][:1] == [ticket.pk]


def test_unspaced_word_is_marked(alice, bob):
    create_ticket(alice, "我的打印机坏了")
    assert "我的<mark>打印机</mark>坏了" in queries.search(bob, "打印机").hits[0].snippet


def test_excluded_word_of_an_unspaced_script_is_left_out(alice, bob):
    create_ticket(alice, "打印机坏了")
    ticket = create_ticket(alice, "打印纸")
    assert [hit.id for hit in queries.suggest(bob, "打印 -打印机")] == [ticket.pk]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(word=WORDS, before=WORDS, after=WORDS)
def test_any_word_finds_the_newest_ticket_that_has_it(alice, bob, word, before, after):
    ticket = create_ticket(alice, f"{before} {word} {after}")
    assert isinstance(queries.search(bob, word).hits, list)
    assert isinstance(queries.suggest(bob, word), list)
    if has_letters(word) and not word.startswith("-"):
        assert ticket.pk in queries.find_ticket_ids(bob, word)


def has_letters(word: str) -> bool:
    plain = unicodedata.normalize("NFKC", word).lower()
    return any(character.isalnum() for character in plain) and plain not in ("a", "ab")
