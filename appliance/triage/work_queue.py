"""What is left to read, found by query: never read, older than the text, or by another bundle.

A role without a bundle has no work, so a desk without models looks once a minute and rests.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta

from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from appliance.core import cache
from appliance.core.audit import ANONYMOUS
from appliance.inference.bundle import BundleRef
from appliance.knowledge.models import Article
from appliance.tickets.models import OPEN_STATUSES, Ticket, TicketCategory
from appliance.triage import engine, pending_texts
from appliance.triage.models import AnnotationLease, Passage, Prediction, TicketVector
from appliance.triage.texts import ARTICLE_DIGEST, TICKET_DIGEST, digest

Refs = Mapping[str, BundleRef]
KIND_OF_ROLE = {"classifier": Prediction.Kind.CATEGORY, "sentiment": Prediction.Kind.SENTIMENT}


def labels() -> dict[str, str]:
    """What the classifier chooses from: slug → what it reads to know the category. From the cache
    if there.
    """
    return cache.get_or_compute(
        "labels",
        [],
        lambda: {row.slug: row.reading for row in TicketCategory.objects.filter(is_active=True)},
        depends_on=[cache.CATEGORIES],
    )


def refs_at_hand() -> dict[str, BundleRef]:
    """The bundles that can be asked now, without the classifier while it has nothing to choose."""
    refs = engine.refs()
    if not labels():
        refs.pop("classifier", None)
    return refs


def identity(refs: Refs) -> str:
    """One value for the bundles at hand: other bundles, other value."""
    return digest(",".join(f"{role}:{ref.digest}" for role, ref in refs.items()))


def find_stale_roles(ticket: Ticket, refs: Refs, text_sha256: str) -> set[str]:
    """Which of the bundles at hand have not yet read this text. One query."""
    rows = ticket.predictions.filter(text_sha256=text_sha256).order_by()
    vectors = TicketVector.objects.filter(ticket=ticket, text_sha256=text_sha256).order_by()
    fresh = set(
        rows.values_list("kind", "bundle_digest").union(
            vectors.values_list(Value("encoder"), "space"), all=True
        )
    )
    values = {
        role: (kind, refs[role].digest) for role, kind in KIND_OF_ROLE.items() if role in refs
    }
    if "encoder" in refs:
        values["encoder"] = ("encoder", refs["encoder"].space)
    return {role for role, read in values.items() if read not in fresh}


def is_article_stale(article: Article, encoder: BundleRef, text_sha256: str) -> bool:
    return not article.passages.filter(space=encoder.space, text_sha256=text_sha256).exists()


def list_tickets_to_read(
    refs: Refs, limit: int, kind: AnnotationLease.Kind = AnnotationLease.Kind.TICKET
) -> list[int]:
    """Ids, open ones first, newest first. Looks at what was touched; for bundles not followed yet,
    and for the next encoder, at every ticket: 0.15 s for 100,000.
    """
    if not refs:
        return []
    is_open = Case(When(status__in=OPEN_STATUSES, then=Value(0)), default=Value(1))
    lacking = tickets_without_predictions(refs)
    if kind == AnnotationLease.Kind.TICKET:
        lacking = pending_texts.only_pending(lacking, kind, refs)
    tickets = _without_taken(lacking, kind, refs)
    return list(
        tickets.order_by(is_open, "-created_at", "-id").values_list("pk", flat=True)[:limit]
    )


def list_articles_to_read(
    refs: Refs, limit: int, kind: AnnotationLease.Kind = AnnotationLease.Kind.ARTICLE
) -> list[int]:
    """Ids, latest change first. Looks at what was touched; for bundles not followed yet, and for
    the next encoder, at every article: 0.8 s for 100,000 that nobody has read.
    """
    if "encoder" not in refs:
        return []
    refs = {"encoder": refs["encoder"]}
    lacking = articles_without_passages(refs["encoder"])
    if kind == AnnotationLease.Kind.ARTICLE:
        lacking = pending_texts.only_pending(lacking, kind, refs)
    articles = _without_taken(lacking, kind, refs)
    return list(articles.order_by("-updated_at", "-id").values_list("pk", flat=True)[:limit])


def keep_up(refs: Refs) -> None:
    """Before a slice of work: what is touched is followed for these bundles (touched.py)."""
    if refs:
        pending_texts.delete_finished(
            AnnotationLease.Kind.TICKET, refs, tickets_without_predictions(refs)
        )
    if encoder := refs.get("encoder"):
        pending_texts.delete_finished(
            AnnotationLease.Kind.ARTICLE, {"encoder": encoder}, articles_without_passages(encoder)
        )


def readable_tickets() -> QuerySet[Ticket]:
    """Of an anonymous ticket there is nothing to read, and what was said of it stays."""
    return Ticket.objects.exclude(subject=ANONYMOUS, description="")


def unreadable_tickets() -> QuerySet[Ticket]:
    """The others."""
    return Ticket.objects.filter(subject=ANONYMOUS, description="")


def tickets_without_predictions(refs: Refs) -> QuerySet[Ticket]:
    """Rows whose current text one of these bundles has not read, with ``text_sha256``."""
    predictions = Prediction.objects.filter(
        ticket=OuterRef("pk"), text_sha256=OuterRef("text_sha256")
    )
    lacks = Q()
    for role, kind in KIND_OF_ROLE.items():
        if role in refs:
            lacks |= ~Exists(predictions.filter(kind=kind, bundle_digest=refs[role].digest))
    if "encoder" in refs:
        vectors = TicketVector.objects.filter(
            ticket=OuterRef("pk"),
            text_sha256=OuterRef("text_sha256"),
            space=refs["encoder"].space,
        )
        lacks |= ~Exists(vectors)
    return readable_tickets().annotate(text_sha256=TICKET_DIGEST).filter(lacks)


def articles_without_passages(encoder: BundleRef) -> QuerySet[Article]:
    """Those in use without passages in this space as they read now, with ``text_sha256``."""
    passages = Passage.objects.filter(
        article=OuterRef("pk"),
        text_sha256=OuterRef("text_sha256"),
        space=encoder.space,
    )
    articles = Article.objects.in_use().annotate(text_sha256=ARTICLE_DIGEST)
    return articles.filter(~Exists(passages))


def without_parked(rows: QuerySet, kinds: Collection[str], bundles: Collection[str]) -> QuerySet:
    """Leaves out what broke these bundles three times, as it reads now."""
    attempts = AnnotationLease.objects.filter(
        kind__in=kinds,
        object_id=OuterRef("pk"),
        text_sha256=OuterRef("text_sha256"),
        bundles__in=bundles,
        tries__gte=MAX_TRIES,
    )
    return rows.exclude(Exists(attempts))


def _without_taken(rows: QuerySet, kind: AnnotationLease.Kind, refs: Refs) -> QuerySet:
    """Leaves out what somebody reads now, too."""
    now = timezone.now()
    held = AnnotationLease.objects.filter(
        kind=kind,
        object_id=OuterRef("pk"),
        leased_until__range=(now, now + timedelta(seconds=LEASE_SECONDS)),
    )
    return without_parked(rows, [kind], [identity(refs)]).exclude(Exists(held))


MAX_TRIES = 3
LEASE_SECONDS = 120  # a worker that died gives its text back after this long

# Takes the row when nobody holds it and it has tries left; another text, or other bundles, start
# the count again. A claim that lies further ahead than any claim can (the clock jumped back) is
# nobody's. The real clock, not the start of the transaction, decides.
CLAIM_SQL = """
INSERT INTO triage_annotationlease AS mine
    (kind, object_id, text_sha256, bundles, tries, leased_until, error)
