"""What fusion.py asks, with what is right by a rule that reads no ranking. Pure but for the files.

- **paraphrase:** the title of a public question; right is what people linked to it, whose titles
  are all the desk knows. And the first sentence of a vendor's "symptoms"; right is its article, of
  which the desk knows the rest.
- **one word:** the word most typical of the questions people linked to an article; right is that
  article, whether its title holds the word or not.
- **code:** an error code, as it stands in texts; right is every text that holds it.
- **name:** a word that is only ever written with a capital in a text, of one product or person;
  right is every text that holds it.
"""

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from suggestions import Question, questions_of, read

KINDS = ("paraphrase", "code", "name", "one word")
MAX_OF_A_KIND = 240
TICKETS, ARTICLES = 500, 500  # of the second desk
CHARACTERS = 700  # of a text
MAX_HOLDERS = 5  # texts that hold a code or name worth asking for
MIN_LINKED = 5  # questions, before a word is typical of them
_CODE = re.compile(
    r"\b0x[0-9a-fA-F]{4,8}\b|\b[45]\d\d \d\.\d{1,2}\.\d{1,3}\b|\b[A-Z]{2,}-?\d{3,}\b"
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][A-Za-z]{3,20}\b")
_WORDS = re.compile(r"[A-Za-z]+")
_WORD = re.compile(r"[a-z]{4,20}")


@dataclass(frozen=True)
class Asked:
    """A question of one kind, and what is right: slugs of articles, places of tickets."""

    kind: str
    text: str
    shelf: str  # what the search looks through
    articles: frozenset[str]
    tickets: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Scene:
    """What a desk holds, and what is asked of it."""

    articles: Sequence[dict]
    tickets: Sequence[Question]
    questions: Sequence[Asked]


def of_titles(folder: Path) -> Scene:
    """Articles of which there is nothing but titles, and real questions about them."""
    titles = list(read(folder / "kb_titles.jsonl.gz"))
    known = {row["slug"] for row in titles}
    asked = questions_of(folder / "kb_links_to_2025.jsonl.gz", known)
    plain = [
        Asked("paraphrase", one.title, "articles", one.kb)
        for one in asked
        if 3 <= len(one.title.split()) <= 25
    ]
    return Scene(titles, [], [*_some(plain, MAX_OF_A_KIND // 2), *_typical(asked)])


def of_texts(folder: Path) -> Scene:
    """A vendor's articles and people's tickets, with codes and names in them."""
    rows = [_article(row) for row in read(folder / "ms_support_articles.jsonl.gz")]
    with_code = [row for row in rows if _CODE.search(_text(row))]
    others = [row for row in rows if not _CODE.search(_text(row))]
    articles = [*with_code[:ARTICLES], *_some(others, max(0, ARTICLES - len(with_code)))]
    tickets = _some(
        [
            Question(row["title"], row["text"][:CHARACTERS], frozenset())
            for row in read(folder / "thunderbird_questions_to_2025.jsonl.gz")
        ],
        TICKETS,
    )
    held = [
        *((row["slug"], _text(row)) for row in articles),
        *((n, f"{one.title}\n{one.text}") for n, one in enumerate(tickets)),
    ]
    told = [row for row in articles if len(row["symptoms"].split()) >= 5]
    symptoms = [
        Asked("paraphrase", row["symptoms"], "articles", frozenset({row["slug"]})) for row in told
    ]
    questions = [
        *_some(symptoms, MAX_OF_A_KIND // 2),
        *_some(_held("code", held, _CODE), MAX_OF_A_KIND),
        *_some(_held("name", held, _NAME, is_name=True), MAX_OF_A_KIND),
    ]
    return Scene(articles, tickets, questions)


def _article(row: dict) -> dict:
    """Its symptoms are what is asked, and no part of what the desk knows."""
    body = row["body"].replace(row["symptoms"], " ").replace("symptoms:", " ")
    first = re.split(r"(?<=[.!?])\s", row["symptoms"].strip(), maxsplit=1)[0]
    text = f"{body[:CHARACTERS]}\n{row['resolution'][: CHARACTERS // 2]}"
    return {
        "slug": row["id"],
        "title": row["title"],
        "text": text,
        "symptoms": first[:300],
    }


def _text(row: dict) -> str:
    return f"{row['title'][:200]}\n{row['text']}"


def _typical(asked: Sequence[Question]) -> list[Asked]:
    """Of each article linked often enough the word that most of its questions hold and few others;
    a word typical of several articles is one question.
    """
    everywhere = Counter(word for one in asked for word in _words(one))
    linked: dict[str, list[Question]] = defaultdict(list)
    for one in asked:
        for slug in one.kb:
            linked[slug].append(one)
    right: dict[str, set[str]] = defaultdict(set)
    for slug, questions in linked.items():
        if len(questions) >= MIN_LINKED:
            here = Counter(word for one in questions for word in _words(one))
            telling = lambda word: here[word] * math.log(len(asked) / everywhere[word])  # noqa: E731, B023
            right[max(sorted(here), key=telling)].add(slug)
    return [Asked("one word", word, "articles", frozenset(slugs)) for word, slugs in right.items()]


def _held(
    kind: str, texts: Iterable[tuple[object, str]], pattern: re.Pattern, *, is_name: bool = False
) -> list[Asked]:
    """Each match that few texts hold, with all that hold it."""
    texts = list(texts)
    written = {match.lower() for _, text in texts for match in pattern.findall(text)}
    in_any_case = _WORDS if is_name else re.compile(pattern.pattern, re.IGNORECASE)
    holders: dict[str, set] = defaultdict(set)
    plain: set[str] = set()
    for key, text in texts:
        for one in set(in_any_case.findall(text)):
            if is_name and one.islower():
                plain.add(one)
            if one.lower() in written:
                holders[one.lower()].add(key)
    return [
        Asked(
            kind,
            word,
            "all",
            frozenset(k for k in keys if isinstance(k, str)),
            frozenset(k for k in keys if isinstance(k, int)),
        )
        for word, keys in sorted(holders.items())
        if len(keys) <= MAX_HOLDERS and word not in plain
    ]


def _words(one: Question) -> set[str]:
    return set(_WORD.findall(f"{one.title} {one.text}".lower()))


def _some(items: Sequence, count: int) -> list:
    """The same each time."""
    items = list(items)
    return items if len(items) <= count else random.Random(5).sample(items, count)  # noqa: S311
