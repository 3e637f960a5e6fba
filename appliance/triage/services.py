"""Verbs of triage: read a ticket, read an article, correct a category, catch up.

The models run outside any transaction; what they said is written in one short one, and only
when the text is still the one they read.
"""

import contextlib
import threading
import time
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import AlreadyEnqueued

from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.bounded import Bounded, BusyError
from appliance.core.database import on_own_connection
from appliance.core.errors import RefusedError
from appliance.inference.answers import CategoryAnswer, SentimentAnswer
from appliance.inference.bundle import BundleRef
from appliance.inference.errors import InferenceError
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets
from appliance.tickets.models import OPEN_STATUSES, Ticket, TicketCategory
from appliance.triage import backlog, claims, engine, passages, reader
from appliance.triage.models import (
    NOT_SURE,
    Annotation,
    Attempt,
    Correction,
    Passage,
    TicketVector,
)
from appliance.triage.reader import Answers
from appliance.triage.texts import article_text, digest

T = TypeVar("T")
log = structlog.get_logger(__name__)
_readers = Bounded("annotate", threads=2)
QUEUE_DELAY_SECONDS = 1  # the request that made the text tries first; the worker comes behind


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
    if not _claim(Attempt.Kind.TICKET, ticket_id, text, refs):
        return False
    # once more: whoever held it before us may have just read it
    roles = backlog.find_stale_roles(ticket, refs, text)
    answers = reader.ask(ticket.text, roles, backlog.labels())
    written = not answers.is_empty and _store(ticket, answers, refs, text)
    _settle(Attempt.Kind.TICKET, ticket_id, answers.broken)
    return written


def annotate_soon(ticket_id: int, budget_seconds: float | None = None) -> bool:
    """Annotate within the budget (settings.ANNOTATE_BUDGET_SECONDS). Whether it ended in time.

    Never raises. What does not fit goes on behind; when models hang, later calls return at once.
    The ticket must be committed: it is read over another connection.
    """
    seconds = settings.ANNOTATE_BUDGET_SECONDS if budget_seconds is None else budget_seconds
    try:
        _readers.run(lambda: on_own_connection(lambda: annotate(ticket_id)), seconds=seconds)
    except (BusyError, TimeoutError) as error:
        log.info("annotate_later", ticket=ticket_id, why=type(error).__name__)
        return False
    except Exception:
        log.exception("annotate_failed", ticket=ticket_id)
        return False
    return True


def warm() -> None:
    """Load the models in the background, so that the first ticket does not pay for it."""
    threading.Thread(
        target=on_own_connection, args=[_warm], name="warm-models", daemon=True
    ).start()


def _warm() -> None:
    models = engine.current()
    models.load()
    with contextlib.suppress(InferenceError):  # the status page names it
        models.classify("warm up", backlog.labels())  # embeds the categories' phrases


def refresh_article(article_id: int) -> bool:
    """Cut the article into passages and embed them, drafts too. Whether anything was written."""
    article = Article.objects.filter(pk=article_id).first()
    if article is None:
        return False
    text = digest(article_text(article))
    _forget_old_passages(article, text)
    encoder = engine.find_ref("encoder")
    if encoder is None or not backlog.is_article_stale(article, encoder, text):
        return False
    if not _claim(Attempt.Kind.ARTICLE, article_id, text, {"encoder": encoder}):
        return False
    pieces = passages.cut(article.content)
    answers = [reader.ask(f"{article.title}\n{piece}", {"encoder"}, {}) for piece in pieces]
    broken = [why for answer in answers for why in answer.broken]
    whole = all(answer.vector is not None for answer in answers)
    written = whole and _store_passages(article, pieces, answers, encoder, text)
    _settle(Attempt.Kind.ARTICLE, article_id, broken)
    return written


@transaction.atomic
def correct_category(*, ticket: Ticket, category: TicketCategory | None, by: User) -> None:
    """Set the category and remember what the bundle had said, so that the desk can learn."""
    if not by.is_agent:
        raise RefusedError(_("Only an agent can change the category of a ticket."))
    before = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket.pk)
    if before.category_id != (category.pk if category else None):
        said = ticket.annotations.filter(kind=Annotation.Kind.CATEGORY).first()
        Correction.objects.create(
            ticket=ticket,
            said=said.label if said else NOT_SURE,
            category=category,
            by=by,
            bundle_digest=said.bundle_digest if said else "",
        )
    tickets.set_category(ticket=ticket, category=category, by=by)


