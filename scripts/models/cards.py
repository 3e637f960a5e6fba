"""The model cards: text written here, facts from bundle.json, scores from the evaluation."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from goals import ROLE_CHECKS, left_out_table

from appliance.inference.bundle import ROLES, Bundle, find_active

COMMAND = "python scripts/models/evaluate.py --data DIR"
PROSE = {
    "classifier": {
        "for": "Predicts one of the installation's categories for a ticket in English, German, "
        "French, Spanish, Italian, Dutch, Polish, Portuguese or Swedish, or leaves it "
        "uncategorised. It was trained on the ten default categories; categories that an "
        "installation adds are compared with the ticket by the similarity of their description, "
        "with the encoder.",
        "not": "Not for decisions about people, not for routing that nobody can correct, not "
        "for other languages. It reads the first 256 tokens only.",
        "recipe": "multilingual-e5-small, out of a 4-bit file, with a vocabulary cut to 60,000 "
        "pieces, as it was trained for the encoder. The lowest eight layers are those of the "
        "encoder; the upper four and a linear head on the mean of the tokens are trained: three "
        "epochs of AdamW (1.5e-4, head 1e-3), batches of 2,000 tokens by length, 80 tokens, "
        "moving average of the weights. Second labels become soft labels. Three of ten rows are "
        "lower-cased, shortened and mistyped (English) or typed without accents (other "
        "languages). Names, descriptions and example phrases of the categories are additional "
        "rows. The tickets: those of an earlier annotator and 1,600 more internal tickets "
        "(`scripts/models/labels`), each read and labelled by a language model in this project, "
        "without the held-out parts; and 2,820 tickets that a language model wrote by hand for "
        "this project, 300 in each of nine languages and 120 more in English, about ERP, MES, "
        "interfaces, equipment and other kinds that were missing "
        "(`scripts/models/texts/README.md`). Questions about Thunderbird and Firefox count half. "
        "The prediction is the geometric mean of this head, of a regression on the encoder's "
        "vectors (`frozen_head.npz`, the same tickets) and of the similarity to the "
        "descriptions. Weights, temperatures, sharpness and thresholds were chosen on "
        "organisations left out whole.",
        "fails": "Names of programs that the model has not read mislead it: on the demo data, a "
        "message of a booking program at a counter is predicted as purchasing, and a replacement "
        "for a broken scanner as hardware instead of purchasing. German and Polish tickets are "
        "right less often than those of other languages. Of texts that are no tickets, two lines "
        "of poems are decided. Two problems in one ticket stay uncategorised. Security, network "
        "and other tickets are rare in the training data, so macro-F1 is lower than accuracy. A "
        "category that an installation adds is judged by similarity alone, which is less "
        "reliable: it is suggested, but seldom decided. On organisations that are not in the "
        "training data, confident predictions are right less often (table of sources left out).",
    },
    "sentiment": {
        "for": "Predicts whether the text is negative, neutral or positive, in nine languages. "
        "Score = P(positive) - P(negative). A plain report of a fault is neutral, however "
        "serious the fault; a complaint in polite words is negative.",
        "not": "Not for judging people, the value of customers or the work of agents; not "
        "for other languages; not a measure of urgency.",
        "recipe": "multilingual-e5-small, out of a 4-bit file, with a vocabulary cut to 60,000 "
        "pieces, in the DistilBERT architecture with all twelve layers, first token. The lowest "
        "four layers are frozen; the others are trained for two epochs of AdamW (2e-4, head "
        "1e-3), batches of 2,000 tokens by length, 64 tokens, moving average of the weights. The "
        "data: up to 30,000 English rows of the data below, with short reports of our own (the "
        "same fault worded neutrally, negatively and positively), polite anger and sarcasm beside "
        "sincere twins; 2,160 sentences (twice) and 2,820 tickets that a language model wrote by "
        "hand for this project in nine languages (`scripts/models/texts/README.md`); and 640 "
        "titles and sentences of help pages, which are facts without an opinion. A second stage "
        "of one epoch (1e-4) repeats it with 6,000 of the English rows.",
        "fails": "Seen on test texts: a complaint that only states facts is predicted as "
        "neutral ('Your estimate was two hours. That was on Wednesday.'), sarcasm of good words "
        "alone as positive ('As usual, IT knows best.'), and so are some outcries ('Unverschämt, "
        "so mit Leuten umzugehen, die seit 30 Jahren Kunde sind!'). 'I was locked out after three "
        "attempts.' is predicted as negative. Praise in few words may be negative ('Top, Visum "
        "nach vier Tagen im Briefkasten!'). On English films and tweets it is one to three points "
        "below the English model of version 2. Positive tickets are rare among the hand-labelled "
        "ones (4 in the test), so that macro-F1 is unreliable.",
    },
    "encoder": {
        "for": "Computes vectors of 384 numbers for search, similar tickets and new categories.",
        "not": "Not for languages other than the nine; vectors are not comparable with those "
        "of another space id. It reads the first 512 tokens and was trained on 96 (English) "
        "and 128: split long articles into passages first.",
        "recipe": "Two models write one space: english.onnx takes the texts that are likelier "
        "English than anything else, model.onnx all others. model.onnx is "
        "multilingual-e5-small, out of a 4-bit file, with a vocabulary cut to 60,000 pieces; "
        "words and the lowest three layers are frozen. It is taught the vectors that "
        "english.onnx gives to the English originals of its texts: articles, sentences of help "
        "pages, phrases of a user interface and STS-B in eight languages. Four losses: the "
        "cosine to the target, finding the target among those of the batch, the order of STS-B "
        "cosines, and for English pairs, finding the partner. Two stages on two cores: 52 "
        "minutes on all languages (1.1 million tokens, half of them English), 28 minutes on the "
        "eight other languages. english.onnx is the encoder of version 2: all-MiniLM-L6-v2, "
        "trained with in-batch negatives (temperature 1/20, both "
        "directions, batches of 64 pairs of one kind, two epochs, AdamW 5e-5, 96 "
        "tokens, moving average of the weights) on pairs of related texts: a question "
        "and the title of the article a helper linked, two questions with the same "
        "linked article, a question and its helpful answer, title and text of a "
        "question, title or symptoms and resolution of Microsoft articles, title and "
        "text of help pages. Pairs that share an article are not negatives of each "
        "other. The shipped weights are the mean of trained and starting weights. "
        "Questions asked from September 2024 on are not in the training data (those "
        "until December chose the share of the starting weights, those from 2025 on "
        "are the test), nor are the 1,000 articles of the check. MiniLM was chosen as "
        "the start because without fine-tuning gte-small, with twice the layers, "
        "found fewer of the linked titles and articles.",
        "fails": "A pair of one English and one other text is less alike than two texts of one "
        "language. Single words whose language is not clear may go through the wrong model. "
        "Error codes and product names are weak (search combines it with words). "
        'Negation has hardly any effect: "works" and "does not work" are close. '
        "Unrelated texts are closer than with the original weights: on the demo data "
        '"asdf qwer" reaches 0.35, "zzzz" 0.26, while the right article may be at '
        "0.16 when only the subject is given. Finding a Microsoft article by its "
        "title alone became slightly worse.",
    },
}


def write_cards(models: Path, int8: Mapping, fp32: Mapping) -> None:
    """Write card.md beside every active bundle."""
    for role in ROLES:
        bundle = find_active(models, role)
        text = card(bundle, int8, fp32)
        (bundle.folder / "card.md").write_text(text, encoding="utf-8")


def card(bundle: Bundle, int8: Mapping, fp32: Mapping) -> str:
    """Return the card of one bundle in Markdown."""
    about, prose, ref = bundle.settings, PROSE[bundle.ref.role], bundle.ref
    size = sum(path.stat().st_size for path in bundle.folder.iterdir()) / 1e6
    return f"""# {ref.name} {ref.version}

