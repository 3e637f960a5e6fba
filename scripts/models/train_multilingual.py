#!/usr/bin/env python3
"""Teach multilingual-e5-small the vector space of an English encoder, in nine languages.

Every training text has a target: the vector that the English encoder (the teacher) gives to its
English original. So a German sentence and its English original are drawn to the same place, and
English stays where it was. Four losses: one minus the cosine to the target; finding the own target
among those of the batch; for sentence pairs with a similarity (STS-B), the order of the cosines;
and for pairs of related texts (pairs.py), finding the partner among those of the batch.

In the first stage half of the tokens are English, many of them long passages. English texts are
embedded by the teacher itself all the same (``build.py``): the student finds a sixth fewer
resolutions of English symptoms. So the second stage, which starts from the first, has the other
languages only, and longer passages of them.

The word embeddings and the lowest layers are frozen. A linear map from the mean vector to the
teacher's space starts from a ridge regression and is trained with the rest.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from data import LANGUAGES, OPENING, is_held_out, read, seeded
from finetune import plain_tokenizer, save
from pairs import LEARN_UNTIL, article_rows, linked_rows, pairs_of, question_text
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from weights import ProjectedEncoder, load_trunk

from appliance.inference.bundle import find_active
from appliance.inference.session import LoadedBundle

LONGEST = 128  # tokens read in training
FROZEN_LAYERS = 3
BATCH_TOKENS = 1800
SCALE = 20.0  # of cosines before a softmax
PASSAGE = 500  # characters of a long text
RATE, MAP_RATE = 1.5e-4, 1e-3
FILES = (
    "ms_intune_9_languages",
    "ms_insights_8_languages",
    "gnome_parallel",
    "thunderbird_ui_9_languages",
    "stsb_multi",
    "stsb",
    "it_tickets_47k",
)
STAGES = ("all", "other")  # languages of the texts


@dataclass(frozen=True)
class Item:
    """A text and the English text whose vector it is taught."""

    text: str
    english: str
    language: str


@dataclass(frozen=True)
class TwoTexts:
    """Two texts and their English originals: related, or with a similarity from 0 to 5."""

    first: Item
    second: Item
    score: float | None = None
    keys: frozenset[str] = frozenset()  # pairs that share one are not partners of others


def items_of(data: Path, seed: int, share: float = 1.0, stage: str = "all") -> list[Item]:
    """Return the texts of one epoch with their English originals; ``share`` scales every source.

    In the stage "other", no text but a few short ones, whose language is hard to recognise, is
    English.
    """
    rng = seeded(seed)
    lengths = [OPENING] if stage == "all" else [OPENING, PASSAGE]
    items = _articles(data, rng, lengths) + _short_answers(data, rng)
    items += _sample(rng, _sentences(data), 5500) + _sample(rng, _phrases(data), 8000)
    if stage == "all":
        items += _sample(rng, _english(data), 6000) + _sample(rng, _passages(data), 4000)
    else:
        items = [item for item in items if item.language != "en" or len(item.text) < 40]
    return _sample(rng, items, int(len(items) * share))


def _passages(data: Path) -> list[Item]:
    """Return long English texts: symptoms and resolutions of articles, answers, help pages."""
    texts = []
    for row in article_rows(data)[0]:
        texts += [(row.get(part) or "")[:PASSAGE] for part in ("symptoms", "resolution", "body")]
    answers = read(data, "thunderbird_answers_to_2025")
    texts += [row["text"][:PASSAGE] for row in answers if row["created"] < LEARN_UNTIL]
    for name in ("gnome_help", "us_gov_kb"):
        texts += [row["body"][:PASSAGE] for row in read(data, name)]
    return [Item(text, text, "en") for text in texts if len(text) > 100]


def related_of(data: Path, seed: int, count: int) -> list[TwoTexts]:
    """Return pairs of related English texts, such as a question and the title of its article."""
    rng = seeded(seed + 2)
    pairs = [pair for pair in pairs_of(data, seed) if pair.kind != "titled"]
    return [
        TwoTexts(
            Item(pair.first[:PASSAGE], pair.first[:PASSAGE], "en"),
            Item(pair.second[:PASSAGE], pair.second[:PASSAGE], "en"),
            keys=pair.keys,
        )
        for pair in _sample(rng, pairs, count)
    ]


def _sample(rng: random.Random, rows: list, count: int) -> list:
    return rng.sample(rows, min(count, len(rows)))


def _articles(data: Path, rng: random.Random, lengths: list[int]) -> list[Item]:
    """Return titles in every language, and the opening of each article in four of them."""
    items = []
    for row in read(data / "multilingual", "ms_intune_9_languages"):
        if is_held_out(row["id"]):
            continue
        english = row["en"]
        items += [Item(row[code]["title"], english["title"], code) for code in LANGUAGES]
        for language in ("en", *rng.sample(LANGUAGES[1:], 4)):
            part = rng.choice(["description", "text", "text"])
            length = rng.choice(lengths)
            pair = row[language][part][:length], english[part][:length]
            if all(pair):
                items.append(Item(*pair, language))
    return items


def _short_answers(data: Path, rng: random.Random) -> list[Item]:
    """Return titles in five languages each; those translated by people come first."""
    items = []
    for row in read(data / "multilingual", "ms_insights_8_languages"):
        if is_held_out(row["id"]):
            continue
        languages = [code for code in LANGUAGES[1:] if code in row]
        languages.sort(key=lambda code: (row[code]["how"] != "HT", rng.random()))
        items.append(Item(row["en_title"], row["en_title"], "en"))
        items += [Item(row[code]["title"], row["en_title"], code) for code in languages[:5]]
    return items


def _sentences(data: Path) -> list[Item]:
    return [
        Item(row["text"], row["en"], row["lang"])
        for row in read(data / "multilingual", "gnome_parallel")
    ]


def _phrases(data: Path) -> list[Item]:
    return [
        Item(row[language], row["en"], language)
        for row in read(data / "multilingual", "thunderbird_ui_9_languages")
        for language in LANGUAGES[1:]
        if row.get(language)
    ]


def _english(data: Path) -> list[Item]:
    """Return English questions, titles and tickets, so that the place of English is kept."""
    earlier = linked_rows(data)[0]
    texts = [question_text(row)[:400] for row in earlier]
    texts += [row["title"] for row in earlier]
    texts += [row["title"] for row in read(data, "kb_titles")] * 3
    for row in article_rows(data)[0]:
        texts += [row["title"], (row.get("symptoms") or "")[:300]]
    for name in ("gnome_help", "us_gov_kb"):
        texts += [row["title"] for row in read(data, name)]
    texts += [row["text"][:300] for row in read(data, "it_tickets_47k")][::20]
    return [Item(text, text, "en") for text in texts if len(text) > 3]


def scored_of(data: Path, seed: int, count: int) -> list[TwoTexts]:
    """Return STS-B pairs of the training split, each side in a random language."""
    rng = seeded(seed + 1)
    english = [row for row in read(data, "stsb") if row["split"] == "train"]
    by_language: dict[str, list[dict]] = {"en": english}
    for row in read(data / "multilingual", "stsb_multi"):
        if row["split"] == "train":
            by_language.setdefault(row["lang"], []).append(row)
    languages = sorted(by_language)
    pairs = []
    for number in rng.choices(range(len(english)), k=count):
        language = rng.choice(languages)
        other = language if rng.random() < 0.6 else rng.choice(languages)
        first, second = by_language[language][number], by_language[other][number]
        original = english[number]
        if (first["score"], second["score"]) != (original["score"],) * 2:
            continue  # the files are aligned by order; a row that is not is left out
        pairs.append(
            TwoTexts(
                Item(first["a"], original["a"], language),
                Item(second["b"], original["b"], other),
                original["score"],
            )
        )
    return pairs


class Teacher:
    """The vectors of the English encoder, each text once."""

    def __init__(self, models: Path) -> None:
        self._bundle = LoadedBundle(find_active(models, "encoder"), threads=1)
        self._vectors: dict[str, np.ndarray] = {}

    def vectors(self, texts: list[str]) -> torch.Tensor:
        """Return unit vectors (texts, dims)."""
        for text in texts:
            if text not in self._vectors:
                self._vectors[text] = self._bundle.run(text)
        return torch.tensor(np.stack([self._vectors[text] for text in texts]))


Batch = tuple[list[list[int]], list[str], list[TwoTexts]]


def batches_of(
    items: list[Item],
    scored: list[TwoTexts],
    related: list[TwoTexts],
    tokenizer: Tokenizer,
    rng: random.Random,
) -> Iterator[Batch]:
    """Yield shuffled batches of similar length: token ids, English texts, pairs or none.

    A batch of pairs holds the first texts, then the second ones.
    """
    groups: list[tuple[list[Item], list[TwoTexts]]] = [
        (group, []) for group in _by_length(items, tokenizer, rng, lambda item: [item])
    ]
    for pairs in (scored, related):
        groups += [
            ([pair.first for pair in group] + [pair.second for pair in group], group)
            for group in _by_length(pairs, tokenizer, rng, lambda pair: [pair.first, pair.second])
        ]
    rng.shuffle(groups)
    for group, pairs in groups:
        ids = [item.ids for item in tokenizer.encode_batch([item.text for item in group])]
        yield ids, [item.english for item in group], pairs


def _by_length(rows: list, tokenizer: Tokenizer, rng: random.Random, items_of_row) -> Iterator:
    lengths = [
        max(len(code.ids) for code in tokenizer.encode_batch([i.text for i in items_of_row(row)]))
        * len(items_of_row(row))
        for row in rows
    ]
    order = sorted(range(len(rows)), key=lambda i: lengths[i] * rng.uniform(0.9, 1.1))
    group: list = []
    longest = 0
    for i in order:
        longest = max(longest, lengths[i])
        if group and longest * (len(group) + 1) > BATCH_TOKENS:
            yield group
            group, longest = [], lengths[i]
        group.append(rows[i])
    if group:
        yield group


def padded(ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask (texts, tokens)."""
    longest = max(map(len, ids))
    return (
        torch.tensor([row + [0] * (longest - len(row)) for row in ids]),
        torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids]),
    )


