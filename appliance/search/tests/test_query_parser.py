import pytest

from appliance.search.query_parser import MAX_CHARACTERS, parse_query


@pytest.mark.parametrize(
    ("text", "numbers"),
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
def test_ticket_numbers_are_recognised(text, numbers):
    assert parse_query(text).ticket_ids == numbers


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("kestrel 0x8004de80 again", ("0x8004de80",)),
        ("Request timed out (C-408)", ("C-408",)),
        ("10.1.40.7 does not answer", ("10.1.40.7",)),
        ('"sailing locked" on board', ("sailing locked",)),
        ("my printer is broken", ()),
        ("ward 3", ()),
    ],
)
def test_identifiers_and_phrases_are_exact_terms(text, exact):
    assert parse_query(text).exact_terms == exact


def test_text_is_cut_and_control_characters_are_removed():
    query = parse_query("a\0b\n\tc \ud800" + "x" * 10_000)
    assert query.text.startswith("a b c")
    assert len(query.text) == MAX_CHARACTERS


def test_phrases_and_exclusions_allow_no_partial_matches():
    assert parse_query("blank pages").allows_partial_matches
    assert parse_query("wi-fi").allows_partial_matches
    assert not parse_query('"blank pages"').allows_partial_matches
    assert not parse_query("pages -blank").allows_partial_matches
