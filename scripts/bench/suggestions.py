#!/usr/bin/env python3
"""How often a right article stands among the first: each signal alone, and all of them fused.

    python scripts/bench/suggestions.py --data DIR [--tune]
    python scripts/bench/suggestions.py --questions F --history F --titles F

Titles become articles of a scratch desk, earlier questions solved tickets on which the linked
articles were sent; then the desk's own code is asked about each later question. With --data the
questions of kb_links are split by time: weights are chosen (--tune prints how) on those of late
2024, with what came before as history, and the test is 2025, of which nothing was learnt. Before
the desk knows all of its history it is asked with the FOREIGN oldest questions alone: they are
about another product, and must not make anything worse.

The three files are JSON lines, gzip or not: questions and history have "title", "text" and "kb" (a
list of slugs), titles have "slug", "title" and perhaps "text". Other fields are left alone.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import servers
from report import Section, met, table

CHOSEN_FROM, TEST_FROM = "2024-09-01", "2025-01-01"
FOREIGN = 1000
MAX_LOST = 0.01  # of hit@3, to words and to a foreign history
GOAL = 0.60  # hit@3 of all signals
ALL, MEANING = "all, as the desk fuses them", "titles alone (meaning)"
BOTH = "titles alone (meaning and words)"
GRID = {
    "words": (0.0, 0.01, 0.02, 0.05, 0.1),
    "text_spread": (0.03, 0.05, 0.08),
    "votes": (0.6, 0.7, 0.8),
    "vote_spread": (0.06, 0.08, 0.1, 0.13),
}


@dataclass(frozen=True)
class Question:
    """What was asked, and the slugs of what was linked."""

    title: str
    text: str
    kb: frozenset[str]
    created: str = ""


def read(path: Path) -> Iterator[dict]:
    """The rows of a file of JSON lines."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except ValueError:
                sys.exit(f"{path.name}, line {number}: this is no JSON.")


def questions_of(path: Path, known: set[str]) -> list[Question]:
    """Those with a linked article whose title is known, oldest first."""
    found = []
    for number, row in enumerate(read(path), start=1):
        if not {"title", "kb"} <= row.keys():
            sys.exit(f'{path.name}, row {number}: "title" and "kb" are needed.')
        if kb := known & set(row["kb"]):
            kept = row["title"], row.get("text", ""), frozenset(kb), str(row.get("created", ""))
            found.append(Question(*kept))
    return sorted(found, key=lambda question: question.created)


class Desk:
    """A scratch desk that holds the articles, and so much history as it was taught."""

    def __init__(self, titles: Sequence[dict]) -> None:
        from django.core.management import call_command

        from appliance.accounts import services as accounts_services
        from appliance.accounts.models import Role
        from appliance.triage import engine
        from appliance.triage.services import index_space

        call_command("migrate", verbosity=0)
        self.models = engine.current()
        self.space = engine.active_space()
        index_space(self.space)
        self.agent = accounts_services.add_user(
            email="bench@bench.example", first_name="Ada", role=Role.AGENT, password="x" * 30
        )
        self.customer = accounts_services.add_customer(
            email="asks@bench.example", first_name="Asks"
        )
        rows = {row["slug"]: row for row in titles}  # two products may share one
        self.articles = {slug: self.write(row) for slug, row in rows.items()}
        self.vectors: dict[Question, np.ndarray] = {}

    def write(self, row: dict) -> int:
        from appliance.knowledge.models import Article
        from appliance.triage.services import refresh_article

        article = Article.objects.create(
            title=row["title"][:200], content=row.get("text", ""), status="published"
        )
        refresh_article(article.pk)
        return article.pk

    def vector(self, question: Question) -> np.ndarray:
        """Its meaning, read once."""
        if question not in self.vectors:
            text = f"{question.title}\n{question.text}"
            self.vectors[question] = self.models.embed(text, space=self.space)
        return self.vectors[question]

    def teach(self, questions: Sequence[Question]) -> list[int]:
        """Earlier tickets: solved, with the articles that were sent there. Their numbers."""
        from appliance.knowledge.models import ArticleLink
        from appliance.tickets.models import Ticket
        from appliance.triage.models import TicketVector

        tickets = Ticket.objects.bulk_create(
            Ticket(
                customer=self.customer,
                subject=one.title[:200],
                description=one.text,
                status="solved",
            )
            for one in questions
        )
        pairs = list(zip(tickets, questions, strict=True))
        TicketVector.objects.bulk_create(
            TicketVector(ticket=ticket, space=self.space, vector=self.vector(one), text_sha256="")
            for ticket, one in pairs
        )
        ArticleLink.objects.bulk_create(
            ArticleLink(ticket=ticket, article_id=self.articles[slug], how="sent")
            for ticket, one in pairs
            for slug in one.kb
        )
        return [ticket.pk for ticket in tickets]

    def gather(self, questions: Sequence[Question]) -> list:
        """What the desk finds for each question before it is fused."""
        from appliance.triage.matching import gather_evidence

        return [
            gather_evidence(self.agent, f"{one.title}\n{one.text}", self.vector(one), self.space)
            for one in questions
        ]

    def right(self, question: Question) -> set[int]:
        return {self.articles[slug] for slug in question.kb}


