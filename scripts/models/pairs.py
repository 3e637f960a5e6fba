"""Pairs of related texts for training the encoder, such as a question and its answer.

Questions from ``LEARN_UNTIL`` on are in no pair, whichever file they are in, nor are the articles
of the check "support articles".
"""

import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from data import read, seeded

LEARN_UNTIL = "2024-09-01"  # later questions, until TEST_FROM, are the validation split
TEST_FROM = "2025-01-01"  # from then on, questions are the test split
TITLES_EACH = 2000  # title and text pairs per product, drawn again in each epoch
FILES = (
    "kb_links_to_2025",
    "kb_titles",
    "thunderbird_questions_to_2025",
    "thunderbird_answers_to_2025",
    "firefox_questions_2021_2023",
    "ms_support_articles",
    "gnome_help",
    "us_gov_kb",
)


@dataclass(frozen=True)
class Pair:
    """Two related texts; pairs that share a key are not used as negatives of each other."""

    kind: str
    first: str
    second: str
    keys: frozenset[str]


def question_text(row: dict) -> str:
    """Return a question as the product embeds a ticket: subject and text."""
    return f"{row['title']}\n{row['text']}"


def linked_rows(data: Path) -> tuple[list[dict], list[dict]]:
    """Return (earlier, later) questions with a linked article of known title, oldest first."""
    known = {row["slug"] for row in read(data, "kb_titles")}
    rows = [row for row in read(data, "kb_links_to_2025") if known & set(row["kb"])]
    rows.sort(key=lambda row: (row["created"], row["id"]))
    earlier = [row for row in rows if row["created"] < TEST_FROM]
    return earlier, rows[len(earlier) :]


def article_rows(data: Path) -> tuple[list[dict], list[dict]]:
    """Return (training, held-out) Microsoft articles; the held-out ones are used by a check."""
    rows = list(read(data, "ms_support_articles"))
    complete = [
        row
        for row in rows
        if len(row.get("resolution") or "") > 80 and len(row.get("symptoms") or "") > 40
    ]
    seeded(3).shuffle(complete)
    held_out = complete[:1000]
    parts = ("id", "title", "symptoms", "resolution")
    texts = {row[part] for row in held_out for part in parts}
    return [row for row in rows if not texts & {row[part] for part in parts}], held_out


def pairs_of(data: Path, seed: int, until: str = LEARN_UNTIL) -> list[Pair]:
    """Return the pairs of one epoch; the random choices depend on the seed."""
    rng = seeded(seed)
    earlier = [row for row in linked_rows(data)[0] if row["created"] < until]
    pairs = _linked(data, earlier) + _alike(earlier, rng) + _answered(data, until)
    for name in ("thunderbird_questions_to_2025", "firefox_questions_2021_2023"):
        rows = [row for row in read(data, name) if row["created"] < until and row["text"]]
        rows = rng.sample(rows, min(TITLES_EACH, len(rows)))
        pairs += [Pair("titled", r["title"], r["text"], _key(name, r["id"])) for r in rows]
    return pairs + _articles(data) + _help(data)


def _key(*parts: object) -> frozenset[str]:
    return frozenset({"/".join(map(str, parts))})


def _linked(data: Path, rows: list[dict]) -> list[Pair]:
    """Return pairs of a question and the title of each article that a helper linked."""
    titles = {row["slug"]: row["title"] for row in read(data, "kb_titles")}
    return [
        Pair("linked", question_text(row), titles[slug], frozenset(row["kb"]))
        for row in rows
        for slug in row["kb"]
        if slug in titles
    ]


def _alike(rows: list[dict], rng: random.Random) -> list[Pair]:
    """Return pairs of two questions for which helpers linked the same article."""
    sent = defaultdict(list)
    for row in rows:
        for slug in row["kb"]:
            sent[slug].append(row)
    pairs = []
    for row in rows:
        rarest = min(row["kb"], key=lambda slug: len(sent[slug]))
        second = rng.choice(sent[rarest])
        if second["id"] != row["id"]:
            keys = frozenset(row["kb"]) | frozenset(second["kb"])
            pairs.append(Pair("alike", question_text(row), question_text(second), keys))
    return pairs


def _answered(data: Path, until: str) -> list[Pair]:
    """Return pairs of a question and an answer marked as helpful."""
    rows = {row["id"]: row for row in read(data, "thunderbird_questions_to_2025")}
    return [
        Pair(
            "answered",
            question_text(rows[a["question_id"]]),
            a["text"],
            _key("q", a["question_id"]),
        )
        for a in read(data, "thunderbird_answers_to_2025")
        if rows[a["question_id"]]["created"] < until and a["created"] < until
    ]


def _articles(data: Path) -> list[Pair]:
    """Return pairs of title, symptoms and resolution of Microsoft articles."""
    pairs = []
    for row in article_rows(data)[0]:
        key, symptoms = _key("ms", row["id"]), row.get("symptoms")
        answer = row.get("resolution") or row.get("description") or row["body"]
        pairs.append(Pair("article", row["title"], answer, key))
        if symptoms:
            pairs.append(Pair("article", symptoms[:600], answer, key))
            pairs.append(Pair("article", symptoms[:600], row["title"], key))
    return pairs


def _help(data: Path) -> list[Pair]:
    """Return pairs of title and text of help pages; the text without a leading title."""
    return [
        Pair("help", row["title"], row["body"].removeprefix(row["title"]), _key(name, row["id"]))
        for name in ("gnome_help", "us_gov_kb")
        for row in read(data, name)
    ]
