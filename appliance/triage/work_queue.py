"""The queue of texts to process: tickets and articles, found by query, claimed by lease.

The life of a text, for the bundles at hand::

      new, changed, prediction deleted (trigger), or another bundle (backfill)
                                  │
                                  ▼
                              PENDING ◄────────────────────────┐
                                  │ claim                      │ fail, or the lease runs out,
                                  ▼                            │ attempts < MAX_ATTEMPTS
                              CLAIMED ─────────────────────────┤
                                  │ release                    │ attempts = MAX_ATTEMPTS
                                  ▼                            ▼
                             ANNOTATED                FAILED PERMANENTLY
                                  │                            │
                                  └── changed text, other bundles: pending again

- Pending: the text has no prediction or vector with its digest by one of the bundles at hand.
  ``PendingText`` rows say where to look, so that not every text is read. They are a superset:
  rows of texts that turn out to be annotated are pruned before the next batch of work. After
  other bundles came, all texts are scanned once (``BackfillState``). See decision 17.
- Claimed: an ``AnnotationLease`` with ``leased_until`` in the future. A worker that died loses it.
- Annotated: all predictions are there, and there is no lease.
- Failed permanently: a lease without time and with ``MAX_ATTEMPTS`` attempts, for this digest of
  the text and these bundles.

A role without a bundle has no work: without models only the languages of texts are recognised.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Case, Exists, Model, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from appliance.core.audit import ANONYMOUS
from appliance.inference.bundle import BundleRef
from appliance.knowledge.models import Article
from appliance.tickets.models import OPEN_STATUSES, Ticket
from appliance.triage import classifier, engine, language
from appliance.triage.models import (
    AnnotationLease,
    BackfillState,
    Passage,
    PendingText,
    Prediction,
    TextKind,
    TicketVector,
)
from appliance.triage.texts import ARTICLE_DIGEST, TICKET_DIGEST, digest

Refs = Mapping[str, BundleRef]  # by role
TextModel = TypeVar("TextModel", bound=Model)
KIND_OF_ROLE = {
    "classifier": Prediction.Kind.CATEGORY,
    "sentiment": Prediction.Kind.SENTIMENT,
    "language": Prediction.Kind.LANGUAGE,
}
MAX_ATTEMPTS = 3
LEASE_SECONDS = 120
MAX_ROWS_TO_PRUNE = 50_000  # with more pending rows, nearly all of them are really pending


def refs_at_hand() -> dict[str, BundleRef]:
    """Return the usable bundles by role, without the classifier while there is no category.

    The role "language" is always there: its library is a part of the release.
    """
    refs = engine.refs()
    if not classifier.labels():
        refs.pop("classifier", None)
    refs[language.ROLE] = language.find_ref()
    return refs


def bundles_digest(refs: Refs) -> str:
    """Return one value that identifies a set of bundles."""
    return digest(",".join(f"{role}:{ref.digest}" for role, ref in refs.items()))


# --- pending


def list_pending_tickets(
    refs: Refs, limit: int, kind: AnnotationLease.Kind = AnnotationLease.Kind.TICKET
) -> list[int]:
    """Return ids, open tickets first, newest first.

    Reads the pending texts; before a backfill, and for the next encoder, all tickets: 0.15 s for
    100,000.
    """
    if not refs:
        return []
    is_closed = Case(When(status__in=OPEN_STATUSES, then=Value(0)), default=Value(1))
    tickets = tickets_without_predictions(refs)
    if kind == AnnotationLease.Kind.TICKET:
        tickets = filter_pending(tickets, TextKind.TICKET, refs)
    tickets = _exclude_claimed(tickets, kind, refs)
    return list(
        tickets.order_by(is_closed, "-created_at", "-id").values_list("pk", flat=True)[:limit]
    )


def list_pending_articles(
    refs: Refs, limit: int, kind: AnnotationLease.Kind = AnnotationLease.Kind.ARTICLE
) -> list[int]:
    """Return ids, latest change first.

    Reads the pending texts; before a backfill, and for the next encoder, all articles: 0.8 s for
    100,000 without passages.
    """
    if "encoder" not in refs:
        return []
    refs = {"encoder": refs["encoder"]}
    articles = articles_without_passages(refs["encoder"])
    if kind == AnnotationLease.Kind.ARTICLE:
        articles = filter_pending(articles, TextKind.ARTICLE, refs)
    articles = _exclude_claimed(articles, kind, refs)
    return list(articles.order_by("-updated_at", "-id").values_list("pk", flat=True)[:limit])


def find_stale_roles(ticket: Ticket, refs: Refs, text_sha256: str) -> set[str]:
    """Return the roles whose bundle has no prediction for this text. One query."""
    predictions = ticket.predictions.filter(text_sha256=text_sha256).order_by()
    vectors = TicketVector.objects.filter(ticket=ticket, text_sha256=text_sha256).order_by()
    fresh: set[tuple[str, str]] = set(
        predictions.values_list("kind", "bundle_digest").union(
            vectors.values_list(Value("encoder"), "space"), all=True
        )
    )
    required: dict[str, tuple[str, str]] = {
        role: (kind, refs[role].digest) for role, kind in KIND_OF_ROLE.items() if role in refs
    }
    if "encoder" in refs:
        required["encoder"] = ("encoder", refs["encoder"].space)
    return {role for role, key in required.items() if key not in fresh}


def is_article_stale(article: Article, encoder: BundleRef, text_sha256: str) -> bool:
    return not article.passages.filter(space=encoder.space, text_sha256=text_sha256).exists()


def readable_tickets() -> QuerySet[Ticket]:
    """Return the tickets with a text; predictions of anonymised ones stay as they are."""
    return Ticket.objects.exclude(subject=ANONYMOUS, description="")


def unreadable_tickets() -> QuerySet[Ticket]:
    """Return the anonymised tickets, which have no text."""
    return Ticket.objects.filter(subject=ANONYMOUS, description="")


def tickets_without_predictions(refs: Refs) -> QuerySet[Ticket]:
    """Return tickets whose text lacks a prediction or vector by one of these bundles.

    Annotated with ``text_sha256``.
    """
    predictions = Prediction.objects.filter(
        ticket=OuterRef("pk"), text_sha256=OuterRef("text_sha256")
    )
    is_incomplete = Q()
    for role, kind in KIND_OF_ROLE.items():
        if role in refs:
            is_predicted = Exists(predictions.filter(kind=kind, bundle_digest=refs[role].digest))
            is_incomplete = is_incomplete | Q(~is_predicted)
    if "encoder" in refs:
        vectors = TicketVector.objects.filter(
            ticket=OuterRef("pk"),
            text_sha256=OuterRef("text_sha256"),
            space=refs["encoder"].space,
        )
        is_incomplete = is_incomplete | Q(~Exists(vectors))
    return readable_tickets().annotate(text_sha256=TICKET_DIGEST).filter(is_incomplete)


def articles_without_passages(encoder: BundleRef) -> QuerySet[Article]:
    """Return articles outside the archive whose text has no passages in the encoder's space.

    Annotated with ``text_sha256``.
    """
    passages = Passage.objects.filter(
        article=OuterRef("pk"),
        text_sha256=OuterRef("text_sha256"),
        space=encoder.space,
    )
    articles = Article.objects.in_use().annotate(text_sha256=ARTICLE_DIGEST)
    return articles.filter(~Exists(passages))


# --- where to look for pending texts


def filter_pending(texts: QuerySet[TextModel], kind: TextKind, refs: Refs) -> QuerySet[TextModel]:
    """Filter by the pending texts; returns all while the backfill has not run."""
    if not is_backfilled(kind, refs):
        return texts
    return texts.filter(pk__in=PendingText.objects.filter(kind=kind).values("object_id"))


def is_backfilled(kind: TextKind, refs: Refs) -> bool:
    """Whether all texts were scanned for each of these bundles, and maybe for more."""
    return _bundle_names(refs).items() <= _backfill_state(kind).items()


def refresh(refs: Refs) -> None:
    """Backfill or prune the pending texts for these bundles. Call before a batch of work."""
    if refs:
        _backfill_or_prune(TextKind.TICKET, refs, tickets_without_predictions(refs))
    if encoder := refs.get("encoder"):
        incomplete = articles_without_passages(encoder)
        _backfill_or_prune(TextKind.ARTICLE, {"encoder": encoder}, incomplete)


def reset() -> None:
    """Forget the backfills, so that the next query scans all texts."""
    BackfillState.objects.all().delete()


def _backfill_or_prune(kind: TextKind, refs: Refs, incomplete: QuerySet[TextModel]) -> None:
    """``incomplete``: all texts that the bundles have not processed."""
    if _backfill_state(kind) == _bundle_names(refs):
        _prune(kind, refs, incomplete)
    else:
        _backfill(kind, refs, incomplete)


@transaction.atomic
def _backfill(kind: TextKind, refs: Refs, incomplete: QuerySet[TextModel]) -> None:
    """Scan all texts once. Texts changed after the scan's snapshot are queued by their trigger."""
    query, parameters = incomplete.values("pk").query.sql_with_params()
    insert = (
        "INSERT INTO triage_pendingtext (kind, object_id) SELECT %s, pk FROM ({}) AS incomplete"
    )
    with connection.cursor() as cursor:
        cursor.execute(insert.format(query), [kind, *parameters])
    BackfillState.objects.bulk_create(
        [
            BackfillState(kind=kind, role=role, bundle=name)
            for role, name in _bundle_names(refs).items()
        ],
        update_conflicts=True,
        unique_fields=["kind", "role"],
        update_fields=["bundle"],
    )
    BackfillState.objects.filter(kind=kind).exclude(role__in=refs).delete()


