from appliance.knowledge.diffs import MAX_LINES, DiffRow, compare_texts


def marked(pieces) -> str:
    return "".join(f"[{text}]" if differs else text for text, differs in pieces)


def test_equal_texts_have_no_differences():
    assert compare_texts("a\nb", "a\nb") == []


def test_lines_are_compared_word_by_word():
    (row,) = compare_texts("Shake the toner.", "Shake the old toner.")
    assert (marked(row.old), marked(row.new)) == ("Shake the toner.", "Shake the [old ]toner.")


def test_added_and_removed_lines_have_rows_of_their_own():
    kinds = [row.kind for row in compare_texts("a\nb\nc", "a\nc\nd")]
    assert kinds == ["same", "removed", "same", "added"]


def test_unchanged_lines_are_collapsed():
    text = "\n".join(str(n) for n in range(50))
    rows = compare_texts(text, text.replace("25", "x"))
    assert rows[0] == DiffRow("gap", gap=22) and rows[-1] == DiffRow("gap", gap=21)


def test_long_texts_are_not_compared_line_by_line():
    rows = compare_texts("a\n" * MAX_LINES, "b\n" * MAX_LINES)
    assert len(rows) == 2 * MAX_LINES
