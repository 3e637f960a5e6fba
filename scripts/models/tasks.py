"""The held-out checks: each takes functions of one text and returns measure → figure."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from category_figures import category_figures, shown_figures
from data import part_of, project_labels, read, seeded, ticket_rows
from measure import hit_rate, hit_rate_of_scores, macro_f1, spearman
from pairs import article_rows, linked_rows, question_text
from sentiment_data import is_test_row, training_texts, was_seen_before
from synthetic_sentences import PROBES
from votes import combined_scores, vote_scores

from appliance.inference.predictions import CategoryPrediction, SentimentPrediction

Classify = Callable[[str, Mapping[str, str]], CategoryPrediction]
ReadSentiment = Callable[[str], SentimentPrediction]
Embed = Callable[[str], np.ndarray]

TEST_PART, CALIBRATION_PART = 0, 1
DEMO = Path(__file__).resolve().parents[2] / "appliance/web/demo/tickets.jsonl"


def labelled_tickets(
    data: Path, part: int | None, drawn: tuple[str, ...] = ("first", "random")
) -> list[dict]:
    """Return the hand-labelled tickets of one part, or of all.

    Those drawn as "picked" are left out by default: they were selected because they are hard.
    """
    return [
        row
        for row in ticket_rows(data)
        if part in (None, part_of(row["text"])) and row["drawn"] in drawn
    ]


def demo_tickets() -> list[dict]:
    """Return the tickets of the demo data (a hospital); no model was trained on them."""
    with DEMO.open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row.get("category")]
    return [
        {
            "text": f"{row['subject']}\n{row['description']}",
            "category": row["category"],
            "second": None,
            "confidence": "high",
            "source": "demo",
        }
        for row in rows
    ]


def category_scores(
    rows: list[dict], classify: Classify, labels: Mapping[str, str]
) -> dict[str, float]:
    """Return accuracy, calibration error, coverage at the threshold, and risk by coverage."""
    answers = [classify(row["text"], labels) for row in rows]
    return shown_figures(category_figures(rows, answers))


def annotator_agreement(data: Path) -> dict[str, float]:
    """Return how often two annotators of the same tickets agree: the limit for a classifier."""
    first = {r["id"]: r for r in read(data, "labelled_tickets") if r["source"] == "it_tickets_47k"}
    pairs = [(first[int(row["id"])], row) for row in project_labels("twice_read")]
    same = np.array([a["category"] == b["category"] for a, b in pairs])
    either = np.array([b["category"] in (a["category"], a["second"]) for a, b in pairs])
    clear = np.array([a["confidence"] == "high" for a, _ in pairs])
    return {
        "rows": len(pairs),
        "accuracy": same.mean(),
        "accuracy, second label accepted": either.mean(),
        "accuracy, confident labels": same[clear].mean(),
    }


def sst2(data: Path, classify_sentiment: ReadSentiment) -> dict[str, float]:
    """Return the accuracy of positive against negative on the public dev set.

    A neutral prediction counts by the sign of its score.
    """
    rows = list(read(data, "sst2_dev"))
    right = [(classify_sentiment(r["text"]).score > 0) == (r["label"] == "positive") for r in rows]
    return {"rows": len(rows), "accuracy": float(np.mean(right))}


def sentiment_test_splits(
    data: Path, classify_sentiment: ReadSentiment, limit: int = 700
) -> dict[str, float]:
    """Return macro-F1 and accuracy of three classes on the test splits.

    The sources are tickets, developers' comments, tweets, and Amazon reviews, which are positive
    or negative only (a neutral prediction is wrong). A row whose text or title is in the training
    mix, from another file, is left out.
    """
    figures, seen = {}, training_texts(data)
    for name, key in (
        ("labelled_tickets", "sentiment"),
        ("senti4sd_train", "label"),
        ("tweet_sentiment", "label"),
        ("uci_sentiment", "label"),
    ):
        rows = [
            r
            for r in read(data, name)
            if part_of(r["text"]) == TEST_PART
            and (name == "labelled_tickets" or is_test_row(name, r))
            and r.get("source") != "ms_support"  # symptoms of articles are in the training mix
            and not seen & {r["text"], *r["text"].split(" | ")}
            and not was_seen_before(r["text"])
        ]
        seeded(3).shuffle(rows)
        rows = rows[:limit]
        predictions = [classify_sentiment(row["text"]).label for row in rows]
        truth = [row[key] for row in rows]
        figures[f"{name}: rows"] = len(rows)
        figures[f"{name}: macro-F1"] = macro_f1(truth, predictions)
        figures[f"{name}: accuracy"] = float(np.mean(np.array(truth) == np.array(predictions)))
    return figures


def probe_sentences(classify_sentiment: ReadSentiment) -> dict[str, float]:
    """Return the accuracy on our own sentences whose wording contradicts their sentiment."""
    right = {"negative": [], "neutral": [], "positive": []}
    for text, label in PROBES:
        right[label].append(classify_sentiment(text).label == label)
    figures = {f"{label}: accuracy": float(np.mean(is_right)) for label, is_right in right.items()}
    return {"rows": len(PROBES), **figures}


def similarity(data: Path, embed: Embed, limit: int = 1379) -> dict[str, float]:
    """Return the rank correlation of cosines with the annotators' scores, STS-B test split."""
    rows = [row for row in read(data, "stsb") if row["split"] == "test"][:limit]
    cosines = [float(embed(row["a"]) @ embed(row["b"])) for row in rows]
    return {"rows": len(rows), "spearman": spearman(cosines, [row["score"] for row in rows])}


