"""An article cut into passages small enough to mean one thing each. Pure."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt

LEAST_WORDS, MOST_WORDS = 60, 180
MOST_PASSAGES = 200  # of one article; what comes after is found by words only
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+")


def cut(content: str) -> list[str]:
    """Plain text of each passage, in order, 60 to 180 words where the text allows.

    A heading starts a new passage and stays with what it heads. An empty text gives one empty
    passage, so that its title alone can still be found.
    """
    passages: list[str] = []
    current: list[str] = []
    for is_heading, block in _blocks(content):
        grown = _count(current) + len(block.split())
        starts_anew = is_heading and _count(current) >= LEAST_WORDS
        if current and (starts_anew or grown > MOST_WORDS):
            passages.append("\n".join(current))
            current = []
        current.append(block)
    if current and passages and _count(current) < LEAST_WORDS // 2:
        passages[-1] += "\n" + "\n".join(current)
    elif current:
        passages.append("\n".join(current))
    return passages[:MOST_PASSAGES] or [""]


def plain_text(content: str) -> str:
    """Markdown without its marks, one line a block."""
    return "\n".join(block for _, block in _blocks(content))


def _blocks(content: str) -> Iterator[tuple[bool, str]]:
    """(is it a heading, its plain text), none longer than a passage may be."""
    heading = False
    row: list[str] | None = None  # the cells of a table's row are one block
    for token in _markdown.parse(content):
        if token.type in ("heading_open", "heading_close"):
            heading = token.type == "heading_open"
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield from ((False, piece) for piece in _pieces(": ".join(filter(None, row or []))))
            row = None
        elif token.type in ("inline", "fence", "code_block") and row is not None:
            row.append(_plain(token))
        elif token.type in ("inline", "fence", "code_block"):
            yield from ((heading, piece) for piece in _pieces(_plain(token)))


def _plain(token) -> str:
    if token.type != "inline":
        return token.content.strip()
    kept = {"softbreak": " ", "hardbreak": " "}
    return "".join(kept.get(t.type, t.content) for t in token.children or []).strip()


def _pieces(text: str) -> Iterator[str]:
    """``text`` whole, or in runs of sentences of at most MOST_WORDS words."""
    if len(text.split()) <= MOST_WORDS:
        if text:
            yield text
        return
    run: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        words = sentence.split()
        if run and len(run) + len(words) > MOST_WORDS:
            yield " ".join(run)
            run = []
        run += words
        while len(run) > MOST_WORDS:  # no sentence ends for long: a log, a list of words
            yield " ".join(run[:MOST_WORDS])
            run = run[MOST_WORDS:]
    if run:
        yield " ".join(run)


def _count(blocks: list[str]) -> int:
    return sum(len(block.split()) for block in blocks)
