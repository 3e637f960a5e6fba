#!/usr/bin/env python3
"""Measure how often a relevant article is among the first suggestions, by signal and fused.

    python scripts/bench/suggestions.py --data DIR [--tune]
    python scripts/bench/suggestions.py --questions F --history F --titles F

Titles become articles of a scratch installation, earlier questions become solved tickets on which
the linked articles were sent, and the product ranks articles for each later question. With --data
the questions of kb_links are split by time: weights are chosen on those of late 2024 with the
earlier ones as history (--tune prints the best), and those of 2025 are the test. The test is also
run with the oldest questions (FOREIGN_QUESTIONS) as the only history: they are about another
product and must not make the ranking worse.

The three files are JSON lines, with or without gzip: questions and history have "title", "text"
and "kb" (a list of slugs), titles have "slug", "title" and optionally "text". Other fields are
ignored.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import _environment  # noqa: F401
import numpy as np
import servers
from report import Section, met, table

VALIDATION_FROM, TEST_FROM = "2024-09-01", "2025-01-01"
FOREIGN_QUESTIONS = 1000
MAX_LOSS = 0.01  # of hit@3, by adding terms or a foreign history
GOAL = 0.60  # hit@3 of all signals
ALL, MEANING = "all, as in production", "title embeddings only"
BOTH = "title embeddings and terms"
GRID = {
    "words": (0.0, 0.01, 0.02, 0.05, 0.1),
    "text_spread": (0.03, 0.05, 0.08),
    "votes": (0.6, 0.7, 0.8),
    "vote_spread": (0.06, 0.08, 0.1, 0.13),
}


@dataclass(frozen=True)
class Question:
    """A question and the slugs of its linked articles."""

    title: str
    text: str
    kb: frozenset[str]
    created: str = ""


def read(path: Path) -> Iterator[dict]:
    """Yield the rows of a JSON-lines file; exit on invalid JSON."""
    open_file = gzip.open if path.suffix == ".gz" else open
    with open_file(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except ValueError:
                sys.exit(f"{path.name}, line {number}: not valid JSON.")


def questions_of(path: Path, known: set[str]) -> list[Question]:
    """Return the questions with a linked article whose title is known, oldest first."""
    questions = []
    for number, row in enumerate(read(path), start=1):
        if not {"title", "kb"} <= row.keys():
            sys.exit(f'{path.name}, row {number}: "title" and "kb" are needed.')
        if kb := known & set(row["kb"]):
            values = row["title"], row.get("text", ""), frozenset(kb), str(row.get("created", ""))
            questions.append(Question(*values))
    return sorted(questions, key=lambda question: question.created)


class KnowledgeBase:
    """The articles and history of a scratch installation."""

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
            email="bench@bench.example",
            first_name="Ada",
            role=Role.AGENT,
            password="x" * 30,
        )
        self.customer = accounts_services.add_customer(
            email="asks@bench.example", first_name="Asks"
        )
        rows = {row["slug"]: row for row in titles}  # two products may share a slug
        self.articles = {slug: self.add_article(row) for slug, row in rows.items()}
        self.vectors: dict[Question, np.ndarray] = {}

    def add_article(self, row: dict) -> int:
        """Create a published article with its passages; return its id."""
        from appliance.knowledge.models import Article
        from appliance.triage.services import refresh_article

        article = Article.objects.create(
            title=row["title"][:200], content=row.get("text", ""), status="published"
        )
        refresh_article(article.pk)
        return article.pk

    def vector(self, question: Question) -> np.ndarray:
        """Return the embedding of a question, computed once."""
        if question not in self.vectors:
            text = f"{question.title}\n{question.text}"
            self.vectors[question] = self.models.embed(text, space=self.space)
        return self.vectors[question]

    def add_history(self, questions: Sequence[Question]) -> list[int]:
        """Create solved tickets with the articles that were sent on them; return their ids."""
        from appliance.knowledge.models import ArticleLink
        from appliance.tickets.models import Ticket
        from appliance.triage.models import TicketVector

        tickets = Ticket.objects.bulk_create(
            Ticket(
                customer=self.customer,
                subject=question.title[:200],
                description=question.text,
                status="solved",
            )
            for question in questions
        )
        pairs = list(zip(tickets, questions, strict=True))
        TicketVector.objects.bulk_create(
            TicketVector(
                ticket=ticket, space=self.space, vector=self.vector(question), text_sha256=""
            )
            for ticket, question in pairs
        )
        ArticleLink.objects.bulk_create(
            ArticleLink(ticket=ticket, article_id=self.articles[slug], how="sent")
            for ticket, question in pairs
            for slug in question.kb
        )
        return [ticket.pk for ticket in tickets]

    def gather(self, questions: Sequence[Question]) -> list:
        """Return the evidence for each question before the fusion."""
        from appliance.triage.matching import gather_evidence

        return [
            gather_evidence(
                self.agent,
                f"{question.title}\n{question.text}",
                self.vector(question),
                self.space,
            )
            for question in questions
        ]

    def right(self, question: Question) -> set[int]:
        """Return the ids of the linked articles."""
        return {self.articles[slug] for slug in question.kb}


@dataclass(frozen=True)
class Figures:
    """hit@1, hit@3 and the mean reciprocal rank of one ranking."""

    hit1: float
    hit3: float
    mrr: float


def score(ranks: Sequence[Sequence[int]], right: Sequence[set[int]]) -> Figures:
    """Return the figures of ranked ids and the relevant ids of each question."""
    positions = [
        next((n for n, key in enumerate(ranked, start=1) if key in relevant), 0)
        for ranked, relevant in zip(ranks, right, strict=True)
    ]
    return Figures(
        hit1=sum(place == 1 for place in positions) / len(positions),
        hit3=sum(0 < place <= 3 for place in positions) / len(positions),
        mrr=sum(1 / place for place in positions if place) / len(positions),
    )


def rankings(evidence: list) -> dict[str, list[list[int]]]:
    """Return the evidence ranked by each signal alone, by the text, and by all signals."""
    from appliance.triage.fusion import Weights, fuse

    def ranked(rows: list) -> list[list[int]]:
        return [[suggestion.key for suggestion in row] for row in rows]

    only_votes = Weights(votes=1.0, silent_votes=0.0)
    return {
        "terms only": ranked([fuse({}, e.words) for e in evidence]),
        MEANING: ranked([fuse(e.cosines, {}) for e in evidence]),
        BOTH: ranked([fuse(e.cosines, e.words) for e in evidence]),
        "votes only": ranked([fuse({}, {}, e.neighbours, only_votes) for e in evidence]),
        ALL: ranked([fuse(e.cosines, e.words, e.neighbours) for e in evidence]),
    }


def fused_figures(evidence: list, right: list[set[int]], **changed: float) -> dict[str, float]:
    """Return the figures of all signals with changed weights."""
    from appliance.triage.fusion import MEASURED, fuse

    weights = replace(MEASURED, **changed)
    ranks = [[s.key for s in fuse(e.cosines, e.words, e.neighbours, weights)] for e in evidence]
    return asdict(score(ranks, right))


def tune(knowledge_base: KnowledgeBase, validation: list[Question]) -> list[tuple[dict, dict]]:
    """Return the ten best weights of the grid on the validation questions, with their figures."""
    evidence, right = (
        knowledge_base.gather(validation),
        [knowledge_base.right(question) for question in validation],
    )
    trials = []
    for values in product(*GRID.values()):
        weights = dict(zip(GRID, values, strict=True))
        trials.append((fused_figures(evidence, right, **weights), weights))
    return sorted(trials, key=lambda row: (row[0]["hit3"], row[0]["mrr"]), reverse=True)[:10]


def run(args: argparse.Namespace) -> dict:
    """Return the figures, measured on a temporary installation."""
    data = load(args)
    with servers.running() as installation:
        installation.set_up_django()
        knowledge_base = KnowledgeBase(data["titles"])
        report: dict = {"articles": len(knowledge_base.articles)}
        right = [knowledge_base.right(question) for question in data["questions"]]
        foreign = data["history"][:FOREIGN_QUESTIONS] if data["validation"] else []
        if foreign:
            knowledge_base.add_history(foreign)
            evidence = knowledge_base.gather(data["questions"])
            report["foreign"] = asdict(score(rankings(evidence)[ALL], right))
        knowledge_base.add_history(data["history"][len(foreign) :])
        if data["validation"]:
            if args.tune:
                report["tuned"] = tune(knowledge_base, data["validation"])
            knowledge_base.add_history(data["validation"])
        evidence = knowledge_base.gather(data["questions"])
        report["history"] = len(data["history"]) + len(data["validation"])
        report["questions"] = len(right)
        report["rankings"] = {
            name: asdict(score(rows, right)) for name, rows in rankings(evidence).items()
        }
        return report


def load(args: argparse.Namespace) -> dict:
    """Return titles, history, validation questions and test questions."""
    folder = args.data
    titles = list(read(args.titles or folder / "kb_titles.jsonl.gz"))
    known = {row["slug"] for row in titles}
    if args.questions:
        return {
            "titles": titles,
            "history": questions_of(args.history, known) if args.history else [],
            "validation": [],
            "questions": questions_of(args.questions, known),
        }
    rows = questions_of(folder / "kb_links_to_2025.jsonl.gz", known)
    return {
        "titles": titles,
        "history": [row for row in rows if row.created < VALIDATION_FROM],
        "validation": [row for row in rows if VALIDATION_FROM <= row.created < TEST_FROM],
        "questions": [row for row in rows if row.created >= TEST_FROM],
    }


def lines(report: dict) -> list[str]:
    """Return the section of the page."""
    figures_by_ranking = dict(report["rankings"])
    if "foreign" in report:
        figures_by_ranking[
            f"all, with {FOREIGN_QUESTIONS:,} questions about another product as history"
        ] = report["foreign"]
    rows = [
        (name, *(f"{figures[key]:.3f}" for key in ("hit1", "hit3", "mrr")))
        for name, figures in figures_by_ranking.items()
    ]
    hit3 = {name: figures["hit3"] for name, figures in figures_by_ranking.items()}
    goals = [
        f"Goal: hit@3 of all signals at least {GOAL:.2f}: {met(hit3[ALL] >= GOAL)}.",
        "Adding terms to title embeddings costs at most one point of hit@3:"
        f" {met(hit3[MEANING] - hit3[BOTH] <= MAX_LOSS)}.",
    ]
    if "foreign" in report:
        is_harmless = hit3[MEANING] - report["foreign"]["hit3"] <= MAX_LOSS
        goals.append(
            f"A history of another product costs at most one point as well: {met(is_harmless)}."
        )
    return [
        f"{report['questions']:,} questions, {report['articles']:,} articles, and"
        f" {report['history']:,} earlier questions with the articles that people linked.",
        "",
        *table(["ranked by", "hit@1", "hit@3", "MRR"], rows),
        "",
        " ".join(goals),
    ]


def main() -> None:
    """Measure and write the section, or print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of kb_links_to_2025 and kb_titles")
    parser.add_argument("--questions", type=Path, help="test questions with linked articles")
    parser.add_argument("--history", type=Path, help="earlier questions, same fields")
    parser.add_argument("--titles", type=Path, help="articles: slug and title")
    parser.add_argument("--tune", action="store_true", help="print the best weights of the grid")
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object; do not write the page"
    )
    args = parser.parse_args()
    if bool(args.questions) != bool(args.titles) or not (args.data or args.questions):
        parser.error("use --data, or --questions and --titles (and --history)")
    section = Section("suggestions", "Suggested articles")
    report = run(args)
    if args.json:
        print(json.dumps(report))
        return
    for figures, weights in report.get("tuned", ()):
        print(f"on the validation questions: {figures}, {weights}", file=sys.stderr)
    section.write(lines(report))


if __name__ == "__main__":
    main()
