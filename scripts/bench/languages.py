#!/usr/bin/env python3
"""Measure which language texts are recognised as, and which are taken for English.

    python scripts/bench/languages.py [--part tickets] [--data DIR]

Prints the tables of docs/models.md. The texts of the first are part of the project: the rules were
chosen on ``--part tickets``, the report is on ``test_tickets``. ``--data`` names the folder of the
data sets, of which English ones should be kept and others refused.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from suggestions import read

from appliance.inference.languages import LANGUAGES, is_supported, load, recognise

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ROOT / "scripts" / "models" / "texts"
DEMO_TICKETS = ROOT / "appliance" / "web" / "demo" / "tickets.jsonl"
MIN_UI_CHARACTERS = 25  # of a text of a user interface: shorter ones are single words
MIXED_CHARACTERS = 250  # of each half of a text in two languages
QUOTED_SHARE = 0.4  # of English, such as a log, after a text in another language
PLAIN_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe"})
OTHER_LANGUAGES = {  # that ``recognise`` does not know
    "da": "Printeren på anden sal udskriver kun blanke sider, og vi har skiftet toner i går.",
    "no": "Jeg får ikke logget inn på e-posten siden i morges, kan dere hjelpe meg?",
    "cs": "Tiskárna v kanceláři netiskne od rána, prosím o pomoc, potřebujeme ji dnes.",
    "sk": "Od rána mi nejde pošta, prosím o pomoc, čakám na dôležitú správu.",
    "hu": "A nyomtató reggel óta nem nyomtat, kérem, segítsenek minél előbb.",
    "ro": "Imprimanta nu mai tipărește de azi dimineață, vă rog să ne ajutați.",
    "fi": "Tulostin ei ole tulostanut aamusta asti, voisitteko auttaa meitä pian?",
    "et": "Printer ei prindi hommikust saadik, palun aidake meid esimesel võimalusel.",
    "lv": "Printeris kopš rīta nedrukā, lūdzu, palīdziet mums pēc iespējas ātrāk.",
    "lt": "Spausdintuvas nuo ryto nespausdina, prašome kuo greičiau padėti.",
    "hr": "Pisač ne radi od jutros, molim vas pomozite nam što prije možete.",
    "sl": "Tiskalnik od jutra ne tiska, prosim za pomoč, nujno ga potrebujemo.",
    "tr": "Yazıcı sabahtan beri yazdırmıyor, lütfen en kısa zamanda yardım edin.",
    "id": "Printer di lantai dua tidak bisa mencetak sejak pagi, tolong dibantu.",
    "vi": "Máy in ở tầng hai không in được từ sáng, xin vui lòng giúp chúng tôi.",
    "ru": "Принтер с утра печатает пустые страницы, помогите, пожалуйста.",
    "uk": "Принтер не друкує з самого ранку, допоможіть, будь ласка.",
    "el": "Ο εκτυπωτής δεν τυπώνει από το πρωί, παρακαλώ βοηθήστε μας.",
    "ar": "الطابعة لا تعمل منذ الصباح، نرجو المساعدة",
    "zh": "打印机从早上开始就不能打印了，请帮忙",
}


def read_tickets(part: str) -> dict[str, list[str]]:
    """Return hand-written tickets by language; English ones with every second one of the demo."""
    tickets = {}
    for language in LANGUAGES:
        lines = (TEXTS / f"{part}.{language}.jsonl").read_text().splitlines()
        tickets[language] = [json.loads(line)["text"] for line in lines]
    lines = DEMO_TICKETS.read_text().splitlines()[part == "test_tickets" :: 2]
    demo = [json.loads(line) for line in lines]
    tickets["en"] += [f"{row['subject']}\n{row['description']}" for row in demo]
    return tickets


def print_recognition(tickets: dict[str, list[str]]) -> None:
    """Print the shares of right and wrong languages; the rest is not recognised."""
    print("| texts | number | desk's language: right | wrong | foreign: right | wrong |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for language, texts in tickets.items():
        print_row(f"{language}: tickets", language, texts)
    plain = [text.translate(PLAIN_GERMAN) for text in tickets["de"]]
    print_row("de: without umlauts", "de", plain)
    for language, texts in tickets.items():
        print_row(f"{language}: subjects alone", language, [text.split("\n")[0] for text in texts])
    others = {code: recognise(text, ("en", "de"))[0] for code, text in OTHER_LANGUAGES.items()}
    taken = {code: language for code, language in others.items() if language}
    print(f"\nTaken for one of the nine, of {len(others)} sentences in other languages: {taken}")
    print_mixed(tickets)


def print_row(name: str, language: str, texts: list[str]) -> None:
    """``desk's language``: the desk works in it and in English; ``foreign``: it does not."""
    numbers = []
    foreign_desk = ("de", "fr") if language == "en" else ("en",)
    for desk in (("en", language), foreign_desk):
        counts = Counter(recognise(text, desk)[0] for text in texts)
        right, unsure = counts[language], counts[""]
        numbers += [right / len(texts), (len(texts) - right - unsure) / len(texts)]
    print(f"| {name} | {len(texts)} | " + " | ".join(f"{x:.3f}" for x in numbers) + " |")


def print_mixed(tickets: dict[str, list[str]]) -> None:
    """Print how texts in two languages fare: half English, and with English quoted at the end."""
    rng = np.random.default_rng(1)
    halves: Counter[str] = Counter()
    quoting: Counter[str] = Counter()
    for language in LANGUAGES[1:]:
        for _ in range(40):
            own, english = (str(rng.choice(tickets[name])) for name in (language, "en"))
            length = min(len(own), len(english), MIXED_CHARACTERS)
            half = recognise(f"{own[:length]}\n{english[:length]}", ("en", language))[0]
            halves["not recognised" if not half else "either"] += 1
            quote = english[: int(len(own) * QUOTED_SHARE)]
            quoted = recognise(f"{own}\n{quote}", ("en", language))[0]
            quoting[{language: "its own", "": "not recognised"}.get(quoted, "English")] += 1
    print(f"Half of it English: {dict(halves)}\nEnglish quoted at the end: {dict(quoting)}\n")


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


def print_support(data: Path, most: int) -> None:
    """Print which texts a bundle for English alone is asked about."""
    rng = np.random.default_rng(1)
    print("| texts | number | taken for English | ms a text |")
    print("| --- | ---: | ---: | ---: |")
    for name, texts in samples(data):
        chosen = [texts[i] for i in rng.permutation(len(texts))[:most]]
        started = time.process_time()
        share = sum(is_supported(text, ("en",)) for text in chosen) / len(chosen)
        milliseconds = 1000 * (time.process_time() - started) / len(chosen)
        print(f"| {name} | {len(chosen):,} | {share:.3f} | {milliseconds:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=["tickets", "test_tickets"], default="test_tickets")
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--most", type=int, default=2000, help="texts of each kind")
    args = parser.parse_args()
    load()
    tickets = read_tickets(args.part)
    print_recognition(tickets)
    texts = [text for rows in tickets.values() for text in rows]
    started = time.process_time()
    for text in texts:
        recognise(text, ("en", "de"))
    print(f"{1000 * (time.process_time() - started) / len(texts):.2f} ms a ticket")
    if args.data:
        print_support(args.data, args.most)


if __name__ == "__main__":
    main()
