"""The held-out checks: each takes functions over one text, and gives named figures."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from data import part_of, read, seeded
from measure import calibration_error, hits, macro_f1, spearman
from moods import is_mood_test, mood_texts, was_seen_before
from tones import PROBES

from appliance.inference.answers import CategoryAnswer, SentimentAnswer

Classify = Callable[[str, Mapping[str, str]], CategoryAnswer]
Mood = Callable[[str], SentimentAnswer]
Embed = Callable[[str], np.ndarray]

TEST_PART, CALIBRATION_PART = 0, 1


def taxonomy_rows(data: Path, part: int | None, source: str | None = None) -> list[dict]:
    """Hand-labelled tickets of one part, or of all, and of one source, or of all."""
    return [
        row
        for row in read(data, "labelled_tickets")
        if part in (None, part_of(row["text"])) and source in (None, row["source"])
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
    rows = [
        r
        for r in read(data, "ms_support_articles")
        if len(r.get("resolution") or "") > 80 and len(r.get("symptoms") or "") > 40
    ]
    seeded(3).shuffle(rows)
    rows = rows[:1000]
    corpus = np.array([embed(row["resolution"]) for row in rows])
    right = [{at} for at in range(queries)]
    figures: dict[str, float] = {"articles": len(rows)}
    for key in ("title", "symptoms"):
        asked = np.array([embed(row[key][:600]) for row in rows[:queries]])
        figures[f"{key} → resolution, hit@1"] = hits(asked, corpus, right, 1)
        figures[f"{key} → resolution, hit@3"] = hits(asked, corpus, right, 3)
    return figures


def linked_titles(data: Path, embed: Embed, queries: int = 500) -> dict[str, float]:
    """Real questions against titles of the articles that human helpers linked."""
    titles = list(read(data, "kb_titles"))
    corpus = np.array([embed(row["title"]) for row in titles])
    place = {row["slug"]: at for at, row in enumerate(titles)}
    rows = [r for r in read(data, "kb_links_to_2025") if any(s in place for s in r["kb"])]
    rows = seeded(3).sample(rows, queries)
    asked = np.array([embed(f"{row['title']}\n{row['text']}") for row in rows])
    right = [{place[slug] for slug in row["kb"] if slug in place} for row in rows]
    return {"titles": len(titles), "hit@3": hits(asked, corpus, right, 3)}
