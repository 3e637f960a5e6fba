"""Training data: files, licences, and the parts that are held out of training."""

import csv
import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CATEGORIES = ROOT / "appliance/tickets/default_categories.json"
SENTIMENTS = ("negative", "neutral", "positive")
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv")
OPENING = 220  # characters of an article that stand for a question about it
LICENCES = {
    "labelled_tickets": "as its sources: CC0, CC BY-SA 3.0, CC BY 4.0, CDLA (labels: this project)",
    "sentence_polarity_dedup": "CC BY 4.0 / MIT (SST-2 dev sentences removed)",
    "uci_sentiment": "CC BY 4.0",
    "senti4sd_train": "MIT (posts CC BY-SA)",
    "tweet_sentiment": "CC BY 4.0",
    "goemotions": "CC BY 4.0",
    "pros_cons": "CC BY 4.0",
    "it_tickets_47k": "CC0 as stated by its card (labels: this project)",
    "kb_links_to_2025": "CC BY-SA 3.0",
    "kb_titles": "CC BY-SA 3.0",
    "thunderbird_answers_to_2025": "CC BY-SA 3.0",
    "gnome_help": "CC BY-SA 3.0",
    "us_gov_kb": "CC0",
    "banking77_train": "CC BY 4.0",
    "banking77_test": "CC BY 4.0, evaluation only",
    "clinc150": "CC BY 3.0, evaluation only",
    "ms_support_articles": "CC BY 4.0",
    "firefox_questions_2021_2023": "CC BY-SA 3.0",
    "thunderbird_questions_to_2025": "CC BY-SA 3.0",
    "sst2_dev": "evaluation only",
    "stsb": "CC BY-SA 4.0",
    "ms_intune_9_languages": "CC BY 4.0",
    "ms_insights_8_languages": "CC BY 4.0",
    "gnome_parallel": "CC BY-SA 3.0",
    "thunderbird_ui_9_languages": "MPL-2.0",
    "stsb_multi": "CC BY-SA 4.0",
}
LABELS_FOLDER = Path(__file__).parent / "labels"  # labels of it_tickets_47k, without its texts
TEXTS_FOLDER = Path(__file__).parent / "texts"  # written for this project: texts/README.md
# Questions about one mail client and one browser are three of five labelled tickets; a help desk
# gets few of them.
SOURCE_WEIGHTS = {"thunderbird": 0.5, "firefox": 0.5, "bitext": 0.5}
PARTS = 6  # of the hand-labelled tickets: part 0 is the test split, part 1 chooses the calibration


@dataclass(frozen=True)
class Row:
    """One training text with a probability for every label, and its weight in the loss."""

    text: str
    target: tuple[float, ...]
    weight: float = 1.0


