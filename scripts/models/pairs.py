"""Texts that belong together, for the encoder: a question and what answers it.

Nothing asked from ``LEARN_UNTIL`` on is learnt from, whichever file it stands in, nor any of the
articles that the check "support articles" asks for or chooses from.
"""

import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from data import read, seeded

LEARN_UNTIL = "2024-09-01"  # questions from then until TEST_FROM choose what is to be chosen
TEST_FROM = "2025-01-01"  # and from then on are the test
TITLES_EACH = 2000  # of each product's questions, drawn anew each epoch: its title and its text
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
    """Two texts that belong together; pairs that share a key are not told apart."""

    kind: str
    one: str
    other: str
    keys: frozenset[str]


def asked(row: dict) -> str:
    """A question as the desk embeds a ticket: subject and text."""
    return f"{row['title']}\n{row['text']}"


def linked_rows(data: Path) -> tuple[list[dict], list[dict]]:
    """(earlier, later) questions with a linked article whose title is known, oldest first."""
    known = {row["slug"] for row in read(data, "kb_titles")}
    rows = [row for row in read(data, "kb_links_to_2025") if known & set(row["kb"])]
    rows.sort(key=lambda row: (row["created"], row["id"]))
    earlier = [row for row in rows if row["created"] < TEST_FROM]
    return earlier, rows[len(earlier) :]


def article_rows(data: Path) -> tuple[list[dict], list[dict]]:
    """(known, held out) Microsoft articles; the held-out ones are corpus and queries of a check."""
    rows = list(read(data, "ms_support_articles"))
    whole = [
        row
        for row in rows
        if len(row.get("resolution") or "") > 80 and len(row.get("symptoms") or "") > 40
    ]
    seeded(3).shuffle(whole)
    held_out = whole[:1000]
    parts = ("id", "title", "symptoms", "resolution")
    texts = {row[part] for row in held_out for part in parts}
    return [row for row in rows if not texts & {row[part] for part in parts}], held_out


def pairs_of(data: Path, seed: int, until: str = LEARN_UNTIL) -> list[Pair]:
    """All pairs of one epoch; which ones are drawn differs with the seed."""
    chance = seeded(seed)
    earlier = [row for row in linked_rows(data)[0] if row["created"] < until]
    pairs = _linked(data, earlier) + _alike(earlier, chance) + _answered(data, until)
    for name in ("thunderbird_questions_to_2025", "firefox_questions_2021_2023"):
        rows = [row for row in read(data, name) if row["created"] < until and row["text"]]
        rows = chance.sample(rows, min(TITLES_EACH, len(rows)))
        pairs += [Pair("titled", r["title"], r["text"], _key(name, r["id"])) for r in rows]
    return pairs + _articles(data) + _help(data)


def _key(*parts: object) -> frozenset[str]:
    return frozenset({"/".join(map(str, parts))})


def _linked(data: Path, rows: list[dict]) -> list[Pair]:
    """A question and the title of each article that a helper linked."""
    titles = {row["slug"]: row["title"] for row in read(data, "kb_titles")}
    return [
        Pair("linked", asked(row), titles[slug], frozenset(row["kb"]))
        for row in rows
        for slug in row["kb"]
        if slug in titles
    ]


def _alike(rows: list[dict], chance: random.Random) -> list[Pair]:
    """A question and another one that was sent to the same article."""
    sent = defaultdict(list)
    for row in rows:
        for slug in row["kb"]:
            sent[slug].append(row)
    pairs = []
    for row in rows:
        rarest = min(row["kb"], key=lambda slug: len(sent[slug]))
        other = chance.choice(sent[rarest])
        if other["id"] != row["id"]:
            keys = frozenset(row["kb"]) | frozenset(other["kb"])
            pairs.append(Pair("alike", asked(row), asked(other), keys))
    return pairs


def _answered(data: Path, until: str) -> list[Pair]:
    """A question and an answer marked helpful."""
    rows = {row["id"]: row for row in read(data, "thunderbird_questions_to_2025")}
    return [
        Pair("answered", asked(rows[a["question_id"]]), a["text"], _key("q", a["question_id"]))
        for a in read(data, "thunderbird_answers_to_2025")
        if rows[a["question_id"]]["created"] < until and a["created"] < until
    ]


def _articles(data: Path) -> list[Pair]:
    """Title and symptoms of an article, and its resolution."""
    pairs = []
    for row in article_rows(data)[0]:
        key, symptoms = _key("ms", row["id"]), row.get("symptoms")
        told = row.get("resolution") or row.get("description") or row["body"]
        pairs.append(Pair("article", row["title"], told, key))
        if symptoms:
            pairs.append(Pair("article", symptoms[:600], told, key))
            pairs.append(Pair("article", symptoms[:600], row["title"], key))
    return pairs


def _help(data: Path) -> list[Pair]:
    """Title and text of help pages; the text without the title it may open with."""
    return [
        Pair("help", row["title"], row["body"].removeprefix(row["title"]), _key(name, row["id"]))
        for name in ("gnome_help", "us_gov_kb")
        for row in read(data, name)
    ]
