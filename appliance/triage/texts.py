"""The texts that bundles process, their digests in Python and SQL, and passages of articles."""

import hashlib
import re
from collections.abc import Iterator

from django.db.models import CharField, F, Func, TextField, Value
from django.db.models.functions import Concat
from markdown_it import MarkdownIt
from markdown_it.token import Token

from appliance.knowledge.models import Article
from appliance.triage.stop_words import STOP_WORDS

MIN_WORDS, MAX_WORDS = 60, 180
MAX_SEARCH_WORDS = 32  # of a text, when articles are searched by its words
MAX_PASSAGES = 200  # of one article; the rest is found by full-text search only
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+")


def article_text(article: Article) -> str:
    return f"{article.title}\n{article.content}"


def digest(text: str) -> str:
    """Return the sha256, in hex, of the text as PostgreSQL stores it."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def search_words(text: str) -> list[str]:
    """Return the words by which articles are searched, in the order of the text."""
    words = dict.fromkeys(re.findall(r"\w{3,40}", text.lower()))
    return [word for word in words if word not in STOP_WORDS][:MAX_SEARCH_WORDS]


class Digest(Func):
    """The SHA-256 digest of a text, computed by PostgreSQL: 0.1 s for 100,000 short texts."""

    template = "encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')"
    output_field = CharField()


def _joined(first: str, second: str) -> Digest:
    return Digest(Concat(F(first), Value("\n"), F(second), output_field=TextField()))


TICKET_DIGEST = _joined("subject", "description")
ARTICLE_DIGEST = _joined("title", "content")


def split_passages(content: str) -> list[str]:
    """Split Markdown into passages of plain text, 60 to 180 words where the text allows.

    A heading starts a new passage and stays with its section. An empty text gives one empty
    passage, so that the title alone can still be found.
    """
    passages: list[str] = []
    current: list[str] = []
    for is_heading, block in _blocks(content):
        word_count = _count_words(current) + len(block.split())
        is_new_section = is_heading and _count_words(current) >= MIN_WORDS
        if current and (is_new_section or word_count > MAX_WORDS):
            passages.append("\n".join(current))
            current = []
        current.append(block)
    if current and passages and _count_words(current) < MIN_WORDS // 2:
        passages[-1] += "\n" + "\n".join(current)
    elif current:
        passages.append("\n".join(current))
    return passages[:MAX_PASSAGES] or [""]


def plain_text(content: str) -> str:
    """Return Markdown without its marks, one line per block."""
    return "\n".join(block for _, block in _blocks(content))


def _blocks(content: str) -> Iterator[tuple[bool, str]]:
    """Yield (is heading, plain text) of each block, none longer than a passage may be."""
    is_heading = False
    cells: list[str] | None = None  # the cells of a table's row are one block
    for token in _markdown.parse(content):
        if token.type in ("heading_open", "heading_close"):
            is_heading = token.type == "heading_open"
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close":
            yield from (
                (False, piece) for piece in _split_long(": ".join(filter(None, cells or [])))
            )
            cells = None
        elif token.type in ("inline", "fence", "code_block") and cells is not None:
            cells.append(_plain(token))
        elif token.type in ("inline", "fence", "code_block"):
            yield from ((is_heading, piece) for piece in _split_long(_plain(token)))


def _plain(token: Token) -> str:
    if token.type != "inline":
        return token.content.strip()
    breaks = {"softbreak": " ", "hardbreak": " "}
    children = token.children or []
    return "".join(breaks.get(child.type, child.content) for child in children).strip()


def _split_long(text: str) -> Iterator[str]:
    """Yield the text, in runs of sentences of at most MAX_WORDS words if it is longer."""
    if len(text.split()) <= MAX_WORDS:
        if text:
            yield text
        return
    run: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        words = sentence.split()
        if run and len(run) + len(words) > MAX_WORDS:
            yield " ".join(run)
            run = []
        run += words
        while len(run) > MAX_WORDS:  # no end of a sentence, as in a log file
            yield " ".join(run[:MAX_WORDS])
            run = run[MAX_WORDS:]
    if run:
        yield " ".join(run)


def _count_words(blocks: list[str]) -> int:
    return sum(len(block.split()) for block in blocks)
