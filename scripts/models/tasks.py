"""The held-out checks: each takes functions over one text, and gives named figures."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from data import labels_read_here, part_of, read, seeded, ticket_rows
from measure import calibration_error, hits, hits_among, macro_f1, spearman
from moods import is_mood_test, mood_texts, was_seen_before
from pairs import article_rows, asked, linked_rows
from tones import PROBES
from votes import ranked, voted

from appliance.inference.answers import CategoryAnswer, SentimentAnswer

Classify = Callable[[str, Mapping[str, str]], CategoryAnswer]
Mood = Callable[[str], SentimentAnswer]
Embed = Callable[[str], np.ndarray]

TEST_PART, CALIBRATION_PART = 0, 1
DEMO = Path(__file__).resolve().parents[2] / "appliance/web/demo/tickets.jsonl"


def taxonomy_rows(
    data: Path, part: int | None, drawn: tuple[str, ...] = ("first", "random")
) -> list[dict]:
    """Hand-labelled tickets of one part, or of all. Picked ones are left out: they were picked for
    being hard."""
    return [
        row
        for row in ticket_rows(data)
        if part in (None, part_of(row["text"])) and row["drawn"] in drawn
    ]


def demo_rows() -> list[dict]:
    """The demo desk's tickets, a hospital's: written for the demo, learnt from by no model."""
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


def taxonomy(rows: list[dict], classify: Classify, labels: Mapping[str, str]) -> dict[str, float]:
    """First choice, first or second, and what is decided at the bundle's threshold."""
    answers = [classify(row["text"], labels) for row in rows]
    best = [answer.scores[0][0] for answer in answers]
    first = np.array([said == row["category"] for said, row in zip(best, rows, strict=True)])
    either = np.array(
        [said in (r["category"], r["second"]) for said, r in zip(best, rows, strict=True)]
    )
    clear = np.array([row["confidence"] == "high" for row in rows])
    sure = np.array([answer.label is not None for answer in answers])
    confidence = np.array([answer.confidence for answer in answers])
    return {
        "rows": len(rows),
        "first choice": first.mean(),
        "first or second": either.mean(),
        "clear ones, first": first[clear].mean(),
        "macro-F1": macro_f1([row["category"] for row in rows], best),
        "coverage at threshold": sure.mean(),
        "decided: first": first[sure].mean() if sure.any() else 0.0,
        "decided: first or second": either[sure].mean() if sure.any() else 0.0,
        "ECE (first choice)": calibration_error(confidence, first),
    }


def readers(data: Path) -> dict[str, float]:
    """How far two readers of the same tickets agree: what no classifier can be better than."""
    first = {r["id"]: r for r in read(data, "labelled_tickets") if r["source"] == "it_tickets_47k"}
    again = [(first[int(row["id"])], row) for row in labels_read_here("twice_read")]
    same = np.array([one["category"] == other["category"] for one, other in again])
    either = np.array([b["category"] in (a["category"], a["second"]) for a, b in again])
    clear = np.array([one["confidence"] == "high" for one, _ in again])
    return {
        "rows": len(again),
        "first choice": same.mean(),
        "first or second": either.mean(),
        "clear ones, first": same[clear].mean(),
    }


def sst2(data: Path, read_mood: Mood) -> dict[str, float]:
    """Positive against negative on the public dev set; a neutral answer is split by its score."""
    rows = list(read(data, "sst2_dev"))
    right = [(read_mood(r["text"]).score > 0) == (r["label"] == "positive") for r in rows]
    return {"rows": len(rows), "accuracy": float(np.mean(right))}


