"""A ticket is read: what the bundles say of it is written in one short transaction."""

from django.db import transaction
from django.utils import timezone

from appliance.inference.answers import CategoryAnswer, SentimentAnswer
from appliance.inference.bundle import BundleRef
from appliance.tickets import services as tickets
from appliance.tickets.models import Ticket, TicketCategory
from appliance.triage import backlog, caution, reader
from appliance.triage.models import NOT_SURE, Annotation, Attempt, TicketVector
from appliance.triage.reader import Answers
from appliance.triage.services import turns
from appliance.triage.texts import digest


def annotate(ticket_id: int) -> bool:
    """Let the bundles at hand read the ticket. Whether anything was written.

    Writes nothing, and no event, when all is read, when somebody else reads it now, when no
    bundle is there, or when the text has broken these bundles three times.
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
    answers = reader.ask(ticket.text, roles, backlog.labels(), space, careful=careful)
    written = not answers.is_empty and _store(ticket, answers, refs, text)
    turns.give_back(Attempt.Kind.TICKET, ticket_id, answers.broken)
    return written


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
    answers = reader.ask(ticket.text, {"encoder"}, {}, encoder.space)
    written = not answers.is_empty and _store(ticket, answers, refs, text)
    turns.give_back(Attempt.Kind.NEXT_TICKET, ticket_id, answers.broken)
    return written


@transaction.atomic
def _store(ticket: Ticket, answers: Answers, refs: backlog.Refs, text: str) -> bool:
    """Write what is still missing. False when the text changed meanwhile, or all is there."""
    locked = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket.pk)
    roles = backlog.find_stale_roles(locked, refs, text)
    if digest(locked.text) != text or not roles:
        return False
    if answers.vector is not None and "encoder" in roles:
        TicketVector.objects.update_or_create(
            ticket=locked,
            space=refs["encoder"].space,
            defaults={"vector": answers.vector, "text_sha256": text},
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
    chosen = ticket.category
    if category:
        scores = [[label, round(score, 4)] for label, score in category.scores]
        _annotate(ticket, Annotation.Kind.CATEGORY, category, category.label, scores, text)
        chosen = TicketCategory.objects.filter(slug=category.label).first()
        said |= {
            "category": category.label or NOT_SURE,
            "confidence": round(category.confidence, 3),
        }
    if sentiment:
        scores = [[sentiment.label, round(sentiment.confidence, 4)]]
        _annotate(ticket, Annotation.Kind.SENTIMENT, sentiment, sentiment.label, scores, text)
        said |= {"sentiment": sentiment.label, "sentiment_score": round(sentiment.score, 3)}
    tickets.record_sorting(
        ticket=ticket,
        category=chosen,
        sentiment_score=sentiment.score if sentiment else None,
        bundles=" · ".join(_name(a.bundle) for a in (category, sentiment) if a),
        said=said,
    )


def _annotate(
    ticket: Ticket,
    kind: Annotation.Kind,
    answer: CategoryAnswer | SentimentAnswer,
    label: str | None,
    scores: list,
    text: str,
) -> None:
    Annotation.objects.update_or_create(
        ticket=ticket,
        kind=kind,
        defaults={
            "label": label or NOT_SURE,
            "held_back": getattr(answer, "held_back", None) or NOT_SURE,  # moods have none
            "confidence": answer.confidence,
            "scores": scores,
            "bundle_name": answer.bundle.name,
            "bundle_version": answer.bundle.version,
            "bundle_digest": answer.bundle.digest,
            "text_sha256": text,
            "created_at": timezone.now(),
        },
    )


def _name(bundle: BundleRef) -> str:
    return f"{bundle.name} {bundle.version}"
