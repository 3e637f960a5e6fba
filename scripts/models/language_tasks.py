"""The held-out checks of nine languages: written texts, articles and sentence pairs.

A figure of one language is named "de: accuracy". ``texts/README.md`` describes the written texts;
no model was trained on the files read here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from category_figures import RISK_COVERAGE, category_figures
from data import LANGUAGES, OPENING, is_held_out, read, seeded, written_texts
from measure import hit_rate, macro_f1, spearman

from appliance.inference.predictions import CategoryPrediction, SentimentPrediction

Classify = Callable[[str, Mapping[str, str]], CategoryPrediction]
ReadSentiment = Callable[[str], SentimentPrediction]
Embed = Callable[[str], np.ndarray]

SIMILAR_LANGUAGES = ("de", "fr", "es", "it", "nl", "pl", "pt")  # of stsb_multi
OF_LANGUAGE = (
    "accuracy, second label accepted",
    "coverage at threshold",
    "accuracy of decided, second label accepted",
)
OF_ALL = ("rows", "accuracy", *OF_LANGUAGE, "right, or in the first two suggestions", "ECE")


def written_tickets(
    classify: Classify, labels: Mapping[str, str], limit: int | None = None
) -> dict[str, float]:
    """Return, for each language and for all, the figures of the categories of test tickets."""
    all_rows, all_answers, figures = [], [], {}
    for language in LANGUAGES:
        rows = written_texts(f"test_tickets.{language}")[:limit]
        answers = [classify(row["text"], labels) for row in rows]
        figures |= _named(language, _ticket_figures(rows, answers, OF_LANGUAGE))
        all_rows += rows
        all_answers += answers
    overall = category_figures(all_rows, all_answers)
    return {
        **_named("all", _ticket_figures(all_rows, all_answers, OF_ALL)),
        **figures,
        RISK_COVERAGE: overall[RISK_COVERAGE],
    }


def _ticket_figures(rows: list[dict], answers: list, names: tuple[str, ...]) -> dict[str, float]:
    figures = category_figures(rows, answers)
    return {name: figures[name] for name in names}


def out_of_scope(classify: Classify, labels: Mapping[str, str]) -> dict[str, float]:
    """Count the texts out of scope of which a category is decided all the same."""
    rows = written_texts("out_of_scope")
    decided = [classify(row["text"], labels).label is not None for row in rows]
    figures = {"rows": len(rows), "decided": sum(decided)}
    for kind in ("language", "empty", "topic"):
        of_kind = [d for d, row in zip(decided, rows, strict=True) if row["kind"] == kind]
        figures[f"{kind}: decided"] = sum(of_kind)
    return figures


def written_sentences(
    classify_sentiment: ReadSentiment, limit: int | None = None
) -> dict[str, float]:
    """Return the figures of test sentences by language and kind, and of the test tickets."""
    figures: dict[str, float] = {}
    by_kind: dict[str, list[bool]] = defaultdict(list)
    pairs: list[tuple[str, str]] = []
    for language in LANGUAGES:
        rows = written_texts(f"test_sentiment.{language}")[:limit]
        results = [(row["label"], _sentiment(classify_sentiment, row)) for row in rows]
        for row, (truth, label) in zip(rows, results, strict=True):
            by_kind[row["kind"]].append(truth == label)
        pleased = [
            row["kind"] == "anger" and label == "positive"
            for row, (_, label) in zip(rows, results, strict=True)
        ]
        tickets = written_texts(f"test_tickets.{language}")[:limit]
        of_tickets = [(row["sentiment"], _sentiment(classify_sentiment, row)) for row in tickets]
        figures |= _named(
            language,
            {
                "accuracy": _accuracy(results),
                "anger taken for positive": sum(pleased),
                "tickets, accuracy": _accuracy(of_tickets),
            },
        )
        pairs += results
    kinds = {f"{kind}: accuracy": float(np.mean(right)) for kind, right in by_kind.items()}
    overall = {
        "rows": len(pairs),
        "accuracy": _accuracy(pairs),
        "macro-F1": macro_f1([truth for truth, _ in pairs], [label for _, label in pairs]),
    }
    return {**overall, **kinds, **figures}


def _sentiment(classify_sentiment: ReadSentiment, row: dict) -> str:
    """Return the predicted label, "" in a language that the bundle was not measured on."""
    return classify_sentiment(row["text"]).label or ""


def _accuracy(pairs: list[tuple[str, str]]) -> float:
    return float(np.mean([truth == label for truth, label in pairs]))


def questions_in_other_languages(
    data: Path, embed: Embed, limit: int | None = None
) -> dict[str, float]:
    """Return how often a title, or the opening of an article, finds its English title.

    The queries are the articles that are held out, in eight languages; the corpus is the English
    titles of all articles, also of those in the training mix.
    """
    rows = list(read(data / "multilingual", "ms_intune_9_languages"))
    places: dict[str, set[int]] = defaultdict(set)
    for number, row in enumerate(rows):
        places[row["en"]["title"]].add(number)  # some titles occur twice
    titles = _vectors(embed, [row["en"]["title"] for row in rows])
    held_out = [row for row in rows if is_held_out(row["id"])][:limit]
    figures: dict[str, float] = {"articles": len(rows), "held out": len(held_out)}
    for name, query in (
        ("title", lambda part: part["title"]),
        ("opening", lambda part: part["text"][:OPENING]),
    ):
        rates = {}
        for language in LANGUAGES[1:]:
            rows_with_query = [row for row in held_out if query(row[language])]
            right = [places[row["en"]["title"]] for row in rows_with_query]
            vectors = _vectors(embed, [query(row[language]) for row in rows_with_query])
            rates[language] = hit_rate(vectors, titles, right, 3)
        figures[f"mean: {name}, hit@3"] = float(np.mean(list(rates.values())))
        figures[f"lowest: {name}, hit@3"] = min(rates.values())
        figures |= {f"{language}: {name}, hit@3": rate for language, rate in rates.items()}
    return figures


def similarity_in_languages(data: Path, embed: Embed, limit: int | None = None) -> dict[str, float]:
    """Return the rank correlation on STS-B dev in seven languages, and across languages.

    Across languages, the two sentences of a pair are in different languages out of eight.
    """
    sides: dict[str, list[dict]] = {
        "en": [row for row in read(data, "stsb") if row["split"] == "dev"][:limit]
    }
    for row in read(data / "multilingual", "stsb_multi"):
        rows = sides.setdefault(row["lang"], [])
        if row["split"] == "dev" and len(rows) < len(sides["en"]):
            rows.append(row)
    scores = [row["score"] for row in sides["en"]]
    if any([row["score"] for row in rows] != scores for rows in sides.values()):
        raise ValueError("The dev splits of stsb and stsb_multi are not in the same order.")
    within = {name: _correlation(embed, rows, rows, scores) for name, rows in sides.items()}
    rng = seeded(3)
    languages = [rng.sample(sorted(sides), 2) for _ in scores]
    across = _correlation(
        embed,
        [sides[first][number] for number, (first, _) in enumerate(languages)],
        [sides[second][number] for number, (_, second) in enumerate(languages)],
        scores,
    )
    return {
        "rows": len(scores),
        "mean of seven languages: spearman": float(
            np.mean([within[language] for language in SIMILAR_LANGUAGES])
        ),
        "across languages: spearman": across,
        **{f"{language}: spearman": value for language, value in within.items()},
    }


def _correlation(
    embed: Embed, firsts: list[dict], seconds: list[dict], scores: list[float]
) -> float:
    cosines = [
        float(embed(first["a"]) @ embed(second["b"]))
        for first, second in zip(firsts, seconds, strict=True)
    ]
    return spearman(cosines, scores)


def _named(language: str, figures: Mapping[str, float]) -> dict[str, float]:
    return {f"{language}: {name}": value for name, value in figures.items()}


def _vectors(embed: Embed, texts: Iterable[str]) -> np.ndarray:
    return np.stack([embed(text) for text in texts])
