import time

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.plain_text import render

TYPED = [
    r"\\fs-01\Radiology\[Archive]\_old",
    r"C:\_temp\*.log",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    '{\n    "key":   [1, 2],\n\t"b": "<c>"\n}',
    "Regards\n---\nAlice",
    "# systemctl restart nginx",
    "__init__ and **kwargs and ~~x~~",
    "1. a\n4. b\n- c\n* d",
    "    a\n        b   c",
    "> quoted\n>> twice",
    "&amp; &#65; &lt;b&gt; <b>x</b>",
    "שלום עולם (hello) مرحبا",
    "![x](http://a.example/b.png) <http://c.example>",
    "می\u200cخواهم 👨\u200d👩\u200d👧",
]


def read(html: str) -> str:
    return BeautifulSoup(f"<div>{html}</div>", "html.parser").get_text()


@pytest.mark.parametrize("text", TYPED)
def test_text_reads_as_it_was_typed(text):
    assert read(render(text)) == text


@given(st.lists(st.sampled_from([*TYPED, "http://", "a@b.example", ")", ".", "www.", "<", "&"])))
def test_any_mixture_reads_as_it_was_typed(parts):
    text = "".join(parts)
    assert read(render(text)) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See http://a.example/x?b=1&c=2.", "http://a.example/x?b=1&c=2"),
        ("(https://a.example/wiki/B_(c))", "https://a.example/wiki/B_(c)"),
        ("<https://a.example>", "https://a.example"),
        ("www.a.example, please", "http://www.a.example"),
        ("to bob@a.example.", "mailto:bob@a.example"),
        ("HTTPS://A.example", "HTTPS://A.example"),
    ],
)
def test_addresses_become_links(text, address):
    assert [link["href"] for link in BeautifulSoup(render(text), "html.parser")("a")] == [address]


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "a@b", "file://c/d"])
def test_nothing_else_becomes_a_link(text):
    assert "<a" not in render(text)


@pytest.mark.parametrize(
    "unit",
    ["a", "[", "http://", "http://a", "www.", "a.", "a@", "a@a.", ")", "http://a)", "&", "-"],
)
def test_a_million_characters_take_a_moment(unit):
    text, start = unit * (1_000_000 // len(unit)), time.process_time()
    assert read(render(text[:50_000])) == text[:50_000]
    render(text)
    assert time.process_time() - start < 5, "at most 0.5 s alone on a core"
