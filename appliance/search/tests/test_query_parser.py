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
        ("-43", ()),
        ("#１０４２", (1042,)),
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
        ("error -1073741819", ("-1073741819",)),
        ("-43", ("-43",)),
        ("code (-43)", ("-43",)),
        ("-0x7b", ("-0x7b",)),
        ("-printer", ()),
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
    assert parse_query("error -43").allows_partial_matches


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("error -43", ("error", "43")),
        ("error -printer", ("error",)),
        ('pages -"two words" blank', ("pages", "blank")),
        ("Größe", ("größe",)),
        ("Gro\u0308ße", ("größe",)),
        ("４３", ("43",)),
        ("打印机，坏了", ("打印机", "坏了")),
        ("हिन्दी में", ("हिन्दी", "में")),
        ("🖨️", ()),
    ],
)
def test_words_are_composed_and_whole(text, words):
    assert parse_query(text).words == words


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("打印机", ("打 印", "印 机")),
        ("印", ("印",)),
        ("エラー503", ("503", "エ ラ", "ラ ー")),
        ("printer", ("printer",)),
    ],
)
def test_unspaced_words_stand_for_pairs_of_characters(text, parts):
    assert parse_query(text).word_parts == parts


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("srv-db02 x", '"srv db02" x'),
        ("error -43", "error  43"),
        ("-printer", "-printer"),
        ("打印机 x", '" 打  印  机 " x'),
        ("-打印机", '-" 打  印  机 "'),
        ("<angle>", " angle "),
    ],
)
def test_identifiers_and_unspaced_words_are_phrases(text, searched):
    assert parse_query(text).text_with_split_identifiers == searched
