"""HTML pages become Markdown that shows every word of them, apart and in order."""

import html
import re
import time
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core import markdown
from appliance.core.errors import BadInputError
from appliance.knowledge.import_html import read_page

PAGES = Path(__file__).parent / "pages"
# Marks of Markdown and of HTML, alone and in words.
WORDS = st.sampled_from(
    [
        *("toner", "Größe", "a|b", "|", "__init__", "_x", "*", "**b**", "*.log", "#", "C#", "1."),
        *("2)", "-", "+", "---", "===", ">", "<b>", "</p>", "&amp;", "&", "`", "``", "~~", "~~~"),
        *("[x]", "[a](b)", "![i](j)", "!", "C:\\temp\\*", "\\", "\\\\srv\\d$", ":--", "a_b_c"),
        *("http://x.org/_a_", "<http://x.org>"),
    ]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=4)
Piece = tuple[str, list[str]]  # HTML, and the words that it shows


def shown_words(content: str) -> list[str]:
    """Return the words that a person reads in the article."""
    page = markdown.render(content)
    page = re.sub(r"</?(?:strong|em|s|code|a)\b[^>]*>", "", page)
    return [word for word in html.unescape(re.sub("<[^>]+>", " ", page)).split() if word != "•"]


def text_piece(words: list[str]) -> Piece:
    return html.escape(" ".join(words), quote=False), words


def inside(tags: str, piece: Piece) -> Piece:
    for name in reversed(tags.split()):
        piece = f"<{name}>{piece[0]}</{name}>", piece[1]
    return piece


def together(pieces: list[Piece], separator: str = "") -> Piece:
    return separator.join(page for page, _ in pieces), [
        word for _, words in pieces for word in words
    ]


def table(rows: list[list[Piece]]) -> Piece:
    return inside("table", together([inside("tr", together(row)) for row in rows]))


INLINE = st.builds(
    inside,
    st.sampled_from(["b", "i", "b i", "code", "span", "s", "u", "font"]),
    TEXTS.map(text_piece),
)
PARAGRAPH = st.lists(INLINE | TEXTS.map(text_piece), min_size=1, max_size=3).map(
    lambda pieces: together(pieces, " ")
)
BLOCKS = st.recursive(
    PARAGRAPH.flatmap(
        lambda piece: st.sampled_from(
            ["p", "div", "h2", "h1", "ul li", "ol li", "pre", "dl dt", "dl dd"]
        ).map(lambda tags: inside(tags, piece))
    ),
    lambda blocks: (
        st.lists(blocks, min_size=1, max_size=3).flatmap(
            lambda pieces: st.sampled_from(
                [
                    "div",
                    "blockquote",
                    "section",
                    "ul li",
                    "ol li",
                    "details",
                    "figure",
                    "aside",
                    "center span",
                ]
            ).map(lambda tags: inside(tags, together(pieces)))
        )
        | st.lists(
            st.lists(blocks.map(lambda piece: inside("td", piece)), min_size=1, max_size=3),
            min_size=1,
            max_size=3,
        ).map(table)
        | st.lists(
            st.lists(blocks.map(lambda piece: inside("th", piece)), min_size=1, max_size=3),
            min_size=1,
            max_size=3,
        ).map(table)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(BLOCKS, min_size=1, max_size=4).map(together))
def test_every_word_and_cell_is_shown_apart_and_in_order(page: Piece):
    title, content = read_page(page[0])
    shown = shown_words(content)
    if page[1] != shown:  # the first heading became the title
        shown = title.split() + shown
    assert shown == page[1]


def read(page: str) -> str:
    return read_page(page).content


def cells(content: str) -> list[list[str]]:
    """Return the texts of the rows of the first table, as they are shown."""
    page = BeautifulSoup(markdown.render(content), "html.parser")
    rows = page.table.find_all("tr")
    return [
        [" ".join(cell.get_text().split()) for cell in row.find_all(["td", "th"])] for row in rows
    ]


def test_delimiter_in_a_cell_is_part_of_its_text():
    page = "<table><tr><th>A|B<th>C<tr><td>x | y<td><code>a|b</code> \\| end</table>"
    assert cells(read(page)) == [["A|B", "C"], ["x | y", "a|b \\| end"]]


def test_spanned_cells_leave_the_others_in_their_columns():
    page = (
        "<table><thead><tr><th>Day<th>From<th>To</thead><tr><td rowspan=2>Mon<td>8<td>12"
        "<tr><td>13<td>17<tr><td colspan=2>Sun<td>closed</table>"
    )
    assert cells(read(page)) == [
        ["Day", "From", "To"],
        ["Mon", "8", "12"],
        ["", "13", "17"],
        ["Sun", "", "closed"],
    ]


def test_table_in_a_cell_is_written_into_the_cell():
    page = "<table><tr><th>A<th>B<tr><td>1<td><table><tr><td>x<td>y</table></table>"
    assert cells(read(page)) == [["A", "B"], ["1", "x y"]]


def test_table_that_arranges_the_page_is_written_as_blocks():
    page = "<table><tr><td><h2>Left</h2>a<td><table><tr><th>K<tr><td>v</table></table>"
    assert read(page) == "## Left\n\na\n\nK\n\nv"


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("<div>4711</div><div>4712</div>", "4711\n\n4712"),
        ("<span>a</span><p>b</p>c<div>d</div>e", "a\n\nb\n\nc\n\nd\n\ne"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<p>&nbsp;</p><p>10&nbsp;GB</p>", "10 GB"),
        ("line\n   of\tsource", "line of source"),
        ("<b>Dr</b><b>ucker</b><i>x</i>", "**Drucker**x"),
        ("<b>Note:</b>text", "**Note**:text"),
        ("<dl><dt>Term<dd>Meaning</dl>", "**Term**\n\nMeaning"),
        ("<details><summary>More</summary>text</details>", "**More**\n\ntext"),
        ("<figure><img alt='Lamp'><figcaption>Fig. 1</figcaption></figure>", "Lamp\n\nFig. 1"),
        ("<p>a<img src='http://x.org/i.png' alt='Red lamp'>b</p>", "a Red lamp b"),
        ("<img src='img\\the lamp.png' alt='[1]'>", "![(1)](img/the%20lamp.png)"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        ("<pre>```</pre>", "````\n```\n````"),
        ("x<script>no</script><style>no</style><template>no</template>", "x"),
        ("<ul><li>a<ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ol start=5><li>a<li>b</ol><ol><li>c</ol>", "5. a\n6. b\n\n1) c"),
        (
            "<a href='https://x.org/(a)'>x</a>!<a href='page2.html'>y</a>",
            "[x](https://x.org/%28a%29)!y",
        ),
        ("Oh!<a href='https://x.org'>x</a>", "Oh\\![x](https://x.org)"),
        (
            "word<a href='#f1'><sup>1</sup></a>, 10<sup>6</sup>, H<sub>2</sub>O",
            "word\\[1\\], 10⁶, H2O",
        ),
        ("<p># no heading</p>", "\\# no heading"),
        ("soft&shy;hyphen", "softhyphen"),
        ("<x-a>one</x-a> <!-- no --><o:p></o:p><st1:place>two</st1:place>", "one two"),
        ("<button>Save</button><button>Close</button>", "Save Close"),
        ("<ul><li><input type=checkbox checked>done</ul>", "- \\[x\\] done"),
    ],
)
def test_page_becomes_markdown(source: str, content: str):
    assert read(source) == content


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("<title>T</title><h1>H</h1>x", "T"),
        ("<h1>H &amp; <b>i</b></h1>x", "H & i"),
        ("<title> </title><p>a</p><h1>H</h1>", "H"),
        ("<p>x</p>", ""),
        ("<svg><title>icon</title></svg>x", ""),
    ],
)
def test_title_is_that_of_the_page_or_its_first_heading(source: str, title: str):
    assert read_page(source).title == title