def _prune(kind: TextKind, refs: Refs, incomplete: QuerySet[TextModel]) -> None:
    """Delete the rows of annotated texts.

    Exact without a lock: rows are only inserted, so a text queued meanwhile has a row that this
    statement does not see. It deletes nothing when the backfill is of other bundles by now, since
    the statement itself checks that.
    """
    if PendingText.objects.filter(kind=kind)[:MAX_ROWS_TO_PRUNE].count() == MAX_ROWS_TO_PRUNE:
        return
    pending = PendingText.objects.filter(kind=kind)
    for role, name in _bundle_names(refs).items():
        state = BackfillState.objects.filter(kind=kind, role=role, bundle=name)
        pending = pending.filter(Exists(state))
    others = BackfillState.objects.filter(kind=kind).exclude(role__in=refs)
    is_incomplete = incomplete.filter(pk=OuterRef("object_id"))
    pending.exclude(Exists(others)).exclude(Exists(is_incomplete)).delete()


def _backfill_state(kind: TextKind) -> dict[str, str]:
    return dict(BackfillState.objects.filter(kind=kind).values_list("role", "bundle"))


def _bundle_names(refs: Refs) -> dict[str, str]:
    return {role: ref.space if role == "encoder" else ref.digest for role, ref in refs.items()}


