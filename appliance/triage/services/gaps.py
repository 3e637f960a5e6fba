"""Detect gaps in the knowledge base, draft an article for one, or dismiss it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core import markdown
from appliance.core.errors import ForbiddenError
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.tickets.models import Message, Ticket
from appliance.triage import clusters, engine
from appliance.triage.models import Gap, GapTicket, TicketVector
from appliance.triage.vector_search import find_floor, iterative_scan

DAYS = 180  # older questions need no article
MAX_TICKETS = 5000  # the newest; their similarity matrix takes 25 MB
MAX_GAPS = 200
MIN_TICKETS = 3  # similar ones that make an article worth writing
MAX_EXAMPLES = 5
EXAMPLE_CHARACTERS = 600
TEXT_CHARACTERS = 2000  # of a description, to find typical words
BATCH_TICKETS = 250  # whose nearest passages one statement finds

# Those of the tickets that no published passage answers; one index scan per ticket.
UNANSWERED_SQL = """
SELECT question.ticket_id
FROM triage_ticketvector AS question
LEFT JOIN LATERAL (
    SELECT passage.vector <=> question.vector AS distance
    FROM triage_passage AS passage
    JOIN knowledge_article AS article ON article.id = passage.article_id
    WHERE passage.space = %(space)s AND article.status = 'published'
    ORDER BY passage.vector <=> question.vector
    LIMIT 1
) AS nearest ON true
WHERE question.space = %(space)s AND question.ticket_id = ANY (%(tickets)s)
  AND coalesce(nearest.distance, 2) > %(max_distance)s
