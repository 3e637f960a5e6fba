"""Is it at least as good here? Both bundles answer the desk's own tickets, and are compared."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, Q

from appliance.accounts.models import Role
from appliance.core.audit import ANONYMOUS
from appliance.inference.bundle import ROLES, Bundle, InferenceError
from appliance.model_updates import sandbox, statistics
from appliance.model_updates.errors import UNDECIDED, Step, UpdateRejectedError
from appliance.model_updates.run_context import RunContext
from appliance.model_updates.statistics import Comparison, Verdict
from appliance.tickets.models import Event, Status, Ticket, TicketCategory
from appliance.triage import engine, work_queue

MIN_PHRASES = 12
MIN_AGREEMENT = 0.7  # of two sentiment bundles on the desk's own tickets
SENTIMENTS = Path(__file__).with_name("sentiment_sentences.json")


@dataclass(frozen=True)
class Judgement:
    """What is said of one bundle, and what it is said on."""

    verdict: Verdict
    why: str
    data: dict[str, Any]


def evaluation(work: RunContext) -> dict[str, Any]:
    """Every new bundle, beside the ones that run for the other roles."""
    running = _active_folders()
    tickets = list_confirmed_tickets()
    labels = work_queue.labels()
    results: dict[str, Any] = {}
    for bundle in work.bundles:
        role, about = bundle.ref.role, f"{bundle.ref.name}/{bundle.ref.version}"
        judge = {"classifier": _classifier, "sentiment": _sentiment, "encoder": _encoder}[role]
        judgement = judge(bundle, running, tickets, labels)
        results[role] = {"verdict": judgement.verdict, "why": judgement.why, **judgement.data}
        if judgement.verdict == "worse":
            text = f"{about} is worse than what runs: {judgement.why}"
            _refuse(work, "worse", text, results, None)
        if judgement.verdict == "not enough":
            text = f"Not enough evidence about {about}: {judgement.why} A person must say yes."
            _refuse(work, "undecided", text, results, UNDECIDED)
    return results


def _refuse(work: RunContext, what: str, text: str, results: dict, code: int | None) -> None:
    try:
        work.refuse_unless_accepted(what, Step.EVALUATION, text, code=code)
    except UpdateRejectedError as error:
        error.data = results  # whoever has to decide sees the evidence
        raise


def _active_folders() -> dict[str, Path]:
    folders = {}
    for role in ROLES:
        try:
            folders[role] = engine.current().bundle(role).folder
        except InferenceError:
            continue  # a role without a bundle: nothing to be compared with
    return folders


def _read(
    folders: dict[str, Path],
    needs: str,
    texts: list[str],
    labels: dict,
    ask: list[str],
    phrases: list[str] | None = None,
) -> dict | None:
    """What these bundles say; None when the role that is asked for does not run."""
    if needs not in folders or not (texts or phrases):
        return None
    return sandbox.predict_texts(folders, texts, labels, ask, phrases)


def _classifier(bundle: Bundle, running: dict, tickets: list, labels: dict) -> Judgement:
    """The head alone on what the categories call typical (labels that were exchanged cannot hide
    there behind the similarity to those same phrases), then both together on the tickets.
    """
    texts, classes = [t.text for t in tickets], [t.category for t in tickets]
    pairs = list_phrases()
    phrases, slugs = [phrase for phrase, _ in pairs], [slug for _, slug in pairs]
    old, new = (
        _read(folders, "classifier", texts, labels, ["category", "head"], phrases)
        for folders in (running, {**running, "classifier": bundle.folder})
    )
    heads = _compared(
        old,
        new,
        slugs,
        lambda predictions, n: predictions["head"][n] == slugs[n],
        least=MIN_PHRASES,
        split=False,
    )
    first = _compared(
        old, new, classes, lambda predictions, n: predictions["first"][n] == classes[n]
    )
    sure = _compared(
        old,
        new,
        classes,
        lambda predictions, n: predictions["category"][n] in (None, classes[n]),
        split=False,
    )
    data = {
        "tickets": len(tickets),
        "chosen": sum(t.is_chosen for t in tickets),
        "first choice": first.as_json(),
        "not wrong while sure": sure.as_json(),
        "phrases of the categories": heads.as_json(),
        "not sure": {"before": _share_unsure(old), "after": _share_unsure(new)},
    }
    if heads.verdict == "worse":
        why = f"it sorts {heads.overall.after:.0%} of the categories' own phrases right, "
        return Judgement("worse", f"{why}before {heads.overall.before:.0%}.", data)
    return _judge([first, sure], data, len(tickets))


def _compared(old, new, classes, is_right, *, least=statistics.MIN_TEXTS, split=True):
    count = len(classes)
    before = [old is not None and is_right(old, n) for n in range(count)]
    after = [new is not None and is_right(new, n) for n in range(count)]
    return statistics.compare(before, after, classes if split else [""] * count, least=least)


def _share_unsure(predictions: dict | None) -> float | None:
    if not predictions or not predictions["category"]:
        return None
    return round(
        sum(label is None for label in predictions["category"]) / len(predictions["category"]), 3
    )


def _judge(comparisons: list[Comparison], data: dict, tickets: int) -> Judgement:
    for comparison in comparisons:
        if comparison.verdict == "worse":
            part = next(
                d for d in (comparison.overall, *comparison.classes) if d.verdict == "worse"
            )
            about = f" of “{part.name}”" if part.name else ""
            why = f"on {part.texts} tickets{about} {part.after:.0%} are right, "
            why += f"before {part.before:.0%}."
            return Judgement("worse", why, data)
    if any(comparison.verdict == "not enough" for comparison in comparisons):
        why = f"{tickets} confirmed tickets cannot tell them apart."
        return Judgement("not enough", why, data)
    return Judgement("as good", f"on {tickets} confirmed tickets.", data)


def _sentiment(bundle: Bundle, running: dict, tickets: list, labels: dict) -> Judgement:
    """Compare two sentiment bundles on plain sentences with a known label and on own tickets."""
    after = {**running, "sentiment": bundle.folder}
    plain = json.loads(SENTIMENTS.read_text(encoding="utf-8"))
    texts, sentiments = [text for _, text in plain], [sentiment for sentiment, _ in plain]
    own = [ticket.text for ticket in tickets]
    old = _read(running, "sentiment", texts + own, {}, ["sentiment"])
    new = _read(after, "sentiment", texts + own, {}, ["sentiment"])
    right = _compared(
        old,
        new,
        sentiments,
        lambda predictions, n: predictions["sentiment"][n] == sentiments[n],
        least=MIN_PHRASES,
    )
    pairs = list(zip(old["sentiment"], new["sentiment"], strict=True))[len(texts) :] if old else []
    agreement = sum(a == b for a, b in pairs) / len(pairs) if pairs else None
    data = {"plain sentences": right.as_json(), "tickets": len(own), "same sentiment": agreement}
    if right.verdict == "worse":
        why = f"it reads {right.overall.after:.0%} of plain sentences right, before "
        return Judgement("worse", f"{why}{right.overall.before:.0%}.", data)
    if len(pairs) >= statistics.MIN_TEXTS and agreement < MIN_AGREEMENT:
        why = f"it reads another sentiment in {1 - agreement:.0%} of {len(pairs)} tickets."
        return Judgement("worse", why, data)
    return Judgement("not enough", "sentiments are confirmed by nobody.", data)


def _encoder(bundle: Bundle, running: dict, tickets: list, labels: dict) -> Judgement:
    """Do tickets that belong together lie together, and does the sorter do as well with it?"""
    after = {**running, "encoder": bundle.folder}
    texts, classes = [t.text for t in tickets], [t.category for t in tickets]
    ask = ["vector", *(["category"] if "classifier" in running and labels else [])]
    old = _read(running, "encoder", texts, labels, ask)
    new = _read(after, "encoder", texts, labels, ask)
    near = [_neighbours(predictions, classes) for predictions in (old, new)]
    together = statistics.compare(*near, [""] * len(classes))
    comparisons, data = [together], {"tickets": len(texts), "nearest": together.as_json()}
    if "category" in ask:
        first = _compared(
            old, new, classes, lambda predictions, n: predictions["first"][n] == classes[n]
        )
        comparisons.append(first)
        data["first choice"] = first.as_json()
    return _judge(comparisons, data, len(texts))


def _neighbours(predictions: dict | None, classes: list[str]) -> list[bool]:
    if predictions is None or len(classes) < 2:
        return [False] * len(classes)
    return statistics.nearest_share(np.array(predictions["vector"], dtype=np.float32), classes)


MAX_TICKETS = 300  # the newest: what the desk is asked now, not what it was asked years ago


@dataclass(frozen=True)
class Confirmed:
    """A text and the category it belongs to."""

    text: str
    category: str  # its slug
    is_chosen: bool


def list_confirmed_tickets(limit: int = MAX_TICKETS) -> list[Confirmed]:
    """Two queries; at most ``limit``."""
    by_agent = Event.objects.filter(ticket=OuterRef("pk"), actor__role__in=[Role.AGENT, Role.ADMIN])
    chosen = Exists(by_agent.filter(kind=Event.Kind.CATEGORY))
    solved = Exists(by_agent.filter(kind=Event.Kind.STATUS))
    rows = (
        Ticket.objects.filter(category__is_active=True)
        .exclude(subject=ANONYMOUS, description="")
        .annotate(chosen=chosen)
        .filter(Q(chosen=True) | Q(solved, status__in=[Status.SOLVED, Status.CLOSED]))
        .select_related("category")
        .defer("search_vector")
        .order_by("-created_at", "-id")[:limit]
    )
    return [Confirmed(row.text, row.category.slug, row.chosen) for row in rows]


def list_phrases() -> list[tuple[str, str]]:
    """(phrase, slug): how the desk's categories say their customers would write."""
    return [
        (str(phrase), row.slug)
        for row in TicketCategory.objects.filter(is_active=True)
        for phrase in row.examples
    ]