@dataclass(frozen=True)
class Figures:
    """Of one way to rank: shares of the questions, and the mean of 1 / rank."""

    hit1: float
    hit3: float
    mrr: float


def score(ranks: Sequence[Sequence[int]], right: Sequence[set[int]]) -> Figures:
    """From ranked ids and the right ones."""
    places = [
        next((n for n, key in enumerate(ranked, start=1) if key in want), 0)
        for ranked, want in zip(ranks, right, strict=True)
    ]
    return Figures(
        hit1=sum(place == 1 for place in places) / len(places),
        hit3=sum(0 < place <= 3 for place in places) / len(places),
        mrr=sum(1 / place for place in places if place) / len(places),
    )


def ways(found: list) -> dict[str, list[list[int]]]:
    """The same evidence ranked by each signal alone, by the text, and by all."""
    from appliance.triage.fusion import Weights, fuse

    def ranked(rows: list) -> list[list[int]]:
        return [[one.key for one in row] for row in rows]

    only_votes = Weights(votes=1.0, silent_votes=0.0)
    return {
        "words alone": ranked([fuse({}, one.words) for one in found]),
        MEANING: ranked([fuse(one.cosines, {}) for one in found]),
        BOTH: ranked([fuse(o.cosines, o.words) for o in found]),
        "votes alone": ranked([fuse({}, {}, one.neighbours, only_votes) for one in found]),
        ALL: ranked([fuse(one.cosines, one.words, one.neighbours) for one in found]),
    }


def fused(found: list, right: list[set[int]], **changed: float) -> dict[str, float]:
    """The figures of all signals, with other weights where they are named."""
    from appliance.triage.fusion import MEASURED, fuse

    weights = replace(MEASURED, **changed)
    ranks = [[r.key for r in fuse(o.cosines, o.words, o.neighbours, weights)] for o in found]
    return asdict(score(ranks, right))


def tune(bench: Desk, choosing: list[Question]) -> list[tuple[dict, dict]]:
    """The ten best of the grid on the questions that choose: figures, and weights."""
    found, right = bench.gather(choosing), [bench.right(one) for one in choosing]
    tried = []
    for values in product(*GRID.values()):
        weights = dict(zip(GRID, values, strict=True))
        tried.append((fused(found, right, **weights), weights))
    return sorted(tried, key=lambda row: (row[0]["hit3"], row[0]["mrr"]), reverse=True)[:10]