{about["architecture"]}; {about["quantization"]}; ONNX opset {about["opset"]}; {size:.0f} MB.
Licence: {about["licence"]}.

## Intended use

{_wrapped(prose["for"])}

## Out of scope

{_wrapped(prose["not"])}

## Training

Weights: {about["built_from"]["weights"]}, sha256 `{about["built_from"]["sha256"]}`.
{_wrapped(prose["recipe"])}
Largest difference of the fp32 export from torch on padded input: {about["parity_with_torch"]:.0e}.
{_calibration(about)}
{_data(about["data"])}

## Scores

Printed by `{COMMAND}`; `docs/models.md` describes the test data.

| check | measure | int8 | fp32 |
|---|---|---|---|
{_scores(ROLE_CHECKS[ref.role], int8, fp32)}
{_left_out(about)}
## Known failures

{_wrapped(prose["fails"])}
"""


def _calibration(about: Mapping) -> str:
    numbers = about.get("calibration") or {}
    return "".join(f"\n- {name.replace('_', ' ')}: {value}" for name, value in numbers.items())


def _data(data: Mapping) -> str:
    if not data:
        return "\nNo training data."
    rows = [
        f"| {name} | {item['licence']} | `{item['sha256'][:16]}…` |" for name, item in data.items()
    ]
    return "\n| data | licence | sha256 |\n|---|---|---|\n" + "\n".join(rows)


def _scores(checks: tuple[str, ...], int8: Mapping, fp32: Mapping) -> str:
    lines = []
    for check in checks:
        for measure, value in int8.get(check, {}).items():
            if isinstance(value, list):  # risk by coverage
                continue
            fp32_value = fp32.get(check, {}).get(measure)
            fp32_cell = "" if fp32_value is None else _shown(fp32_value)
            lines.append(f"| {check} | {measure} | {_shown(value)} | {fp32_cell} |")
    return "\n".join(lines)


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _left_out(about: Mapping) -> str:
    left_out = about.get("left_out")
    if not left_out:
        return ""
    text = (
        "Organisations that were left out whole: the same recipe without their tickets, scored "
        "on these tickets, with the shipped calibration (fp32)."
    )
    return f"\n{_wrapped(text)}\n\n{left_out_table(left_out)}\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)
