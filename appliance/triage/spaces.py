"""Embedding spaces: which there are, and how complete each is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.db.models import Count, QuerySet

from appliance.inference.bundle import BundleRef
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket
from appliance.triage import engine, work_queue
from appliance.triage.models import AnnotationLease, Passage, TicketVector


@dataclass(frozen=True)
class Space:
    """``use``: "active" for searches; "next" being filled; "old" until the update is confirmed.

    ``failed``: texts its encoder failed on permanently; a complete space lacks them.
    """

    name: str
    use: Literal["active", "next", "old"]
    tickets: int
    total_tickets: int
    articles: int
    total_articles: int
    failed: int

    @property
    def share(self) -> float:
        """How complete it is, 0..1; changed texts count until they are embedded again."""
        total = self.total_tickets + self.total_articles
        return min(1.0, (self.tickets + self.articles) / total) if total else 1.0


def has_several() -> bool:
    """Whether there is more than the active space. Cheap: scans an index by leaps."""
    upcoming = engine.find_next_encoder()
    return len(list_space_names() | ({upcoming.space} if upcoming else set())) > 1


def list_spaces() -> list[Space]:
    """Return the active space, the next, then the old ones.

    Counts all vectors: 0.3 s for two spaces of a million tickets.
    """
    tickets = _count_by_space(TicketVector, Count("*"))
    articles = _count_by_space(Passage, Count("article", distinct=True))
    active, upcoming = engine.find_ref("encoder"), engine.find_next_encoder()
    encoders = {ref.space: ref for ref in (active, upcoming) if ref}
    total_tickets, total_articles = _count_readable_tickets(), Article.objects.in_use().count()
    return [
        Space(
            name=name,
            use="old" if name not in encoders else "active" if encoders[name] == active else "next",
            tickets=tickets.get(name, 0),
            total_tickets=total_tickets,
            articles=articles.get(name, 0),
            total_articles=total_articles,
            failed=_count_failed(encoders.get(name)),
        )
        for name in [*encoders, *sorted({*tickets, *articles} - {*encoders})]
    ]


def list_space_names() -> set[str]:
    """Return the spaces that hold vectors, by leaps along an index: no row is read."""
    names: set[str] = set()
    for model in (TicketVector, Passage):
        ordered = model.objects.order_by("space").values_list("space", flat=True)
        name = ordered.first()
        while name:
            names.add(name)
            name = ordered.filter(space__gt=name).first()
    return names


def is_space_complete(space: str) -> bool:
    """Whether every text has its vectors there, except those its encoder failed on permanently.

    False for a space that no encoder at hand writes.
    """
    for ref in (engine.find_ref("encoder"), engine.find_next_encoder()):
        if ref and ref.space == space:
            return not any(texts.exists() for texts in _missing_texts(ref))
    return False


def _missing_texts(ref: BundleRef) -> Iterator[QuerySet]:
    bundles = [
        work_queue.bundles_digest(refs) for refs in ({"encoder": ref}, work_queue.refs_at_hand())
    ]
    kinds = AnnotationLease.Kind
    yield work_queue.exclude_failed(
        work_queue.tickets_without_predictions({"encoder": ref}),
        [kinds.TICKET, kinds.NEXT_TICKET],
        bundles,
    )
    yield work_queue.exclude_failed(
        work_queue.articles_without_passages(ref), [kinds.ARTICLE, kinds.NEXT_ARTICLE], bundles
    )


def _count_by_space(model: type[TicketVector] | type[Passage], count: Count) -> dict[str, int]:
    spaces = model.objects.order_by().values("space").annotate(count=count)
    return dict(spaces.values_list("space", "count"))


def _count_readable_tickets() -> int:
    """Count all tickets less the anonymised ones, by indexes: no text is read."""
    return Ticket.objects.count() - work_queue.unreadable_tickets().count()


def _count_failed(ref: BundleRef | None) -> int:
    if ref is None:
        return 0
    kinds = [AnnotationLease.Kind.NEXT_TICKET, AnnotationLease.Kind.NEXT_ARTICLE]
    bundles = work_queue.bundles_digest({"encoder": ref})
    return work_queue.list_failed().filter(kind__in=kinds, bundles=bundles).count()