@transaction.atomic
def reconsider_unsure() -> int:
    """The desk's categories read otherwise now: let the worker read again the open tickets that
    stand in none because the sorter was not sure. How many.

    One UPDATE makes what was said older than its text, which is what the backlog looks for.
    """
    unsure = Annotation.objects.filter(
        kind=Annotation.Kind.CATEGORY,
        label=NOT_SURE,
        ticket__category=None,
        ticket__status__in=OPEN_STATUSES,
    )
    again = Annotation.objects.filter(pk__in=unsure.values("pk")).update(text_sha256="")
    if again:
        queue_catch_up()
    return again


def catch_up(limit: int = 1000, *, seconds: float = 10.0) -> int:
    """Read what is left to read, as far as the seconds go. How many texts were written.

    Any number of workers may do this at once: each text is claimed by one of them.
    """
    ends_at = time.monotonic() + seconds
    refs = backlog.refs_at_hand()
    # articles first: they are few, and every ticket is answered from them
    work = [(refresh_article, pk) for pk in backlog.list_articles_to_read(refs, limit)]
    work += [(annotate, pk) for pk in backlog.list_tickets_to_read(refs, limit)]
    written = 0
    for verb, pk in work:
        if time.monotonic() > ends_at:
            break
        written += verb(pk)
    return written


def queue_annotation(ticket: Ticket) -> None:
    """Wake a worker for this ticket once the transaction commits; twice is once."""
    _queue("triage.annotate_ticket", f"ticket:{ticket.pk}", ticket_id=ticket.pk)


def queue_article(article: Article) -> None:
    """Wake a worker for this article once the transaction commits; twice is once."""
    _queue("triage.refresh_article", f"article:{article.pk}", article_id=article.pk)


def queue_catch_up() -> None:
    """Wake a worker for whatever is left to read: after an import, after new bundles."""
    _queue("triage.catch_up", "triage.catch_up")


def _queue(task: str, lock: str, **arguments: int) -> None:
    job = jobs.configure_task(
        task, queueing_lock=lock, schedule_in={"seconds": QUEUE_DELAY_SECONDS}
    )
    try:
        with transaction.atomic():  # a refused insert must not spoil the caller's transaction
            job.defer(**arguments)
    except AlreadyEnqueued:
        log.debug("already_queued", lock=lock)


def _claim(kind: Attempt.Kind, object_id: int, text: str, refs: backlog.Refs) -> bool:
    bundles = backlog.identity(refs)
    return claims.claim(kind, object_id, text_sha256=text, bundles=bundles)


def _settle(kind: Attempt.Kind, object_id: int, broken: list[str]) -> None:
    if broken:
        claims.fail(kind, object_id, error="; ".join(broken))
    else:
        claims.release(kind, object_id)


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
            defaults={
                "space": refs["encoder"].space,
                "vector": answers.vector,
                "text_sha256": text,
            },
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


@transaction.atomic
def _store_passages(
    article: Article, pieces: list[str], answers: list[Answers], encoder: BundleRef, text: str
) -> bool:
    """Replace the passages. False when the text changed meanwhile."""
    locked = Article.objects.select_for_update(of=["self"]).filter(pk=article.pk).first()
    if locked is None or digest(article_text(locked)) != text:
        return False
    locked.passages.all().delete()
    Passage.objects.bulk_create(
        Passage(
            article=locked,
            position=position,
            text=piece,
            space=encoder.space,
            vector=answer.vector,
            text_sha256=text,
        )
        for position, (piece, answer) in enumerate(zip(pieces, answers, strict=True))
    )
    cache.changed(cache.ARTICLES)
    return True


@transaction.atomic
def _forget_old_passages(article: Article, text: str) -> None:
    """What the article no longer says must not be found, even while nobody can embed."""
    if article.passages.exclude(text_sha256=text).delete()[0]:
        cache.changed(cache.ARTICLES)
