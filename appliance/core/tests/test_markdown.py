import pytest

from appliance.core.markdown import render


def test_markdown_becomes_html():
    assert render("## Steps\n\n1. **Off**\n2. `on`") == (
        "<h2>Steps</h2>\n<ol>\n<li><strong>Off</strong></li>\n<li><code>on</code></li>\n</ol>\n"
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
