#!/usr/bin/env python3
"""Measure which texts are taken for English, and how long that takes.

    python scripts/bench/languages.py --data DIR

English tickets and questions should be kept, texts in other languages refused. Prints the table of
docs/models.md.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from suggestions import read

from appliance.inference.languages import is_supported, load

MIN_UI_CHARACTERS = 25  # of a text of a user interface: shorter ones are single words


def samples(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield what the texts are, and the texts."""
    yield "English: internal IT tickets", [r["text"] for r in read_rows(data, "it_tickets_47k")]
    yield "English: labelled tickets", [r["text"] for r in read_rows(data, "labelled_tickets")]
    questions = read_rows(data, "kb_links_to_2025")  # about 1 % are in another language
    yield "English: questions about Thunderbird", [f"{r['title']}\n{r['text']}" for r in questions]
    yield "English: their titles alone", [r["title"] for r in questions]
    sentences = read_rows(data, "multilingual/stsb_multi")
    for language in sorted({row["lang"] for row in sentences}):
        yield f"{language}: sentences", [r["a"] for r in sentences if r["lang"] == language]
    interface = read_rows(data, "multilingual/thunderbird_ui_9_languages")
    for language in sorted({name for row in interface for name in row}):
        texts = [row[language] for row in interface if language in row]
        long_texts = [text for text in texts if len(text) >= MIN_UI_CHARACTERS]
        yield f"{language}: texts of a user interface", long_texts


def read_rows(data: Path, name: str) -> list[dict]:
    return list(read(data / f"{name}.jsonl.gz"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--most", type=int, default=2000, help="texts of each kind")
    args = parser.parse_args()
    load()
    rng = np.random.default_rng(1)
    print("| texts | number | taken for English | ms a text |")
    print("| --- | ---: | ---: | ---: |")
    for name, texts in samples(args.data):
        chosen = [texts[i] for i in rng.permutation(len(texts))[: args.most]]
        started = time.process_time()
        share = sum(is_supported(text, ("en",)) for text in chosen) / len(chosen)
        milliseconds = 1000 * (time.process_time() - started) / len(chosen)
        print(f"| {name} | {len(chosen):,} | {share:.3f} | {milliseconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