def loss_of(model: nn.Module, batch: Batch, teacher: Teacher) -> torch.Tensor:
    """Return the sum of the losses of one batch."""
    ids, english, pairs = batch
    vectors, targets = model(*padded(ids)), teacher.vectors(english)
    loss = 3 * (1 - (vectors * targets).sum(-1)).mean()
    cosines = SCALE * vectors @ targets.T
    same = torch.tensor([[a == b for b in english] for a in english])
    cosines = cosines.masked_fill(same & ~torch.eye(len(english), dtype=torch.bool), -1e4)
    loss = loss + nn.functional.cross_entropy(cosines, torch.arange(len(english)))
    first, second = vectors[: len(pairs)], vectors[len(pairs) :]
    if pairs and pairs[0].score is not None:
        scores = torch.tensor([pair.score for pair in pairs])
        loss = loss + order_loss((first * second).sum(-1), scores)
        loss = loss + order_loss((first * targets[len(pairs) :]).sum(-1), scores)
    elif pairs:
        loss = loss + partner_loss(first, second, pairs)
    return loss


def partner_loss(first: torch.Tensor, second: torch.Tensor, pairs: list[TwoTexts]) -> torch.Tensor:
    """Return the cross-entropy of finding the partner; pairs that share a key do not compete."""
    shared = torch.tensor([[a is not b and bool(a.keys & b.keys) for b in pairs] for a in pairs])
    cosines = (SCALE * first @ second.T).masked_fill(shared, -1e4)
    return nn.functional.cross_entropy(cosines, torch.arange(len(pairs)))


