"""The model cards: text written here, facts from bundle.json, scores from the evaluation."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from goals import MEASURE_NAMES, ROLE_CHECKS

from appliance.inference.bundle import ROLES, Bundle, find_active

COMMAND = "python scripts/models/evaluate.py --data DIR"
PROSE = {
    "classifier": {
        "for": "Predicts one of the installation's categories for a ticket in English, or "
        "leaves it uncategorised. It was trained on the ten default categories; "
        "categories that an installation adds are compared with the ticket by the "
        "similarity of their description, with the encoder.",
        "not": "Not for decisions about people, not for routing that nobody can correct, not "
        "for other languages. It reads the first 256 tokens only.",
        "recipe": "gte-small, mean pooling, linear head; four epochs of AdamW (learning rate "
        "1.2e-4 for the body, 5 % lower for each lower layer, 2e-3 for the head), "
        "batches of 32 by length, 112 tokens, bfloat16, moving average of the "
        "weights. Second labels become soft labels. Half of the rows are lower-cased, "
        "shortened and mistyped in each epoch. Descriptions and example phrases of "
        "the categories are additional rows; rare categories are used twice. The "
        "training data are tickets labelled by an earlier annotator and 1,600 more "
        "internal tickets (`scripts/models/labels`, without the held-out parts), each "
        "read and labelled by a language model in this project. The weight of the "
        "similarity, temperatures, sharpness and thresholds were chosen on held-out "
        "rows. The threshold of a category with few rows is close to the common "
        "threshold; categories of an installation use the common one. The cold-start "
        "numbers (`new_desk`) were chosen by leaving out each source in turn "
        "(a script since replaced). Version 3 is version 2 with these two "
        "numbers. The first epoch read 160 tokens and was planned as one of five.",
        "fails": 'Seen with our own texts: "the invoice program asks for a licence key" is '
        'predicted as purchasing; "I forgot my PIN" and "holiday request not shown" '
        'stay uncategorised, and so do many short texts ("cannot open attachment", '
        '"the website is down", "Please order two more monitors for the front '
        'office"). Two problems in one ticket ("needs a laptop and an account") stay '
        "uncategorised. Security, network and other tickets are rare in the training "
        "data, so macro-F1 is lower than accuracy. A category that an installation "
        "adds is judged by similarity alone, which is less reliable: it is suggested, "
        "but seldom decided. On kinds of tickets that are not in the training data, "
        "confident predictions are right far less often (last line of the scores). "
        "The cold-start rule of a new installation reduces this but does not remove "
        "it: on two of five left-out sources, one decided ticket in four is still "
        "wrong.",
    },
    "sentiment": {
        "for": "Predicts whether the text is negative, neutral or positive. Score = "
        "P(positive) - P(negative). A plain report of a fault is neutral, however "
        "serious the fault.",
        "not": "Not for judging people, the value of customers or the work of agents; not "
        "for other languages; not a measure of urgency.",
        "recipe": "all-MiniLM-L6-v2 in the DistilBERT architecture, first token. Distilled from "
        "the twelve layers of gte-small, fine-tuned on the data below (mean pooling, "
        "AdamW 1e-4, learning rates a tenth lower for each lower layer, moving "
        "average of the weights). Six tenths of each soft label come from the "
        "teacher, and the mean vectors after layers 2, 4 and 6 are drawn towards "
        "those of the teacher after 4, 8 and 12. The data include short reports of "
        "our own (the same fault worded neutrally, negatively and positively), polite "
        "anger and sarcasm beside sincere twins, and bare statements of effect. The "
        "training was shorter than the default of the script: the teacher completed "
        "one epoch of a run planned for two; the student started from the weights of "
        "version 1 and completed two epochs, the second of which was added when the "
        "first was finished.",
        "fails": "Errors among our own probe sentences, which were not in the training data: "
        "anger without an emotional word is predicted as neutral more often than not "
        "('I see my request was ignored once more. Noted.', 'Please do tell me what "
        "exactly you have been doing since Tuesday.'), and sarcasm of one word as "
        "positive ('Your colleague hung up on me. Charming.', 'As usual, IT knows "
        "best.'). 'I was locked out after three attempts.' is predicted as negative. "
        "Compared with version 1, product reviews lost a point and a half of "
        "macro-F1. Positive tickets are rare among the hand-labelled ones (4 in the "
        "test), so that macro-F1 is unreliable.",
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
{_unseen(about)}
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


def _unseen(about: Mapping) -> str:
    unseen = about.get("unseen_source")
    if not unseen:
        return ""
    scores = "; ".join(
        f"{MEASURE_NAMES.get(name, name)}: {_shown(value)}"
        for name, value in unseen.items()
        if name != "source"
    )
    text = (
        f"Unseen source: a head on frozen gte-small that never saw `{unseen['source']}`, mixed "
        f"with similarity, has these figures on its tickets: {scores}."
    )
    return f"\n{_wrapped(text)}\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)