def articles(data: Path, embed: Embed, queries: int = 400) -> dict[str, float]:
    """Return how often the title, or the symptoms, of a support article finds its resolution."""
    rows = article_rows(data)[1]
    corpus = np.array([embed(row["resolution"]) for row in rows])
    right = [{at} for at in range(queries)]
    figures: dict[str, float] = {"articles": len(rows)}
    for name, texts in {
        "title": [row["title"] for row in rows[:queries]],
        "symptoms": [row["symptoms"][:600] for row in rows[:queries]],
        "symptoms without codes": [without_codes(row["symptoms"])[:600] for row in rows[:queries]],
    }.items():
        vectors = _vectors(embed, texts)
        figures[f"{name} → resolution, hit@1"] = hit_rate(vectors, corpus, right, 1)
        figures[f"{name} → resolution, hit@3"] = hit_rate(vectors, corpus, right, 3)
    return figures


def without_codes(text: str) -> str:
    """Return the text without the words that hold a digit, such as error codes and versions."""
    return " ".join(word for word in text.split() if not re.search(r"\d", word))


def linked_titles(data: Path, embed: Embed) -> dict[str, float]:
    """Return how often a later question finds the title of an article that a helper linked."""
    titles, later = list(read(data, "kb_titles")), linked_rows(data)[1]
    cosines = _vectors(embed, map(question_text, later)) @ _vectors(embed, _titles(titles)).T
    right = [set(np.flatnonzero(row)) for row in _links(later, titles)]
    return {
        "questions": len(later),
        "titles": len(titles),
        "hit@3": hit_rate_of_scores(cosines, right, 3),
    }


def linked_titles_with_votes(data: Path, embed: Embed) -> dict[str, float]:
    """Return ``linked_titles`` with votes of the nearest earlier questions, as in production."""
    titles, (earlier, later) = list(read(data, "kb_titles")), linked_rows(data)
    vectors = _vectors(embed, map(question_text, later))
    votes = vote_scores(
        vectors, _vectors(embed, map(question_text, earlier)), _links(earlier, titles)
    )
    scores = combined_scores(votes, vectors @ _vectors(embed, _titles(titles)).T)
    right = [set(np.flatnonzero(row)) for row in _links(later, titles)]
    return {
        "questions": len(later),
        "earlier questions": len(earlier),
        "votes alone: hit@3": hit_rate_of_scores(votes, right, 3),
        "hit@3": hit_rate_of_scores(scores, right, 3),
    }


def _titles(rows: list[dict]) -> list[str]:
    return [row["title"] for row in rows]


def _links(rows: list[dict], titles: list[dict]) -> np.ndarray:
    """Return (questions, titles): 1 where a helper linked the article."""
    return np.array([[float(title["slug"] in row["kb"]) for title in titles] for row in rows])


def _vectors(embed: Embed, texts: Iterable[str]) -> np.ndarray:
    return np.stack([embed(text) for text in texts])
