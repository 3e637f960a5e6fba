from appliance.knowledge.diffs import MAX_LINES, Row, compare


def words(pieces) -> str:
    return "".join(f"[{text}]" if differs else text for text, differs in pieces)


def test_equal_texts_have_no_rows():
    assert compare("a\nb", "a\nb") == []


def test_a_line_is_compared_word_by_word():
    (row,) = compare("Shake the toner.", "Shake the old toner.")
    assert (words(row.old), words(row.new)) == ("Shake the toner.", "Shake the [old ]toner.")


def test_lines_that_came_and_went_stand_alone():
    kinds = [row.kind for row in compare("a\nb\nc", "a\nc\nd")]
    assert kinds == ["same", "removed", "same", "added"]


def test_what_did_not_change_is_folded():
    text = "\n".join(str(n) for n in range(50))
    rows = compare(text, text.replace("25", "x"))
    assert rows[0] == Row("gap", gap=22) and rows[-1] == Row("gap", gap=21)


def test_long_texts_are_told_apart_without_comparing_every_line():
    rows = compare("a\n" * MAX_LINES, "b\n" * MAX_LINES)
    assert len(rows) == 2 * MAX_LINES
