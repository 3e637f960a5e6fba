"""How full each vector space is: of all there is to read, what has its vectors there."""

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
    """``use``: "reading" searches go there; "next" being filled; "old" kept until the update was
    marked good. ``parked``: texts its encoder broke on three times; they are left out.
    """

    name: str
    use: Literal["reading", "next", "old"]
    tickets: int
    of_tickets: int
    articles: int
    of_articles: int
    parked: int

    @property
    def share(self) -> float:
        """0..1; texts that were changed since still count, until they are read again."""
        of = self.of_tickets + self.of_articles
        return min(1.0, (self.tickets + self.articles) / of) if of else 1.0


def has_several() -> bool:
    """Whether there is more than the space that is read. Asks an index, whatever it holds."""
    upcoming = engine.find_next_encoder()
    return len(list_names() | ({upcoming.space} if upcoming else set())) > 1


def list_spaces() -> list[Space]:
    """Vector spaces in use or being filled: the one being read, the next, then the old ones.

    Counts all vectors: 0.3 s for two spaces of a million tickets.
    """
    tickets = _count(TicketVector, Count("*"))
    articles = _count(Passage, Count("article", distinct=True))
    reading, upcoming = engine.find_ref("encoder"), engine.find_next_encoder()
    at_work = {ref.space: ref for ref in (reading, upcoming) if ref}
    of_tickets, of_articles = _count_readable_tickets(), Article.objects.in_use().count()
    return [
        Space(
            name=name,
            use="old" if name not in at_work else "reading" if at_work[name] == reading else "next",
            tickets=tickets.get(name, 0),
            of_tickets=of_tickets,
            articles=articles.get(name, 0),
            of_articles=of_articles,
            parked=_count_parked(at_work.get(name)),
        )
        for name in [*at_work, *sorted({*tickets, *articles} - {*at_work})]
    ]


def list_names() -> set[str]:
    """The spaces that hold vectors, found by leaping along an index: no row is read."""
    names: set[str] = set()
    for model in (TicketVector, Passage):
        rows, name = model.objects.order_by("space").values_list("space", flat=True), ""
        while name := rows.filter(space__gt=name).first():
            names.add(name)
    return names


def is_space_complete(space: str) -> bool:
    """Whether every text has its vectors there, as it reads now, but for those its encoder broke
    on. False for a space no encoder at hand writes.
    """
    for ref in (engine.find_ref("encoder"), engine.find_next_encoder()):
        if ref and ref.space == space:
            return not any(rows.exists() for rows in _lacking(ref))
    return False


def _lacking(ref: BundleRef) -> Iterator[QuerySet]:
    bundles = [work_queue.identity(refs) for refs in ({"encoder": ref}, work_queue.refs_at_hand())]
    kinds = AnnotationLease.Kind
    yield work_queue.without_parked(
        work_queue.tickets_without_predictions({"encoder": ref}),
        [kinds.TICKET, kinds.NEXT_TICKET],
        bundles,
    )
    yield work_queue.without_parked(
        work_queue.articles_without_passages(ref), [kinds.ARTICLE, kinds.NEXT_ARTICLE], bundles
    )


def _count(model: type, owners: Count) -> dict[str, int]:
    rows = model.objects.order_by().values("space").annotate(n=owners)
    return dict(rows.values_list("space", "n"))


def _count_readable_tickets() -> int:
    """All of them by their numbers, less the anonymous ones by their subject: no text is read."""
    return Ticket.objects.count() - work_queue.unreadable_tickets().count()


def _count_parked(ref: BundleRef | None) -> int:
    if ref is None:
        return 0
    kinds = [AnnotationLease.Kind.NEXT_TICKET, AnnotationLease.Kind.NEXT_ARTICLE]
    bundles = work_queue.identity({"encoder": ref})
    return work_queue.list_failed().filter(kind__in=kinds, bundles=bundles).count()
