"""The sentiment mix: which rows of which file, how firmly their labels are believed.

Neutral is a plain report or a question, however serious the fault. Held out of it: the SST-2 dev
sentences (never in the files read), part 0 of every three-class source, and all of Amazon's
reviews in ``uci_sentiment``.
"""

import hashlib
import random
from pathlib import Path

from data import Row, part_of, read, seeded, terse
from plain_reports import plain_reports
from tones import toned
from weights import SENTIMENTS

UNSEEN_REVIEWS = "amazon_cells_labelled"
MOOD_MIX = (  # file, most rows, firmness of its labels
    ("sentence_polarity_dedup", 9937, 0.95),
    ("uci_sentiment", 2000, 0.95),
    ("senti4sd_train", 3097, 0.94),
    ("tweet_sentiment", 5000, 0.86),
    ("pros_cons", 2000, 0.86),
)
USED = (
    *(name for name, _, _ in MOOD_MIX),
    "labelled_tickets",
    "ms_support_articles",
    "banking77_train",
    "goemotions",
    "firefox_questions_2021_2023",
    "thunderbird_questions_to_2025",
)
# Beginnings of the sha256 of held-out tickets whose titles stood in the mix of version 1, from
# which the shipped version 2 started.
SEEN_BEFORE = {
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
POSITIVE = {"admiration", "gratitude", "love", "joy", "excitement", "relief", "pride"}
NEGATIVE = {"anger", "annoyance", "disappointment", "disgust", "sadness", "disapproval"}
HEATED = {
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


def mood_target(label: str, firmness: float = 0.94) -> tuple[float, ...]:
    """The label with most of the mass, the rest shared."""
    rest = (1 - firmness) / 2
    return tuple(firmness if label == name else rest for name in SENTIMENTS)


def is_mood_test(name: str, row: dict) -> bool:
    """Rows kept for the test: one part in six, and one source of reviews altogether."""
    if name == "uci_sentiment":
        return row["source"] == UNSEEN_REVIEWS
    return name in {"senti4sd_train", "tweet_sentiment", "labelled_tickets"} and (
        part_of(row["text"]) == 0
    )


def mood_rows(data: Path, seed: int) -> list[Row]:
    """The whole mix, shuffled, the same for the same seed."""
    chance = seeded(seed)
    rows = []
    for name, most, firmness in MOOD_MIX:
        found = [row for row in read(data, name) if not is_mood_test(name, row)]
        chance.shuffle(found)
        kept = [Row(row["text"], mood_target(row["label"], firmness)) for row in found[:most]]
        rows += [row for row in kept if len(row.text.split()) > 1]
    rows += _mixed_reviews(data, chance) + _emotion_rows(data, chance)
    rows += _ticket_moods(data, chance) + _plain_rows(data, chance) + _question_titles(data, chance)
    own = plain_reports(chance) + toned(chance)
    rows += [Row(text, mood_target(mood)) for text, mood in own]
    chance.shuffle(rows)
    return rows


def was_seen_before(text: str) -> bool:
    """Whether the first student saw the title of this held-out ticket."""
    return hashlib.sha256(text.encode()).hexdigest()[:12] in SEEN_BEFORE


def mood_texts(data: Path, seed: int = 7) -> set[str]:
    """Every text of the mix, so that no test row may repeat one."""
    return {row.text for row in mood_rows(data, seed)}


def _mixed_reviews(data: Path, chance: random.Random) -> list[Row]:
    """One praise and one complaint in a breath: nearer to neutral than to either."""
    said: dict[str, list[str]] = {"positive": [], "negative": []}
    for row in read(data, "pros_cons"):
        said[row["label"]].append(row["text"])
    pairs = zip(
        chance.sample(said["positive"], 500), chance.sample(said["negative"], 500), strict=True
    )
    shapes = ("{0}. {1}", "{1}. {0}", "{0}, but {1}", "Pros: {0} Cons: {1}")
    return [Row(chance.choice(shapes).format(*pair), (0.25, 0.55, 0.2)) for pair in pairs]


def _ticket_moods(data: Path, chance: random.Random) -> list[Row]:
    """Real tickets with a reader's mood; the few unhappy and pleased ones three times."""
    found = [r for r in read(data, "labelled_tickets") if not is_mood_test("labelled_tickets", r)]
    plain = [Row(r["text"], mood_target("neutral")) for r in found if r["sentiment"] == "neutral"]
    rare = [
        Row(r["text"], mood_target(r["sentiment"])) for r in found if r["sentiment"] != "neutral"
    ]
    openings = [
        Row(" ".join(row.text.split()[: chance.randint(3, 14)]), mood_target("neutral", 0.9))
        for row in chance.sample(plain, 500)
    ]
    short = [Row(terse(row.text, chance), row.target) for row in rare * 2]
    return chance.sample(plain, 1500) + openings + rare + short


def _plain_rows(data: Path, chance: random.Random) -> list[Row]:
    """Reports and questions without a mood: symptoms of articles, questions to a bank."""
    symptoms = [r["symptoms"] for r in read(data, "ms_support_articles") if r.get("symptoms")]
    titles = [r["title"] for r in read(data, "ms_support_articles")]
    asked = [r["text"] for r in read(data, "banking77_train")]
    picked = chance.sample(symptoms, 300) + chance.sample(titles, 300) + chance.sample(asked, 1000)
    return [Row(text[:600], mood_target("neutral", 0.9)) for text in picked]


def _question_titles(data: Path, chance: random.Random) -> list[Row]:
    """Titles of questions without a heated word are plain."""
    titles = [
        row["title"][:200]
        for name in ("firefox_questions_2021_2023", "thunderbird_questions_to_2025")
        for row in read(data, name)
        if not (set(row["title"].lower().split()) & HEATED or "!" in row["title"])
    ]
    return [Row(title, mood_target("neutral", 0.88)) for title in chance.sample(titles, 800)]


def _emotion_rows(data: Path, chance: random.Random) -> list[Row]:
    """GoEmotions where its emotions agree on one mood, 700 of each."""
    groups: dict[str, list[Row]] = {name: [] for name in SENTIMENTS}
    for row in read(data, "goemotions"):
        emotions = set(row["emotions"])
        for label, wanted in (
            ("positive", POSITIVE),
            ("negative", NEGATIVE),
            ("neutral", {"neutral"}),
        ):
            if emotions <= wanted:
                groups[label].append(Row(row["text"], mood_target(label, 0.88)))
    return [row for group in groups.values() for row in chance.sample(group, 700)]
