"""The training mix of the sentiment model: rows of each file and the confidence in their labels.

Neutral is a plain report or a question, however serious the fault. Held out: the SST-2 dev
sentences (in none of these files), part 0 of every three-class source, and all Amazon reviews in
``uci_sentiment``.
"""

import hashlib
import random
from pathlib import Path

from data import SENTIMENTS, Row, part_of, read, seeded, terse, written_rows
from synthetic_sentences import contrasting_sentences, plain_reports

TEST_REVIEWS = "amazon_cells_labelled"
MIX = (  # file, maximum of rows, probability that a label is right
    ("sentence_polarity_dedup", 9937, 0.95),
    ("uci_sentiment", 2000, 0.95),
    ("senti4sd_train", 3097, 0.94),
    ("tweet_sentiment", 5000, 0.86),
    ("pros_cons", 2000, 0.86),
)
FILES = (
    *(name for name, _, _ in MIX),
    "labelled_tickets",
    "ms_support_articles",
    "banking77_train",
    "goemotions",
    "firefox_questions_2021_2023",
    "thunderbird_questions_to_2025",
)
MULTILINGUAL_FILES = ("ms_intune_9_languages", "gnome_parallel")
# Beginnings of the sha256 of held-out tickets whose titles stood in the mix of version 1, from
# which the shipped version 2 started.
SEEN_TEXTS = {
    "45381417f2a9",
    "f7b93f926ba7",
    "2b8f6c78e215",
    "08c195b75ba3",
    "7e2c6ca21a11",
    "1203f0ea8975",
    "977245fb1b4f",
    "a30472471e66",
    "1b7c6cfa33c2",
}
STAGES = (  # English rows, epochs, learning rate; the second one is closer to what a desk reads
    (30_000, 2, 2e-4),
    (6_000, 1, 1e-4),
)
PLAIN_LANGUAGES = ("de", "fr", "es", "it", "nl", "pl", "pt", "sv")
PLAIN_ROWS = 80  # of a language
NEUTRAL = SENTIMENTS.index("neutral")
POSITIVE = {"admiration", "gratitude", "love", "joy", "excitement", "relief", "pride"}
NEGATIVE = {"anger", "annoyance", "disappointment", "disgust", "sadness", "disapproval"}
EMOTIONAL_WORDS = {
    "hate",
    "terrible",
    "awful",
    "horrible",
    "annoying",
    "frustrating",
    "frustrated",
    "stupid",
    "ridiculous",
    "useless",
    "worst",
    "sick",
    "angry",
    "why",
    "love",
    "great",
    "thanks",
    "thank",
    "please",
    "disappointed",
    "sucks",
    "garbage",
    "rubbish",
    "fed",
    "tired",
    "again",
}


def target_of(label: str, confidence: float = 0.94) -> tuple[float, ...]:
    """Return soft labels: ``confidence`` for the label, the rest shared by the others."""
    rest = (1 - confidence) / 2
    return tuple(confidence if label == name else rest for name in SENTIMENTS)


def is_test_row(name: str, row: dict) -> bool:
    """Return whether the row is held out: one part of six, and the Amazon reviews."""
    if name == "uci_sentiment":
        return row["source"] == TEST_REVIEWS
    return name in {"senti4sd_train", "tweet_sentiment", "labelled_tickets"} and (
        part_of(row["text"]) == 0
    )


def training_rows(data: Path, seed: int, english: int) -> list[Row]:
    """Return the training mix of one stage, shuffled; equal seeds give equal rows.

    ``english``: the most rows of the English files; all texts written for this project are added.
    """
    rng = seeded(seed)
    rows = []
    for name, limit, confidence in MIX:
        source = [row for row in read(data, name) if not is_test_row(name, row)]
        rng.shuffle(source)
        selected = [Row(row["text"], target_of(row["label"], confidence)) for row in source[:limit]]
        rows += [row for row in selected if len(row.text.split()) > 1]
    rows += _mixed_reviews(data, rng) + _emotion_rows(data, rng)
    rows += _ticket_rows(data, rng) + _plain_rows(data, rng) + _question_titles(data, rng)
    synthetic = plain_reports(rng) + contrasting_sentences(rng)
    rows += [Row(text, target_of(label)) for text, label in synthetic]
    rows = rng.sample(rows, min(english, len(rows)))
    rows += _written_texts() * 2 + _written_tickets() + _plain_sentences(data, rng)
    rng.shuffle(rows)
    return rows


def _written_texts() -> list[Row]:
    """Return the sentences written for this project, in nine languages."""
    return [Row(row["text"], target_of(row["label"])) for row in written_rows("sentiment")]