def moods(data: Path, read_mood: Mood, most: int = 700) -> dict[str, float]:
    """Three classes on held-out rows: tickets, technical talk, short messages; Amazon's product
    reviews, which are positive or negative only (an answer of neutral is wrong).

    A row whose text or title also stands in the training mix, from another file, is left out.
    """
    figures, seen = {}, mood_texts(data)
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
            and (name == "labelled_tickets" or is_mood_test(name, r))
            and r.get("source") != "ms_support"  # symptoms of articles stand in the mix
            and not seen & {r["text"], *r["text"].split(" | ")}
            and not was_seen_before(r["text"])
        ]
        seeded(3).shuffle(rows)
        rows = rows[:most]
        said = [read_mood(row["text"]).label for row in rows]
        truth = [row[key] for row in rows]
        figures[f"{name}: rows"] = len(rows)
        figures[f"{name}: macro-F1"] = macro_f1(truth, said)
        figures[f"{name}: accuracy"] = float(np.mean(np.array(truth) == np.array(said)))
    return figures


def tones(read_mood: Mood) -> dict[str, float]:
    """Our own sentences whose words and mood part company; how many are read as meant."""
    right = {"negative": [], "neutral": [], "positive": []}
    for text, mood in PROBES:
        right[mood].append(read_mood(text).label == mood)
    figures = {f"{mood}: right": float(np.mean(said)) for mood, said in right.items()}
    return {"rows": len(PROBES), **figures}


def similarity(data: Path, embed: Embed, most: int = 1379) -> dict[str, float]:
    """Rank correlation of cosine with readers' scores, STS-B test split."""
    rows = [row for row in read(data, "stsb") if row["split"] == "test"][:most]
    near = [float(embed(row["a"]) @ embed(row["b"])) for row in rows]
    return {"rows": len(rows), "spearman": spearman(near, [row["score"] for row in rows])}


def articles(data: Path, embed: Embed, queries: int = 400) -> dict[str, float]:
    """Support articles: does a title, or the symptoms, find the article's resolution?"""
    rows = article_rows(data)[1]
    corpus = np.array([embed(row["resolution"]) for row in rows])
    right = [{at} for at in range(queries)]
    figures: dict[str, float] = {"articles": len(rows)}
    for key in ("title", "symptoms"):
        asked = np.array([embed(row[key][:600]) for row in rows[:queries]])
        figures[f"{key} → resolution, hit@1"] = hits(asked, corpus, right, 1)
        figures[f"{key} → resolution, hit@3"] = hits(asked, corpus, right, 3)
    return figures


def linked_titles(data: Path, embed: Embed) -> dict[str, float]:
    """Later questions against titles of the articles that human helpers linked."""
    titles, later = list(read(data, "kb_titles")), linked_rows(data)[1]
    near = _vectors(embed, map(asked, later)) @ _vectors(embed, _titles(titles)).T
    right = [set(np.flatnonzero(row)) for row in _links(later, titles)]
    return {"questions": len(later), "titles": len(titles), "hit@3": hits_among(near, right, 3)}


def linked_titles_with_votes(data: Path, embed: Embed) -> dict[str, float]:
    """The same with the votes of the nearest earlier questions, as a desk with a past has them."""
    titles, (earlier, later) = list(read(data, "kb_titles")), linked_rows(data)
    vectors = _vectors(embed, map(asked, later))
    votes = voted(vectors, _vectors(embed, map(asked, earlier)), _links(earlier, titles))
    scores = ranked(votes, vectors @ _vectors(embed, _titles(titles)).T)
    right = [set(np.flatnonzero(row)) for row in _links(later, titles)]
    return {
        "questions": len(later),
        "earlier questions": len(earlier),
        "votes alone: hit@3": hits_among(votes, right, 3),
        "hit@3": hits_among(scores, right, 3),
    }


def _titles(rows: list[dict]) -> list[str]:
    return [row["title"] for row in rows]


def _links(rows: list[dict], titles: list[dict]) -> np.ndarray:
    """(questions, titles) one where a helper linked the article."""
    return np.array([[float(title["slug"] in row["kb"]) for title in titles] for row in rows])


def _vectors(embed: Embed, texts: Iterable[str]) -> np.ndarray:
    return np.stack([embed(text) for text in texts])
