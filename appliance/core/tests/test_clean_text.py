import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clean_text import clean_address, clean_line, clean_text

INVISIBLE = [
    "\u200b",
    "\u200e",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\u00ad",
    "\u2060",
    "\ufe0f",
    "\u034f",
    "\u3164",
    "\u2800",
    "\U000e0041",
    "\U000e0100",
    "\0",
    "\x07",
    "\ud800",
]


@pytest.mark.parametrize("character", INVISIBLE)
def test_a_line_and_an_address_lose_what_cannot_be_seen(character):
    typed = f"{character}Bo{character}b{character}"
    assert clean_line(typed) == "Bob"
    assert clean_address(typed) == "Bob"


def test_a_line_of_invisible_characters_is_empty():
    assert clean_line("".join(INVISIBLE)) == ""
    assert clean_line("\u200d\u200c") == ""


def test_persian_and_emoji_keep_their_joiners():
    persian, family, heart = "می\u200cخواهم", "👨\u200d👩\u200d👧", "❤\ufe0f"
    assert clean_line(persian) == persian
    assert clean_line(f"A {family} {heart}") == f"A {family} {heart}"
    assert clean_line("Bo\u200db") == "Bob", "Latin letters need no joiner"
    assert clean_text(f"{persian} {family} \u200b") == f"{persian} {family} \u200b"


def test_an_address_is_written_in_compatible_characters():
    assert clean_address("ｂｏｂ＠ｅｘａｍｐｌｅ．ｏｒｇ") == "bob@example.org"


def test_a_line_is_composed_and_its_blanks_are_spaces():
    assert clean_line("Zoe\u0308\u00a0Test\tA") == "Zo\u00eb Test A"
    assert clean_line("Zoe\u200b\u0308") == "Zo\u00eb"
    assert clean_line("a  b") == "a  b", "what was typed twice stays"


def test_a_text_keeps_tabs_and_lines():
    assert clean_text("a\tb\r\nc\rd\x0ce\0\x1b[0m") == "a\tb\nc\nd\ne[0m"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text):
    for clean in (clean_text, clean_line, clean_address):
        assert clean(clean(text)) == clean(text)