def _written_tickets() -> list[Row]:
    """Return the tickets written for this project; the few with a sentiment three times."""
    tickets = [Row(r["text"], target_of(r["sentiment"])) for r in written_rows("tickets")]
    rare = [row for row in tickets if row.target[NEUTRAL] < 0.5]
    return tickets + rare * 2


def _plain_sentences(data: Path, rng: random.Random) -> list[Row]:
    """Return sentences of help pages and articles in every language: facts without an opinion."""
    folder, texts = data / "multilingual", []
    for row in read(folder, "ms_intune_9_languages"):
        texts += [(code, row[code]["title"]) for code in PLAIN_LANGUAGES]
        texts += [(code, row[code]["text"].split(". ")[0][:200]) for code in PLAIN_LANGUAGES]
    texts += [(row["lang"], row["text"][:200]) for row in read(folder, "gnome_parallel")]
    rows = []
    for language in PLAIN_LANGUAGES:
        own = [text for code, text in texts if code == language and text]
        rows += [Row(text, target_of("neutral", 0.9)) for text in rng.sample(own, PLAIN_ROWS)]
    return rows


def was_seen_before(text: str) -> bool:
    """Return whether the title of this held-out ticket was in the training mix of version 1."""
    return hashlib.sha256(text.encode()).hexdigest()[:12] in SEEN_TEXTS


def training_texts(data: Path, seed: int = 7) -> set[str]:
    """Return every text of the training mix, so that test rows that repeat one can be left out."""
    return {
        row.text
        for stage, (english, _, _) in enumerate(STAGES)
        for row in training_rows(data, seed + stage, english)
    }


def _mixed_reviews(data: Path, rng: random.Random) -> list[Row]:
    """Return rows that join praise and complaint: closer to neutral than to either."""
    texts: dict[str, list[str]] = {"positive": [], "negative": []}
    for row in read(data, "pros_cons"):
        texts[row["label"]].append(row["text"])
    pairs = zip(rng.sample(texts["positive"], 500), rng.sample(texts["negative"], 500), strict=True)
    shapes = ("{0}. {1}", "{1}. {0}", "{0}, but {1}", "Pros: {0} Cons: {1}")
    return [Row(rng.choice(shapes).format(*pair), (0.25, 0.55, 0.2)) for pair in pairs]


def _ticket_rows(data: Path, rng: random.Random) -> list[Row]:
    """Return labelled tickets; the few negative and positive ones three times."""
    tickets = [r for r in read(data, "labelled_tickets") if not is_test_row("labelled_tickets", r)]
    plain = [Row(r["text"], target_of("neutral")) for r in tickets if r["sentiment"] == "neutral"]
    rare = [
        Row(r["text"], target_of(r["sentiment"])) for r in tickets if r["sentiment"] != "neutral"
    ]
    openings = [
        Row(" ".join(row.text.split()[: rng.randint(3, 14)]), target_of("neutral", 0.9))
        for row in rng.sample(plain, 500)
    ]
    short = [Row(terse(row.text, rng), row.target) for row in rare * 2]
    return rng.sample(plain, 1500) + openings + rare + short


def _plain_rows(data: Path, rng: random.Random) -> list[Row]:
    """Return neutral reports and questions: symptoms of articles, questions to a bank."""
    symptoms = [r["symptoms"] for r in read(data, "ms_support_articles") if r.get("symptoms")]
    titles = [r["title"] for r in read(data, "ms_support_articles")]
    questions = [r["text"] for r in read(data, "banking77_train")]
    texts = rng.sample(symptoms, 300) + rng.sample(titles, 300) + rng.sample(questions, 1000)
    return [Row(text[:600], target_of("neutral", 0.9)) for text in texts]


def _question_titles(data: Path, rng: random.Random) -> list[Row]:
    """Return titles of questions without an emotional word, as neutral rows."""
    titles = [
        row["title"][:200]
        for name in ("firefox_questions_2021_2023", "thunderbird_questions_to_2025")
        for row in read(data, name)
        if not (set(row["title"].lower().split()) & EMOTIONAL_WORDS or "!" in row["title"])
    ]
    return [Row(title, target_of("neutral", 0.88)) for title in rng.sample(titles, 800)]


def _emotion_rows(data: Path, rng: random.Random) -> list[Row]:
    """Return rows of GoEmotions whose emotions agree on one sentiment, 700 of each."""
    groups: dict[str, list[Row]] = {name: [] for name in SENTIMENTS}
    for row in read(data, "goemotions"):
        emotions = set(row["emotions"])
        for label, group in (
            ("positive", POSITIVE),
            ("negative", NEGATIVE),
            ("neutral", {"neutral"}),
        ):
            if emotions <= group:
                groups[label].append(Row(row["text"], target_of(label, 0.88)))
    return [row for group in groups.values() for row in rng.sample(group, 700)]