"""


@dataclass(frozen=True)
class SolvedTicket:
    """A solved ticket with its vector, float32 (dims,) of unit length."""

    ticket_id: int
    vector: np.ndarray
    subject: str
    text: str  # the subject and the beginning of the description
    created_at: datetime
    closed_team_id: int | None


def detect_gaps() -> int:
    """Detect gaps in recently solved tickets. How many gaps are open now.

    Reads at most MAX_TICKETS and writes in one short transaction. Dismissed and closed gaps stay
    as they are, and gaps that are still there keep their ids.
    """
    space = engine.active_space()
    if space is None:
        return Gap.objects.open().count()
    tickets = _list_candidates(space)
    unanswered = _unanswered_ids([ticket.ticket_id for ticket in tickets], space)
    tickets = [ticket for ticket in tickets if ticket.ticket_id in unanswered]
    groups = [group for part in _split_closed_teams(tickets) for group in _cluster(part)]
    groups.sort(key=len, reverse=True)
    _write_gaps(groups[:MAX_GAPS], [ticket.text for ticket in tickets])
    return Gap.objects.open().count()


@transaction.atomic
def draft_article(*, gap: Gap, by: User) -> Article:
    """Create a draft with the requests and replies of a gap, or return the one it has.

    Publishing the article closes the gap.
    """
    _require_author(by)
    locked = Gap.objects.select_for_update(of=["self"]).get(pk=gap.pk)
    if locked.article is None:
        members = list(_public_members(locked, by))
        title = locked.subject if members and members[0].rank == 0 else _("Untitled")
        locked.article = knowledge_services.write_article(
            by=by,
            title=title,
            content=_draft_content(members),
            audience=Article.Audience.INTERNAL,
        )
        locked.by = by
        locked.save(update_fields=["article", "by"])
    return locked.article


def dismiss_gap(*, gap: Gap, by: User) -> None:
    """Record that these tickets, and similar ones, need no article."""
    _require_author(by)
    Gap.objects.filter(pk=gap.pk, dismissed_at=None).update(dismissed_at=timezone.now(), by=by)


def restore_gap(*, gap: Gap, by: User) -> None:
    _require_author(by)
    Gap.objects.filter(pk=gap.pk).update(dismissed_at=None)


def _require_author(by: User) -> None:
    if not has_right(by, Right.ARTICLES):
        raise ForbiddenError(_("Only agents with permission to write articles can do this."))


def _list_candidates(space: str) -> list[SolvedTicket]:
    """Return solved tickets without an article that are not in a dismissed or closed gap."""
    since = timezone.now() - timedelta(days=DAYS)
    closed = Gap.objects.exclude(pk__in=Gap.objects.open())
    vectors = TicketVector.objects.filter(
        space=space,
        ticket__solved_at__gte=since,
        ticket__article_links=None,
        ticket__merged_into=None,
    ).exclude(ticket__in=GapTicket.objects.filter(gap__in=closed).values("ticket"))
    rows = vectors.order_by("-ticket__solved_at").values_list(
        "ticket_id",
        "vector",
        "ticket__subject",
        "ticket__description",
        "ticket__created_at",
        "ticket__team_id",
        "ticket__team__is_closed",
    )
    tickets = [
        SolvedTicket(
            ticket_id=ticket_id,
            vector=np.asarray(vector, np.float32),
            subject=subject,
            text=f"{subject} {description[:TEXT_CHARACTERS]}",
            created_at=created_at,
            closed_team_id=team_id if is_team_closed else None,
        )
        for (
            ticket_id,
            vector,
            subject,
            description,
            created_at,
            team_id,
            is_team_closed,
        ) in rows[:MAX_TICKETS]
    ]
    return _exclude_similar_to_dismissed(tickets, space)


def _exclude_similar_to_dismissed(tickets: list[SolvedTicket], space: str) -> list[SolvedTicket]:
    """Leave out tickets with the same question as a dismissed gap."""
    centres = GapTicket.objects.filter(rank=0, gap__dismissed_at__isnull=False)
    vectors = TicketVector.objects.filter(space=space, ticket__in=centres.values("ticket"))
    dismissed = [np.asarray(row.vector, np.float32) for row in vectors[:MAX_GAPS]]
    if not dismissed or not tickets:
        return tickets
    cosines = (_matrix(tickets) @ np.stack(dismissed).T).max(axis=1)
    floor = find_floor("same_question")
    return [ticket for ticket, value in zip(tickets, cosines, strict=True) if value < floor]


def _unanswered_ids(ticket_ids: list[int], space: str) -> set[int]:
    ids: set[int] = set()
    for start in range(0, len(ticket_ids), BATCH_TICKETS):
        parameters: dict[str, str | float | list[int]] = {
            "space": space,
            "tickets": ticket_ids[start : start + BATCH_TICKETS],
            "max_distance": 1 - find_floor("answer"),
        }
        with iterative_scan(), connection.cursor() as cursor:
            cursor.execute(UNANSWERED_SQL, parameters)
            ids |= {pk for (pk,) in cursor.fetchall()}
    return ids


def _split_closed_teams(tickets: list[SolvedTicket]) -> list[list[SolvedTicket]]:
    """Keep the tickets of each closed team apart from all others."""
    parts: dict[int | None, list[SolvedTicket]] = defaultdict(list)
    for ticket in tickets:
        parts[ticket.closed_team_id].append(ticket)
    return list(parts.values())


def _cluster(tickets: list[SolvedTicket]) -> list[list[SolvedTicket]]:
    floor = find_floor("same_question")  # high: few pairs are wrong, though many are missed
    groups = clusters.cluster(_matrix(tickets), min_cosine=floor, min_size=MIN_TICKETS)
    return [[tickets[row] for row in group] for group in groups]


def _matrix(tickets: list[SolvedTicket]) -> np.ndarray:
    return np.stack([ticket.vector for ticket in tickets])


@transaction.atomic
def _write_gaps(groups: list[list[SolvedTicket]], texts: list[str]) -> None:
    """Replace the open gaps; one that shares tickets with an earlier open gap keeps its id."""
    gap_ids = dict(
        GapTicket.objects.filter(gap__in=Gap.objects.open()).values_list("ticket_id", "gap_id")
    )
    with_draft = set(Gap.objects.open().exclude(article=None).values_list("pk", flat=True))
    GapTicket.objects.filter(gap__in=Gap.objects.open()).delete()
    written: set[int] = set()
    for tickets in groups:
        candidates = [gap_ids.get(ticket.ticket_id) for ticket in tickets]
        gap_id = next((pk for pk in candidates if pk and pk not in written), None)
        written.add(_write_gap(gap_id, tickets, texts).pk)
    # a gap with a draft stays for its author, even when no ticket is in it any more
    Gap.objects.open().exclude(pk__in=written | with_draft).delete()


def _write_gap(gap_id: int | None, tickets: list[SolvedTicket], texts: list[str]) -> Gap:
    created_at = [ticket.created_at for ticket in tickets]
    gap = None
    if gap_id is not None:
        gap = Gap.objects.select_for_update(of=["self"]).filter(pk=gap_id).first()
    gap = gap or Gap(pk=gap_id)
    gap.subject = tickets[0].subject
    gap.size = len(tickets)
    gap.words = clusters.typical_words([ticket.text for ticket in tickets], texts)
    gap.first_at, gap.last_at = min(created_at), max(created_at)
    gap.detected_at = timezone.now()
    gap.save()
    GapTicket.objects.bulk_create(
        GapTicket(gap=gap, ticket_id=ticket.ticket_id, rank=rank)
        for rank, ticket in enumerate(tickets)
    )
    return gap


def _public_members(gap: Gap, by: User) -> QuerySet[GapTicket]:
    """Leave out tickets of closed teams, since every agent may read a draft."""
    visible = Ticket.objects.visible_to(by).exclude(team__is_closed=True)
    return gap.members.filter(ticket__in=visible).select_related("ticket")[:MAX_EXAMPLES]


def _draft_content(members: list[GapTicket]) -> str:
    """Return the requests, each with the last reply of an agent, for the author to rewrite."""
    parts = [
        _("Write the solution here. The requests are listed below; delete them when you are done.")
    ]
    for member in members:
        ticket = member.ticket
        heading = f"## {ticket.number}: {markdown.escape(ticket.subject)}"
        parts.append(f"{heading}\n\n{markdown.code_block(_shortened(ticket.description))}")
        replies = ticket.messages.filter(kind=Message.Kind.REPLY, is_from_customer=False)
        if reply := replies.order_by("-created_at").first():
            answer = _shortened(reply.body)
            quotation = _indented(answer) if reply.is_markdown else markdown.quote(answer)
            parts.append(_("Answered:") + f"\n\n{quotation}")
    return "\n\n".join(parts)


def _shortened(text: str) -> str:
    return text if len(text) <= EXAMPLE_CHARACTERS else f"{text[:EXAMPLE_CHARACTERS]} …"


def _indented(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
