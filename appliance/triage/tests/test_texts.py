from appliance.triage.texts import MAX_PASSAGES, MAX_WORDS, plain_text, search_words, split_passages

SENTENCE = "Take the cartridge out and pull the orange strip. "  # 9 words


def test_a_short_article_is_one_passage():
    assert split_passages("# Toner\n\nPull the **strip**.") == ["Toner\nPull the strip."]


def test_a_heading_starts_a_passage_once_the_one_before_is_long_enough():
    content = f"## Toner\n\n{SENTENCE * 10}\n\n## Paper\n\n{SENTENCE * 10}"
    assert [passage.splitlines()[0] for passage in split_passages(content)] == ["Toner", "Paper"]


def test_small_sections_share_a_passage():
    assert len(split_passages("\n\n".join(f"## Part {n}\n\n{SENTENCE}" for n in range(5)))) == 1


def test_no_passage_is_longer_than_it_may_be():
    for content in (SENTENCE * 100, "word " * 1000, "- item\n" * 500):
        assert max(len(passage.split()) for passage in split_passages(content)) <= MAX_WORDS * 1.2


def test_no_text_is_lost():
    content = (
        f"{SENTENCE * 30}\n\n- one\n- two\n\n```\ncode 0x80\n```\n\n| a | b |\n|---|---|\n| c | d |"
    )
    assert " ".join(split_passages(content)).split() == plain_text(content).split()


def test_an_empty_article_has_one_empty_passage():
    assert split_passages("") == [""]
    assert split_passages("\n\n***\n") == [""]


def test_passages_are_limited():
    assert len(split_passages(SENTENCE * 30_000)) == MAX_PASSAGES


def test_marks_are_removed():
    assert plain_text("See [the *list*](http://x/y) and `C-408`") == "See the list and C-408"


def test_a_row_of_a_table_is_one_line():
    table = "| Light | Do this |\n|---|---|\n| red | call us |\n| green | |"
    assert plain_text(table) == "Light: Do this\nred: call us\ngreen"


def test_words_that_say_nothing_are_not_searched():
    words = search_words("Nothing leaves the outbox, could you help me? Es geht nicht mehr")
    assert words == ["outbox"]
