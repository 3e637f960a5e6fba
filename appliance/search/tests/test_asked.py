import pytest

from appliance.search.query_parser import MOST_CHARACTERS, read


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("SKR-1042", (1042,)),
        ("skr-1042", (1042,)),
        ("#1042", (1042,)),
        ("1042", (1042,)),
        ("see SKR-7 and #8", (7, 8)),
        ("error 1042", ()),
        ("room #12b", ()),
        ("#" + "9" * 40, ()),
    ],
)
def test_ticket_numbers(text, numbers):
    assert read(text).ticket_ids == numbers


@pytest.mark.parametrize(
    "text, exact",
    [
        ("kestrel 0x8004de80 again", ("0x8004de80",)),
        ("Request timed out (C-408)", ("C-408",)),
        ("10.1.40.7 does not answer", ("10.1.40.7",)),
        ('"sailing locked" on board', ("sailing locked",)),
        ("my printer is broken", ()),
        ("ward 3", ()),
    ],
)
def test_what_is_found_as_it_stands(text, exact):
    assert read(text).exact == exact


def test_any_text_becomes_short_and_clean():
    asked = read("a\0b\n\tc \ud800" + "x" * 10_000)
    assert asked.text.startswith("a b c")
    assert len(asked.text) == MOST_CHARACTERS


def test_some_words_are_not_enough_for_a_phrase_or_a_without():
    assert read("blank pages").allows_some
    assert read("wi-fi").allows_some
    assert not read('"blank pages"').allows_some
    assert not read("pages -blank").allows_some