def run(args: argparse.Namespace) -> dict:
    """The figures, on a desk that is gone afterwards."""
    given = load(args)
    with servers.running() as desk:
        desk.enter()
        bench = Desk(given["titles"])
        report: dict = {"articles": len(bench.articles)}
        right = [bench.right(one) for one in given["questions"]]
        foreign = given["history"][:FOREIGN] if given["choosing"] else []
        if foreign:
            bench.teach(foreign)
            found = bench.gather(given["questions"])
            report["foreign"] = asdict(score(ways(found)[ALL], right))
        bench.teach(given["history"][len(foreign) :])
        if given["choosing"]:
            if args.tune:
                report["tuned"] = tune(bench, given["choosing"])
            bench.teach(given["choosing"])
        found = bench.gather(given["questions"])
        report["history"] = len(given["history"]) + len(given["choosing"])
        report["questions"] = len(right)
        report["ways"] = {name: asdict(score(rows, right)) for name, rows in ways(found).items()}
        return report


def load(args: argparse.Namespace) -> dict:
    """Titles, history, the slice that chooses and the questions of the test."""
    folder = args.data
    titles = list(read(args.titles or folder / "kb_titles.jsonl.gz"))
    known = {row["slug"] for row in titles}
    if args.questions:
        return {
            "titles": titles,
            "history": questions_of(args.history, known) if args.history else [],
            "choosing": [],
            "questions": questions_of(args.questions, known),
        }
    rows = questions_of(folder / "kb_links_to_2025.jsonl.gz", known)
    return {
        "titles": titles,
        "history": [row for row in rows if row.created < CHOSEN_FROM],
        "choosing": [row for row in rows if CHOSEN_FROM <= row.created < TEST_FROM],
        "questions": [row for row in rows if row.created >= TEST_FROM],
    }


def lines(report: dict) -> list[str]:
    """The section of the page."""
    shown = dict(report["ways"])
    if "foreign" in report:
        shown[f"all, with {FOREIGN:,} questions about another product as history"] = report[
            "foreign"
        ]
    rows = [
        (name, *(f"{figures[key]:.3f}" for key in ("hit1", "hit3", "mrr")))
        for name, figures in shown.items()
    ]
    hit3 = {name: figures["hit3"] for name, figures in shown.items()}
    goals = [
        f"Goal: hit@3 of all at least {GOAL:.2f}: {met(hit3[ALL] >= GOAL)}.",
        f"Words cost the titles at most a point: {met(hit3[MEANING] - hit3[BOTH] <= MAX_LOST)}.",
    ]
    if "foreign" in report:
        is_harmless = hit3[MEANING] - report["foreign"]["hit3"] <= MAX_LOST
        goals.append(f"So does a history of another product: {met(is_harmless)}.")
    return [
        f"{report['questions']:,} questions, {report['articles']:,} articles, and"
        f" {report['history']:,} earlier questions with what people linked to them.",
        "",
        *table(["ranked by", "hit@1", "hit@3", "MRR"], rows),
        "",
        " ".join(goals),
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of kb_links_to_2025 and kb_titles")
    parser.add_argument("--questions", type=Path, help="what is asked, with what was linked")
    parser.add_argument("--history", type=Path, help="what was asked before, the same fields")
    parser.add_argument("--titles", type=Path, help="the articles: slug and title")
    parser.add_argument("--tune", action="store_true", help="print the best weights of the grid")
    parser.add_argument("--json", action="store_true", help="one object; the page is left alone")
    args = parser.parse_args()
    if bool(args.questions) != bool(args.titles) or not (args.data or args.questions):
        parser.error("name --data, or --questions and --titles (and --history)")
    section = Section("suggestions", "Suggested articles")
    report = run(args)
    if args.json:
        print(json.dumps(report))
        return
    for figures, weights in report.get("tuned", ()):
        print(f"on the questions that choose: {figures}, {weights}", file=sys.stderr)
    section.write(lines(report))


if __name__ == "__main__":
    main()