def test_heading_that_repeats_the_title_is_left_out():
    assert read_page("<title>A_b</title><h1>A_b</h1><p>x</p>") == ("A_b", "x")


def test_document_of_a_word_processor_is_read_whole():
    title, content = read_page((PAGES / "libreoffice.htm").read_text())
    assert title == "Ward telephones"
    assert cells(content) == [
        ["Ward", "Day|Night", "Note"],
        ["North", "4711 4712", "• ring twice • then wait"],
        ["", "4713 switchboard", ""],
    ]
    assert "Call the **ward desk** first\\[1\\], then\nthe porter. Disk of 10⁶ bytes." in content
    assert "1. Lift the receiver\n   - left hand\n   - right hand\n2. Dial" in content
    assert content.endswith("Last line.\n\n\\[1\\] Except at night.")


def test_page_of_confluence_is_read_with_its_macros():
    content = read((PAGES / "confluence.htm").read_text())
    assert content.startswith("Left column\n\nRight column\n\n## Reset a printer")
    assert "> **Before you start**\n>\n> Save your work.\n>\n> Tell the ward." in content
    assert '```\nif [ "$a" -lt 3 ] && true; then\n    echo "<b>*"\nfi\n```' in content
    assert "- \\[x\\] Switch it off\n- \\[ \\] Wait" in content
    assert cells(content) == [["Model", "Code"], ["LaserJet", "49.4C02 50.1"]]
    assert content.endswith("See Toner & drums or the list.\n\n![Front panel](front%20panel.png)")


def test_page_of_mediawiki_is_read_whole():
    content = read((PAGES / "mediawiki.htm").read_text())
    assert "## VPN\n\nUse port 443\\[1\\] only." in content
    assert "**Realm**\n\nstaff\n\nstudents" in content
    assert cells(content) == [
        ["Code", "Meaning", ""],
        ["", "Client", "Server"],
        ["691", "password", "account locked"],
    ]


def test_page_of_tinymce_is_read_whole():
    content = read((PAGES / "tinymce.htm").read_text())
    assert content.startswith("Ward phone 4711\n\nNight phone 4712\n\nPorter **4713**\n\na\nb\n\nc")
    assert "- One\n  - Two\n  - Loose" in content
    assert cells(content) == [["", ""], ["A|1", "B 2"], ["x|y", ""]]


def test_page_of_quill_is_read_whole():
    page = read_page((PAGES / "quill.htm").read_text())
    assert page == (
        "Scan to mail",
        "Press **Scan**.\n\n- Lid open\n- Lid closed\n\n1. First\n\nSmall red",
    )


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 20_000,
        "<ul><li>" * 20_000,
        "<b><i>" * 150,
        "<dd><li>" * 20_000,
        "<p>x" * 60_000,
        "<blockquote>" * 90 + "<br>x" * 40_000,
        "<table><tr>" + "<td colspan=1000>x" * 20_000,
        "<table>" + "<tr><td rowspan=9000>" * 20_000,
    ],
)
def test_page_that_takes_long_to_read_is_refused_at_once(source: str):
    start = time.process_time()
    with pytest.raises(BadInputError):
        read_page(source)
    assert time.process_time() - start < 10


def test_ninety_nested_lists_are_read():
    assert "- deep" in read("<ul><li>" * 45 + "deep")