def read(data: Path, name: str) -> Iterator[dict]:
    """Yield the rows of one gzip JSON-lines file."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def manifest(data: Path, names: list[str]) -> dict[str, dict[str, str]]:
    """Return name → sha256 and licence, for the card."""
    return {
        name: {"sha256": sha256_of(path_of(data, name)), "licence": LICENCES[name]}
        for name in sorted(set(names))
    }


def path_of(data: Path, name: str) -> Path:
    """Return the file of a data set, in ``data`` or in its folder of several languages."""
    path = data / f"{name}.jsonl.gz"
    return path if path.exists() else data / "multilingual" / f"{name}.jsonl.gz"


def seeded(seed: int) -> random.Random:
    """Return a repeatable random generator, for order and augmentation only."""
    return random.Random(seed)  # noqa: S311 (not used for secrets)


def written_texts(name: str) -> list[dict]:
    """Return the rows of one file of texts, such as "test_tickets.de"."""
    with (TEXTS_FOLDER / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def is_held_out(key: str) -> bool:
    """Return whether an article in several languages is kept for measuring: one of ten."""
    return sum(key.encode()) % 10 == 0


def part_of(text: str, parts: int = PARTS) -> int:
    """Return the part of a text by its first three words, so that a template stays in one part."""
    opening = " ".join(text.lower().split()[:3])
    return int(hashlib.sha256(opening.encode()).hexdigest()[:8], 16) % parts


def categories(path: Path) -> dict[str, str]:
    """Return slug → "name. description. examples", as ``TicketCategory`` words it."""
    items = json.loads(path.read_text(encoding="utf-8"))
    return {
        item["slug"]: ". ".join([item["name"], item["description"].rstrip("."), *item["examples"]])
        for item in items
    }


def category_target(row: dict, slugs: list[str]) -> tuple[float, ...]:
    """Return soft labels: the first label, softened by the second and by the confidence."""
    share = {"high": 0.12, "medium": 0.25, "low": 0.4}[row["confidence"]]
    target = [0.03 / len(slugs)] * len(slugs)
    second = row["second"] if row["second"] in slugs else None
    target[slugs.index(row["category"])] += 0.97 * (1 - (share if second else 0))
    if second:
        target[slugs.index(second)] += 0.97 * share
    return tuple(target)


def ticket_rows(data: Path) -> list[dict]:
    """Return every labelled ticket; ``drawn`` is first, random or picked (labels/README.md)."""
    texts = [row["text"] for row in read(data, "it_tickets_47k")]
    first = [{**row, "drawn": "first"} for row in read(data, "labelled_tickets")]
    return first + [
        {**row, "source": "it_tickets_47k", "text": texts[int(row["id"])]}
        for row in project_labels("it_tickets")
    ]


def project_labels(name: str) -> list[dict]:
    """Return one file of labels of ``it_tickets_47k``; its texts are not in the project."""
    with (LABELS_FOLDER / f"{name}.csv").open(encoding="utf-8") as lines:
        return [{**row, "second": row["second"] or None} for row in csv.DictReader(lines)]


def written_rows(kind: str) -> list[dict]:
    """Return the texts written for this project, with their language as "lang".

    ``kind`` is "tickets" or "sentiment", or "test_tickets" or "test_sentiment", which no model
    learns from.
    """
    rows = []
    for path in sorted(TEXTS_FOLDER.glob(f"{kind}.*.jsonl")):
        language = path.name.split(".")[1]
        rows += [{**row, "lang": language, "source": "written"} for row in written_texts(path.stem)]
    return rows


def category_rows(data: Path, slugs: list[str], leave_out: set) -> list[Row]:
    """Return labelled tickets as training rows, without some parts (numbers) or sources (names)."""
    return [
        Row(row["text"], category_target(row, slugs), 0.6 if row["confidence"] == "low" else 1.0)
        for row in ticket_rows(data)
        if part_of(row["text"]) not in leave_out and row["source"] not in leave_out
    ]


def phrase_rows(path: Path, slugs: list[str]) -> list[Row]:
    """Return names, descriptions and example phrases of the default categories as short tickets."""
    rows = []
    for item in json.loads(path.read_text(encoding="utf-8")):
        target = category_target(
            {"category": item["slug"], "second": None, "confidence": "high"}, slugs
        )
        texts = [item["name"], item["description"], *item["examples"]]
        rows += [Row(text, target) for text in texts]
    return rows


def terse(text: str, rng: random.Random) -> str:
    """Return the text as internal tickets are often typed: lower case, shortened, mistyped."""
    text = text.lower() if rng.random() < 0.7 else text
    words = text.split()
    if rng.random() < 0.5:
        words = ["".join(c for c in word if c.isalpha() or c == "'") for word in words]
    if len(words) > 12 and rng.random() < 0.5:
        start = rng.randrange(len(words) // 3)
        words = words[start : start + rng.randint(8, 60)]
    words = [_slip(word, rng) if rng.random() < 0.04 else word for word in words]
    return " ".join(word for word in words if word)


def _slip(word: str, rng: random.Random) -> str:
    """Swap two neighbouring letters."""
    if len(word) < 4:
        return word
    at = rng.randrange(len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