VALUES (%(kind)s, %(object_id)s, %(text)s, %(bundles)s, 1,
        clock_timestamp() + %(hold)s::interval, '')
ON CONFLICT (kind, object_id) DO UPDATE SET
    tries = CASE WHEN (mine.text_sha256, mine.bundles) = (excluded.text_sha256, excluded.bundles)
                 THEN mine.tries + 1 ELSE 1 END,
    text_sha256 = excluded.text_sha256,
    bundles = excluded.bundles,
    leased_until = excluded.leased_until,
    error = ''
WHERE (mine.leased_until IS NULL
       OR mine.leased_until NOT BETWEEN clock_timestamp() AND excluded.leased_until)
  AND (mine.tries < %(most)s
       OR (mine.text_sha256, mine.bundles) <> (excluded.text_sha256, excluded.bundles))
RETURNING id
"""


def claim(kind: str, object_id: int, *, text_sha256: str, bundles: str) -> bool:
    """Whether the text is now ours to read: False while another holds it or it is parked."""
    values = {
        "kind": kind,
        "object_id": object_id,
        "text": text_sha256,
        "bundles": bundles,
        "hold": f"{LEASE_SECONDS} seconds",
        "most": MAX_TRIES,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_SQL, values)
        return cursor.fetchone() is not None


def list_failed() -> QuerySet[AnnotationLease]:
    """Texts that had all their tries and that nobody holds."""
    held = Q(leased_until__gt=timezone.now())
    return AnnotationLease.objects.filter(tries__gte=MAX_TRIES).exclude(held)


def release(kind: str, object_id: int) -> None:
    """It went well, or nothing could be tried: forget the tries."""
    AnnotationLease.objects.filter(kind=kind, object_id=object_id).delete()


def fail(kind: str, object_id: int, *, error: str) -> None:
    """It broke: keep the count, let the next try begin."""
    AnnotationLease.objects.filter(kind=kind, object_id=object_id).update(
        leased_until=None, error=error[:500]
    )
