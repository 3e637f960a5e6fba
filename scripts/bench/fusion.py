#!/usr/bin/env python3
"""Compare hybrid search with full text search and embeddings alone, by kind of query.

    python scripts/bench/fusion.py --data DIR [--tune]

A scratch installation gets articles and tickets of the public data sets in DIR and runs the
queries of fusion_queries.py. The results of each query are ranked by full text only, by embeddings
only, and by the fusion of the product. Every second query is for choosing the rule (--tune prints
the best values on them), the others are the test.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import _environment  # noqa: F401
import fusion_queries
import servers
from fusion_queries import LabelledQuery
from report import Section, met, table
from suggestions import Figures, KnowledgeBase, score

MAX_LOSS = 0.01  # of hit@3 or MRR, compared with the better of the two alone
GRID = {
    "all_words_bonus": (0.3, 0.4, 0.6, 0.8),
    "all_words_rows": (5, 20, 50, 100),
    "prefix_rows": (1, 3, 5, 10),
}


@dataclass(frozen=True)
class QueryResult:
    """The rankings of all retrievers for one query, and the relevant items."""

    labelled: LabelledQuery
    rankings: dict
    right: set
    length: int  # words of the query


def run_queries(
    knowledge_base: KnowledgeBase, questions: Sequence[LabelledQuery], tickets: list[int]
) -> list[QueryResult]:
    """Run the queries with all retrievers, as an agent."""
    from appliance.search import corpora, pipeline, query_parser, retrievers
    from appliance.search.corpora import SearchFilters
    from appliance.triage.vector_search import find_query_vector

    results = []
    for question in questions:
        query = query_parser.parse_query(question.text)
        vector = find_query_vector(question.text)
        searched = corpora.list_corpora(knowledge_base.agent, question.item_kind, SearchFilters())
        with retrievers.query_limits():
            retrieval = pipeline.retrieve(searched, query, "best")
            retrieval = pipeline.add_meaning(retrieval, searched, query, vector)
        right = {("article", knowledge_base.articles[slug]) for slug in question.articles}
        right |= {("ticket", tickets[n]) for n in question.tickets}
        results.append(QueryResult(question, dict(retrieval.rankings), right, len(query.words)))
    return results


def collect(folder: Path) -> list[QueryResult]:
    """Return the results of all queries, on a temporary installation."""
    first = fusion_queries.title_test_set(folder)
    with servers.running() as installation:
        installation.set_up_django()
        knowledge_base = KnowledgeBase(first.articles)
        results = run_queries(knowledge_base, first.questions, [])
        second = fusion_queries.text_test_set(folder)
        for row in second.articles:
            knowledge_base.articles[row["slug"]] = knowledge_base.add_article(row)
        tickets = knowledge_base.add_history(second.tickets)
        return results + run_queries(knowledge_base, second.questions, tickets)


def ranks(results: Sequence[QueryResult], fuse: Callable[[QueryResult], list]) -> Figures:
    """Return the figures of one ranking function."""
    return score([[hit.key for hit in fuse(f)] for f in results], [f.right for f in results])


def rankings() -> dict[str, Callable[[QueryResult], list]]:
    """Return name → ranking function."""
    from appliance.search.ranking import fuse

    def without_embeddings(result: QueryResult) -> list:
        rows = {name: ids for name, ids in result.rankings.items() if name != "meaning"}
        return fuse(rows)

    return {
        "full text": without_embeddings,
        "embeddings": lambda result: fuse({"meaning": result.rankings.get("meaning", [])}),
        "hybrid": lambda result: fuse(result.rankings),
    }


def figures(results: Sequence[QueryResult]) -> dict[str, dict[str, Figures]]:
    """Return kind of query → ranking → figures."""
    return {
        kind: {
            name: ranks([result for result in results if result.labelled.kind == kind], ranking)
            for name, ranking in rankings().items()
        }
        for kind in fusion_queries.KINDS
    }


def loss(of_kind: dict[str, Figures], measure: str) -> float:
    """Return how much worse hybrid search is than the better of the two; negative: better."""
    best = max(getattr(of_kind[name], measure) for name in ("full text", "embeddings"))
    return best - getattr(of_kind["hybrid"], measure)


def tune(results: Sequence[QueryResult]) -> list[tuple[float, float, dict]]:
    """Return the ten best rules of the grid: largest loss on a kind, mean MRR, rule."""
    from appliance.search.ranking import DEFAULT_RULE, fuse

    trials = []
    alone = figures(results)
    for values in product(*GRID.values()):
        changed = dict(zip(GRID, values, strict=True))
        rule = replace(DEFAULT_RULE, **changed)
        both = {
            kind: ranks(
                [result for result in results if result.labelled.kind == kind],
                lambda result, rule=rule: fuse(result.rankings, rule),
            )
            for kind in alone
        }
        losses = [
            loss(alone[kind] | {"hybrid": both[kind]}, measure)
            for kind in alone
            for measure in ("hit3", "mrr")
        ]
        mean = sum(figures_of_kind.mrr for figures_of_kind in both.values()) / len(both)
        trials.append((max(*losses, MAX_LOSS), -mean, changed))
    best = sorted(trials, key=lambda row: row[:2])[:10]
    return [(worst, -mean, rule) for worst, mean, rule in best]


def split(results: Sequence[QueryResult]) -> tuple[list[QueryResult], list[QueryResult]]:
    """Return (validation, test): every second query of each kind is for validation."""
    ordered = sorted(results, key=lambda result: (result.labelled.kind, result.labelled.text))
    return ordered[::2], ordered[1::2]


def lines(results: Sequence[QueryResult]) -> list[str]:
    """Return the section of the page."""
    of_kinds, rows = figures(results), []
    for kind, of_kind in of_kinds.items():
        count = sum(result.labelled.kind == kind for result in results)
        cells = [f"{of_kind[name].hit3:.3f} / {of_kind[name].mrr:.3f}" for name in rankings()]
        worst = max(loss(of_kind, "hit3"), loss(of_kind, "mrr"))
        rows.append((kind, f"{count}", *cells, met(worst <= MAX_LOSS)))
    rules = fusion_queries.__doc__.split("\n\n", 1)[1].strip()
    return [
        rules,
        "",
        f"hit@3 / MRR on the {len(results):,} test queries. Goal: hybrid search loses at most"
        f" {MAX_LOSS * 100:.0f} point of either measure compared with the better one alone.",
        "",
        *table(["query", "number", *rankings(), "goal met"], rows),
    ]


def main() -> None:
    """Run the queries and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--tune", action="store_true", help="print the best rules of the grid")
    args = parser.parse_args()
    section = Section("fusion", "Hybrid search")
    validation, test = split(collect(args.data))
    if args.tune:
        for worst, mean, rule in tune(validation):
            print(f"largest loss {worst:.3f}, mean MRR {mean:.3f}: {rule}", file=sys.stderr)
    section.write(lines(test))


if __name__ == "__main__":
    main()
