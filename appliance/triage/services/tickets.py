"""A ticket is read: what the bundles say of it is written in one short transaction."""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from appliance.core.deadline_pool import BusyError
from appliance.inference.answers import CategoryAnswer, SentimentAnswer
from appliance.inference.bundle import BundleRef
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket, TicketCategory
from appliance.triage import backlog, caution, reader
from appliance.triage.models import NOT_SURE, Annotation, Attempt, TicketVector
from appliance.triage.reader import Answers
from appliance.triage.services import turns
from appliance.triage.texts import digest

# All an annotation says; its ticket and kind are its key.
SAID = [
    "label",
    "held_back",
    "confidence",
    "scores",
    "bundle_name",
    "bundle_version",
    "bundle_digest",
    "text_sha256",
    "created_at",
]
Asking = Callable[[Callable[[], Answers], Callable[[Answers], bool]], Answers]


def _in_this_thread(ask: Callable[[], Answers], write: Callable[[Answers], bool]) -> Answers:
    return ask()


def annotate(ticket_id: int, asking: Asking = _in_this_thread) -> bool:
    """Let the bundles at hand read the ticket. Whether anything was written.

    Writes nothing, and no event, when all is read, when somebody else reads it now, when no
    bundle is there, or when the text has broken these bundles three times. ``asking`` decides
    where the bundles are asked; whoever gives up waiting sees to it that ``write`` is called.
    """
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None:
        return False
    refs, text = backlog.refs_at_hand(), digest(ticket.text)
    if not backlog.find_stale_roles(ticket, refs, text):
        return False
    if not turns.take(Attempt.Kind.TICKET, ticket_id, text, refs):
        return False
    # once more: whoever held it before us may have just read it
    roles = backlog.find_stale_roles(ticket, refs, text)
    space = refs["encoder"].space if "encoder" in refs else None
    careful = caution.is_due(refs.get("classifier"))
    labels = backlog.labels()

    def write(said: Answers) -> bool:
        return _write(Attempt.Kind.TICKET, ticket, said, refs, text)

    try:
        said = asking(lambda: reader.ask(ticket.text, roles, labels, space, careful=careful), write)
    except BusyError:
        turns.give_back(Attempt.Kind.TICKET, ticket_id, [])
        raise
    return write(said)


def read_ticket_ahead(ticket_id: int, encoder: BundleRef) -> bool:
    """The vector of the next encoder, beside the one that is found. Whether it was written."""
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    refs = {"encoder": encoder}
    if ticket is None:
        return False
    text = digest(ticket.text)
    if not backlog.find_stale_roles(ticket, refs, text):
        return False
    if not turns.take(Attempt.Kind.NEXT_TICKET, ticket_id, text, refs):
        return False
    said = reader.ask(ticket.text, {"encoder"}, {}, encoder.space)
    return _write(Attempt.Kind.NEXT_TICKET, ticket, said, refs, text)


@transaction.atomic
def _write(
    turn: Attempt.Kind, ticket: Ticket, said: Answers, refs: backlog.Refs, text: str
) -> bool:
    """What the bundles said, and that the turn is over. Whether anything was new."""
    is_written = not said.is_empty and _store(ticket, said, refs, text)
    turns.give_back(turn, ticket.pk, said.broken)
    return is_written


def _store(ticket: Ticket, answers: Answers, refs: backlog.Refs, text: str) -> bool:
    """Write what is still missing. False when the text changed meanwhile, or all is there."""
    locked = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket.pk)
    roles = backlog.find_stale_roles(locked, refs, text)
    if digest(locked.text) != text or not roles:
        return False
    if answers.vector is not None and "encoder" in roles:
        vector = TicketVector(
            ticket=locked, space=refs["encoder"].space, vector=answers.vector, text_sha256=text
        )
        TicketVector.objects.bulk_create(
            [vector],
            update_conflicts=True,
            unique_fields=["space", "ticket"],
            update_fields=["vector", "text_sha256"],
        )
    category = answers.category if "classifier" in roles else None
    sentiment = answers.sentiment if "sentiment" in roles else None
    if category or sentiment:
        _store_sorting(locked, category, sentiment, text)
    return True


def _store_sorting(
    ticket: Ticket, category: CategoryAnswer | None, sentiment: SentimentAnswer | None, text: str
) -> None:
    said: dict = {}
    chosen, rows = ticket.category, []
    if category:
        scores = [[label, round(score, 4)] for label, score in category.scores]
        rows.append(_row(ticket, Annotation.Kind.CATEGORY, category, category.label, scores, text))
        chosen = TicketCategory.objects.filter(slug=category.label).first()
        said |= {
            "category": category.label or NOT_SURE,
            "confidence": round(category.confidence, 3),
        }
    if sentiment:
        scores = [[sentiment.label, round(sentiment.confidence, 4)]]
        kind, label = Annotation.Kind.SENTIMENT, sentiment.label
        rows.append(_row(ticket, kind, sentiment, label, scores, text))
        said |= {"sentiment": sentiment.label, "sentiment_score": round(sentiment.score, 3)}
    Annotation.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["ticket", "kind"], update_fields=SAID
    )
    tickets_services.record_classification(
        ticket=ticket,
        category=chosen,
        sentiment_score=sentiment.score if sentiment else None,
        bundles=" · ".join(_name(a.bundle) for a in (category, sentiment) if a),
        prediction_data=said,
    )


def _row(
    ticket: Ticket,
    kind: Annotation.Kind,
    answer: CategoryAnswer | SentimentAnswer,
    label: str | None,
    scores: list,
    text: str,
) -> Annotation:
    return Annotation(
        ticket=ticket,
        kind=kind,
        label=label or NOT_SURE,
        held_back=getattr(answer, "held_back", None) or NOT_SURE,  # moods have none
        confidence=answer.confidence,
        scores=scores,
        bundle_name=answer.bundle.name,
        bundle_version=answer.bundle.version,
        bundle_digest=answer.bundle.digest,
        text_sha256=text,
        created_at=timezone.now(),
    )


def _name(bundle: BundleRef) -> str:
    return f"{bundle.name} {bundle.version}"
