"""The queries of fusion.py with their relevant items, chosen by rules that use no ranking.

- **paraphrase:** the title of a public question; relevant are the articles that people linked to
  it, of which the installation has the titles only. Also the first sentence of the "symptoms" of
  a vendor's article; relevant is that article, of which the installation has the rest.
- **one word:** the most typical word of the questions linked to an article; relevant is that
  article, whether its title contains the word or not.
- **code:** an error code; relevant is every text that contains it.
- **name:** a word that is always capitalised, such as the name of a product or person; relevant
  is every text that contains it.
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
MAX_PER_KIND = 240
TICKETS, ARTICLES = 500, 500  # of the second test set
MAX_CHARACTERS = 700  # of a text
MAX_MATCHES = 5  # a code or name in more texts is not queried
MIN_LINKED = 5  # questions linked to an article, for a typical word
_CODE = re.compile(
    r"\b0x[0-9a-fA-F]{4,8}\b|\b[45]\d\d \d\.\d{1,2}\.\d{1,3}\b|\b[A-Z]{2,}-?\d{3,}\b"
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][A-Za-z]{3,20}\b")
_WORDS = re.compile(r"[A-Za-z]+")
_WORD = re.compile(r"[a-z]{4,20}")


@dataclass(frozen=True)
class LabelledQuery:
    """A query and its relevant items: slugs of articles, positions of tickets."""

    kind: str
    text: str
    item_kind: str  # of the search: "articles" or "all"
    articles: frozenset[str]
    tickets: frozenset[int] = frozenset()


@dataclass(frozen=True)
class TestSet:
    """The contents of an installation, and the queries."""

    articles: Sequence[dict]
    tickets: Sequence[Question]
    questions: Sequence[LabelledQuery]


def title_test_set(folder: Path) -> TestSet:
    """Return articles with titles only, and real questions about them."""
    titles = list(read(folder / "kb_titles.jsonl.gz"))
    known = {row["slug"] for row in titles}
    questions = questions_of(folder / "kb_links_to_2025.jsonl.gz", known)
    title_queries = [
        LabelledQuery("paraphrase", question.title, "articles", question.kb)
        for question in questions
        if 3 <= len(question.title.split()) <= 25
    ]
    return TestSet(
        titles, [], [*_sample(title_queries, MAX_PER_KIND // 2), *_typical_words(questions)]
    )


def text_test_set(folder: Path) -> TestSet:
    """Return a vendor's articles and public tickets that contain codes and names."""
    rows = [_article(row) for row in read(folder / "ms_support_articles.jsonl.gz")]
    with_code = [row for row in rows if _CODE.search(_text(row))]
    others = [row for row in rows if not _CODE.search(_text(row))]
    articles = [*with_code[:ARTICLES], *_sample(others, max(0, ARTICLES - len(with_code)))]
    tickets = _sample(
        [
            Question(row["title"], row["text"][:MAX_CHARACTERS], frozenset())
            for row in read(folder / "thunderbird_questions_to_2025.jsonl.gz")
        ],
        TICKETS,
    )
    texts = [
        *((row["slug"], _text(row)) for row in articles),
        *((n, f"{ticket.title}\n{ticket.text}") for n, ticket in enumerate(tickets)),
    ]
    with_symptoms = [row for row in articles if len(row["symptoms"].split()) >= 5]
    symptoms = [
        LabelledQuery("paraphrase", row["symptoms"], "articles", frozenset({row["slug"]}))
        for row in with_symptoms
    ]
    questions = [
        *_sample(symptoms, MAX_PER_KIND // 2),
        *_sample(_term_queries("code", texts, _CODE), MAX_PER_KIND),
        *_sample(_term_queries("name", texts, _NAME, is_name=True), MAX_PER_KIND),
    ]
    return TestSet(articles, tickets, questions)


def _article(row: dict) -> dict:
    """Return an article without its symptoms, which become the query."""
    body = row["body"].replace(row["symptoms"], " ").replace("symptoms:", " ")
    first = re.split(r"(?<=[.!?])\s", row["symptoms"].strip(), maxsplit=1)[0]
    text = f"{body[:MAX_CHARACTERS]}\n{row['resolution'][: MAX_CHARACTERS // 2]}"
    return {
        "slug": row["id"],
        "title": row["title"],
        "text": text,
        "symptoms": first[:300],
    }


def _text(row: dict) -> str:
    return f"{row['title'][:200]}\n{row['text']}"


def _typical_words(questions: Sequence[Question]) -> list[LabelledQuery]:
    """Return a query for the most typical word of each article that is linked often enough.

    A word that is typical of several articles becomes one query.
    """
    everywhere = Counter(word for question in questions for word in _words(question))
    linked: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        for slug in question.kb:
            linked[slug].append(question)
    right: dict[str, set[str]] = defaultdict(set)
    for slug, linked_questions in linked.items():
        if len(linked_questions) >= MIN_LINKED:
            here = Counter(word for question in linked_questions for word in _words(question))
            weight = lambda word: here[word] * math.log(len(questions) / everywhere[word])  # noqa: E731, B023
            right[max(sorted(here), key=weight)].add(slug)
    return [
        LabelledQuery("one word", word, "articles", frozenset(slugs))
        for word, slugs in right.items()
    ]


def _term_queries(
    kind: str, texts: Iterable[tuple[object, str]], pattern: re.Pattern, *, is_name: bool = False
) -> list[LabelledQuery]:
    """Return a query for each match of the pattern that few texts contain."""
    texts = list(texts)
    terms = {match.lower() for _, text in texts for match in pattern.findall(text)}
    in_any_case = _WORDS if is_name else re.compile(pattern.pattern, re.IGNORECASE)
    matches: dict[str, set] = defaultdict(set)
    lower_case: set[str] = set()
    for key, text in texts:
        for word in set(in_any_case.findall(text)):
            if is_name and word.islower():
                lower_case.add(word)
            if word.lower() in terms:
                matches[word.lower()].add(key)
    return [
        LabelledQuery(
            kind,
            word,
            "all",
            frozenset(k for k in keys if isinstance(k, str)),
            frozenset(k for k in keys if isinstance(k, int)),
        )
        for word, keys in sorted(matches.items())
        if len(keys) <= MAX_MATCHES and word not in lower_case
    ]


def _words(question: Question) -> set[str]:
    return set(_WORD.findall(f"{question.title} {question.text}".lower()))


def _sample(items: Sequence, count: int) -> list:
    """Return a random sample, the same each time."""
    items = list(items)
    return items if len(items) <= count else random.Random(5).sample(items, count)  # noqa: S311