# --- claimed, annotated, failed

# Takes the lease when nobody holds it and it has attempts left; another text, or other bundles,
# restart the count. A lease longer than any can be (the clock was set back) counts as free. The
# wall clock decides, not the start of the transaction.
CLAIM_SQL = """
INSERT INTO triage_annotationlease AS lease
    (kind, object_id, text_sha256, bundles, attempts, leased_until, error)
VALUES (%(kind)s, %(object_id)s, %(text)s, %(bundles)s, 1,
        clock_timestamp() + %(duration)s::interval, '')
ON CONFLICT (kind, object_id) DO UPDATE SET
    attempts = CASE
        WHEN (lease.text_sha256, lease.bundles) = (excluded.text_sha256, excluded.bundles)
        THEN lease.attempts + 1 ELSE 1 END,
    text_sha256 = excluded.text_sha256,
    bundles = excluded.bundles,
    leased_until = excluded.leased_until,
    error = ''
WHERE (lease.leased_until IS NULL
       OR lease.leased_until NOT BETWEEN clock_timestamp() AND excluded.leased_until)
  AND (lease.attempts < %(max_attempts)s
       OR (lease.text_sha256, lease.bundles) <> (excluded.text_sha256, excluded.bundles))
RETURNING id
"""


def claim(kind: str, object_id: int, *, text_sha256: str, refs: Refs) -> bool:
    """Take the lease of a text. False while another holds it, or it failed permanently."""
    parameters: dict[str, str | int] = {
        "kind": kind,
        "object_id": object_id,
        "text": text_sha256,
        "bundles": bundles_digest(refs),
        "duration": f"{LEASE_SECONDS} seconds",
        "max_attempts": MAX_ATTEMPTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_SQL, parameters)
        return cursor.fetchone() is not None


def release(kind: str, object_id: int, *, errors: Collection[str] = ()) -> None:
    """Give the lease back. With ``errors`` the attempt counts, else it is forgotten."""
    lease = AnnotationLease.objects.filter(kind=kind, object_id=object_id)
    if errors:
        lease.update(leased_until=None, error="; ".join(errors)[:500])
    else:
        lease.delete()


def list_failed() -> QuerySet[AnnotationLease]:
    """Return the texts that failed permanently."""
    is_claimed = Q(leased_until__gt=timezone.now())
    return AnnotationLease.objects.filter(attempts__gte=MAX_ATTEMPTS).exclude(is_claimed)


def exclude_failed(
    texts: QuerySet[TextModel], kinds: Collection[str], bundles: Collection[str]
) -> QuerySet[TextModel]:
    """Leave out texts, annotated with ``text_sha256``, that failed for one of these bundles."""
    failed = AnnotationLease.objects.filter(
        kind__in=kinds,
        object_id=OuterRef("pk"),
        text_sha256=OuterRef("text_sha256"),
        bundles__in=bundles,
        attempts__gte=MAX_ATTEMPTS,
    )
    return texts.exclude(Exists(failed))


def _exclude_claimed(
    texts: QuerySet[TextModel], kind: AnnotationLease.Kind, refs: Refs
) -> QuerySet[TextModel]:
    """Leave out texts that another worker holds, or that failed permanently."""
    now = timezone.now()
    claimed = AnnotationLease.objects.filter(
        kind=kind,
        object_id=OuterRef("pk"),
        leased_until__range=(now, now + timedelta(seconds=LEASE_SECONDS)),
    )
    return exclude_failed(texts, [kind], [bundles_digest(refs)]).exclude(Exists(claimed))
