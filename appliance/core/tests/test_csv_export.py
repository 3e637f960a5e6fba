import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.csv_export import csv_line, escape_formula

SKIPPED = [
    "",
    " ",
    "\u00a0",
    "\ufeff",
    "\x0b",
    "\x0c",
    "\u200b",
    "\u2003",
    "\u3000",
    "\u2060",
    "\u00ad",
]
SKIPPED += ["\u202e", "\0", "\x07", "\u3164", "\ufe0f", "\U000e0041", " \u00a0\ufeff\x0b"]


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫"]
)
@pytest.mark.parametrize("before", SKIPPED)
def test_formula_behind_what_cannot_be_seen_is_escaped(before, sign):
    assert escape_formula(f"{before}{sign}1+1").startswith("'")


@pytest.mark.parametrize("text", ["\tx", "\r=1", "\nx"])
def test_separator_of_cells_is_escaped(text):
    assert escape_formula(text).startswith("'")


@pytest.mark.parametrize("text", ["Ward 3", "a=b", "3-4", "bob@x.org", "", "\u00a0Ward", "'=1"])
def test_other_texts_stay(text):
    assert escape_formula(text) == text


@given(st.lists(st.text(), min_size=1))
def test_line_is_read_back_without_formulas(cells):
    rows = list(csv.reader([csv_line(cells)], strict=True)) if "".join(cells) else [[]]
    for cell in rows[0]:
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
