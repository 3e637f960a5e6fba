import string
import time

import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.core.clean_text import clean_line
from appliance.core.markdown import (
    MAX_MESSAGE_CHARACTERS,
    as_text,
    escape,
    render,
    render_with_images,
)

TYPED = st.text(alphabet=st.sampled_from(string.punctuation + "\n\t  ab19éש😀")) | st.text()


def read(html: str) -> str:
    """Return what a person reads of a page."""
    return BeautifulSoup(f"<div>{html}</div>", "html.parser").get_text()


def test_markdown_becomes_html():
    assert render("## Steps\n\n1. **Off**\n2. `on`") == (
        '<h2 dir="auto">Steps</h2>\n<ol dir="auto">\n<li dir="auto"><strong>Off</strong></li>\n'
        '<li dir="auto"><code>on</code></li>\n</ol>\n'
    )


def test_ordered_list_keeps_its_start():
    assert '<ol start="4" ' in render("4. fourth\n5. fifth")
    assert '<ol start="4" ' in render_with_images("4. fourth", {})


@pytest.mark.parametrize("line", ["--", "-- ", "---", "=====", "-"])
def test_line_over_a_signature_makes_no_heading_of_what_is_above(line):
    html = render(f"Kind regards\n{line}\nBob")
    assert "<h" not in html.replace("<hr", "")
    assert "Kind regards" in html
    assert line.strip() in html or "<hr" in html or "<li" in html
    assert line.strip("= ") in as_text(f"Kind regards\n{line}\nBob")


@pytest.mark.parametrize("unit", ["[", "*_", "[[](", "a|b\n-|-\n", "- a\n", "![", "<", "&"])
def test_long_text_is_shown_as_typed_within_milliseconds(unit):
    text = unit * (200_000 // len(unit))
    for show in (render, lambda source: render_with_images(source, {})):
        start = time.process_time()
        html = show(text)
        assert time.process_time() - start < 1, "0.08 s alone on a slow core"
        assert read(html) == text


def test_wide_table_is_shown_as_typed():
    text = "|a" * 300 + "\n" + "|-" * 300 + "\n" + "a\n" * 500
    assert read(render(text)) == text


def test_nothing_is_cut_from_a_long_text():
    assert "the end" in render("a " * MAX_MESSAGE_CHARACTERS + "the end")
    assert "the end" in render_with_images("a " * 200_000 + "the end", {})


# whatever stands around a value in a canned response
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("Dear ", ","),
        ("", ". That is it"),
        ("- ", ""),
        ("1. ", ""),
        ("## ", ""),
        ("> ", ""),
        ("text\n", "\ntext"),
        ("text\n\n", "\n\ntext"),
        ("!", "(a)"),
        ("", "[a]"),
        ("A", "B"),
        ("*a* ", " *b*"),
        ("| a |\n|---|\n| ", " |"),
        ("[a](/articles/1/) ", ""),
    ],
)
@given(value=TYPED)
@example(value="__init__.py fails")
@example(value="# 5 ward phone")
@example(value="5")
@example(value="12) x")
@example(value="---")
@example(value="a  b")
@example(value="a\n\n- b")
@example(value=r"\\fs-01\Radiology\[Archive]\_old")
@example(value="AT&amp;T &")
@example(value="<http://a.example>")
@example(value="~~gone~~")
@example(value="    code")
@example(value="| - |")
@example(value="{customer_name}")
def test_an_escaped_value_reads_the_same(before, after, value):
    value = clean_line(value).strip()
    marker = "Marker"
    expected = read(render(f"{before}{marker}{after}"))
    actual = read(render(f"{before}{escape(value)}{after}"))
    if value:
        assert actual == expected.replace(marker, value)
        assert as_text(f"{before}{escape(value)}{after}") == (
            as_text(f"{before}{marker}{after}").replace(marker, value)
        )


@given(value=TYPED)
def test_an_escaped_value_is_a_single_line(value):
    assert "\n" not in escape(value)


def test_usual_values_need_no_marks():
    for value in ("Alice Ainsworth", "SKR-1042", "9 March 2026", "printer_3 at C:\\Temp", "A & B"):
        assert escape(value) == value


def test_markdown_as_text_reads_like_its_page():
    source = (
        "## Steps\n\nTurn it **off** and `C:\\_on`.\nWait.\n\n4. \\_one\\_\n5. two\n   - a\n\n"
        "> quoted\n\n```\n  code\n```\n\n[Guide](http://a.example) <http://b.example/ü>\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |"
    )
    assert as_text(source) == (
        "Steps\n\nTurn it off and C:\\_on.\nWait.\n\n4. _one_\n5. two\n   - a\n\n"
        "> quoted\n\n  code\n\nGuide (http://a.example) http://b.example/ü\n\na | b\n1 | 2"
    )


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "[click](data:text/html,<script>)",
        "![beacon](http://elsewhere.example/a.png)",
        '<a href="javascript:alert(1)">x</a>',
        "[x](vbscript:x 'y')",
        "<svg/onload=alert(1)>",
    ],
)
def test_active_and_external_content_is_removed(attack):
    html = render(attack)
    for tag in (
        "<script",
        "<img",
        "<svg",
        '<a href="javascript',
        '<a href="data',
        '<a href="vb',
    ):
        assert tag not in html


def test_deeply_nested_quotes_are_rendered_in_bounded_size():
    assert len(render(">" * 20_000 + " deep")) < 1_000_000


def test_internal_link_stays_a_link():
    assert 'href="/articles/3/"' in render("[Blank pages](/articles/3/)")