def order_loss(cosines: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Return CoSENT: the cosine of a pair should exceed that of every less similar pair."""
    differences = SCALE * (cosines[None, :] - cosines[:, None])
    wrong = differences[scores[:, None] > scores[None, :]]
    return torch.logsumexp(torch.cat([torch.zeros(1), wrong]), 0) / max(len(cosines), 1) * 4


def fit_map(model: ProjectedEncoder, items: list[Item], tokenizer: Tokenizer, teacher: Teacher):
    """Set the linear map by ridge regression from mean vectors to the teacher's vectors."""
    items = sorted(items, key=lambda item: len(item.text))
    means = []
    with torch.no_grad():
        for at in range(0, len(items), 64):
            texts = [item.text for item in items[at : at + 64]]
            means.append(model.mean(*padded([c.ids for c in tokenizer.encode_batch(texts)])))
    features = torch.cat(means).double()
    targets = teacher.vectors([item.english for item in items]).double()
    centre, middle = features.mean(0), targets.mean(0)
    centred = features - centre
    gram = centred.T @ centred
    gram += 1e-3 * gram.diagonal().mean() * torch.eye(len(gram)).double()
    solved = torch.linalg.solve(gram, centred.T @ (targets - middle))
    with torch.no_grad():
        model.map.weight.copy_(solved.T)
        model.map.bias.copy_(middle - centre @ solved)


def train(
    weights: Path,
    data: Path,
    models: Path,
    checkpoint: Path,
    *,
    share: float = 1.0,
    pairs: int = 6000,
    seed: int = 7,
    minutes: float = 60,
    stage: str = "all",
    start: Path | None = None,
) -> ProjectedEncoder:
    """Return the trained encoder; the learning rate falls to zero within ``minutes``.

    ``start``: the checkpoint of an earlier stage.
    """
    torch.manual_seed(seed)
    trunk, source = load_trunk(weights)
    model = ProjectedEncoder(trunk)
    if checkpoint.exists():
        model.load_state_dict(load_file(checkpoint))
        return model.eval()
    trunk.config._attn_implementation = "sdpa"
    tokenizer, teacher = plain_tokenizer(source.tokenizer, LONGEST), Teacher(models)
    items, scored = items_of(data, seed, share, stage), scored_of(data, seed, pairs)
    related = related_of(data, seed, pairs) if stage == "all" else []
    print(f"{len(items)} texts, {len(scored)} scored and {len(related)} related pairs", flush=True)
    if start:
        model.load_state_dict(load_file(start))
    else:
        fit_map(model, seeded(seed).sample(items, 4000), tokenizer, teacher)
    plan = list(batches_of(items, scored, related, tokenizer, seeded(seed)))
    fit(model, plan, teacher, checkpoint, minutes)
    trunk.config._attn_implementation = "eager"
    save(model.state_dict(), checkpoint)
    return model.eval()


def fit(
    model: ProjectedEncoder, plan: list[Batch], teacher: Teacher, checkpoint: Path, minutes: float
) -> None:
    """Train in place on the batches of ``plan``, or as many as ``minutes`` allow.

    The weights so far are written beside ``checkpoint`` as ``….part``.
    """
    trunk = model.trunk
    for part in (trunk.embeddings, *trunk.encoder.layer[:FROZEN_LAYERS]):
        part.requires_grad_(False)
    trained = [p for p in trunk.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": trained, "lr": RATE}, {"params": model.map.parameters(), "lr": MAP_RATE}],
        weight_decay=0.01,
        fused=True,
    )
    rates = [group["lr"] for group in optimiser.param_groups]
    started, total = time.monotonic(), 0.0
    model.train()
    for step, batch in enumerate(plan, 1):
        spent = (time.monotonic() - started) / (minutes * 60)
        done = max(step / len(plan), spent)  # whichever ends first
        slope = min(step / 60, max(0.02, 1 - done))
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * slope
        loss = loss_of(model, batch, teacher)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        total += loss.item()
        if step % 20 == 0:
            print(f"step {step}/{len(plan)} loss {total / 20:.4f} {spent:.2f}", flush=True)
            total = 0.0
        if step % 100 == 0:
            save(model.state_dict(), checkpoint.with_suffix(".part"))
        if spent >= 1:
            break


def main() -> None:
    """Train; articles that are held out are in ``is_held_out``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="multilingual-e5-small, cut")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--models", type=Path, required=True, help="models with the teacher")
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--share", type=float, default=1.0, help="of the texts of every source")
    parser.add_argument("--pairs", type=int, default=6000, help="scored and related pairs")
    parser.add_argument("--minutes", type=float, default=60, help="longest time")
    parser.add_argument("--stage", choices=STAGES, default="all", help="languages of the texts")
    parser.add_argument("--start", type=Path, help="checkpoint of the stage before")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--seed", type=int, default=7, help="seed of torch and of the row order")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(
        args.weights,
        args.data,
        args.models,
        args.checkpoint,
        share=args.share,
        pairs=args.pairs,
        seed=args.seed,
        minutes=args.minutes,
        stage=args.stage,
        start=args.start,
    )


if __name__ == "__main__":
    main()
