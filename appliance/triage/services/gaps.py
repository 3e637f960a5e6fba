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
from appliance.knowledge.models import Article, ArticleLink
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

# The article of the nearest published passage of each ticket; one index scan per ticket.
NEAREST_SQL = """
SELECT question.ticket_id, coalesce(article.original_id, article.id)
FROM triage_ticketvector AS question
CROSS JOIN LATERAL (
    SELECT passage.article_id, passage.vector <=> question.vector AS distance
    FROM triage_passage AS passage
    JOIN knowledge_article AS article ON article.id = passage.article_id
    WHERE passage.space = %(space)s AND article.status = 'published'
    ORDER BY passage.vector <=> question.vector
    LIMIT 1
) AS nearest
JOIN knowledge_article AS article ON article.id = nearest.article_id
WHERE question.space = %(space)s AND question.ticket_id = ANY (%(tickets)s)
  AND nearest.distance <= %(max_distance)s
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
    language: str


@dataclass(frozen=True)
class Group:
    """Tickets that make a gap, the most central first."""

    tickets: list[SolvedTicket]
    original_id: int | None = None  # of the article that answers them in another language


def detect_gaps() -> int:
    """Detect gaps in recently solved tickets, for each language apart. How many are open now.

    Tickets that an article in another language answers show that its translation is missing. Reads
    at most MAX_TICKETS and writes in one short transaction. Dismissed and closed gaps stay as they
    are, and gaps that are still there keep their ids.
    """
    space = engine.active_space()
    if space is None:
        return Gap.objects.open().count()
    tickets = _list_candidates(space)
    answers = _nearest_articles([ticket.ticket_id for ticket in tickets], space)
    unanswered = [ticket for ticket in tickets if ticket.ticket_id not in answers]
    groups = [Group(group) for part in _split(unanswered) for group in _cluster(part)]
    linked, links = _list_linked()
    groups += _list_missing_translations([*linked, *tickets], answers | links)
    groups.sort(key=lambda group: len(group.tickets), reverse=True)
    _write_gaps(groups[:MAX_GAPS], [ticket.text for ticket in unanswered])
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
            language=locked.language,
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
    rows = vectors.order_by("-ticket__solved_at").select_related("ticket__team")
    rows = rows.defer("ticket__search_vector")
    tickets = [
        _solved_ticket(row.ticket, np.asarray(row.vector, np.float32)) for row in rows[:MAX_TICKETS]
    ]
    return _exclude_similar_to_dismissed(tickets, space)


def _solved_ticket(ticket: Ticket, vector: np.ndarray) -> SolvedTicket:
    return SolvedTicket(
        ticket_id=ticket.pk,
        vector=vector,
        subject=ticket.subject,
        text=f"{ticket.subject} {ticket.description[:TEXT_CHARACTERS]}",
        created_at=ticket.created_at,
        closed_team_id=ticket.team_id if ticket.team and ticket.team.is_closed else None,
        language=ticket.language,
    )


def _list_linked() -> tuple[list[SolvedTicket], dict[int, int]]:
    """Return solved tickets with an article, and ticket id → group of the one linked last."""
    since = timezone.now() - timedelta(days=DAYS)
    closed = Gap.objects.exclude(pk__in=Gap.objects.open())
    links = ArticleLink.objects.filter(
        ticket__solved_at__gte=since, ticket__merged_into=None, article__status="published"
    )
    links = links.exclude(ticket__language="").exclude(
        ticket__in=GapTicket.objects.filter(gap__in=closed).values("ticket")
    )
    rows = list(
        links.select_related("ticket__team", "article")
        .defer("ticket__search_vector", "article__content", "article__search_vector")
        .order_by("-at", "-pk")[:MAX_TICKETS]
    )
    groups = {row.ticket_id: row.article.group_id for row in reversed(rows)}
    no_vector = np.zeros(0, np.float32)
    tickets = {row.ticket_id: _solved_ticket(row.ticket, no_vector) for row in rows}
    return list(tickets.values()), groups


def _list_missing_translations(tickets: list[SolvedTicket], answers: dict[int, int]) -> list[Group]:
    """Group the tickets whose article, ``answers`` by ticket, is not published in their language.

    Without those of a translation that was dismissed, and articles of no known language.
    """
    articles = Article.objects.published().in_groups(set(answers.values()))
    languages: dict[int, set[str]] = defaultdict(set)
    for pk, original, language in articles.values_list("pk", "original_id", "language"):
        languages[original or pk].add(language)
    dismissed = Gap.objects.filter(dismissed_at__isnull=False, translation_of__isnull=False)
    pairs = set(dismissed.values_list("translation_of", "language"))
    groups: dict[tuple[int, str, int | None], list[SolvedTicket]] = defaultdict(list)
    for ticket in tickets:
        original_id = answers.get(ticket.ticket_id)
        if original_id is None or not ticket.language or (original_id, ticket.language) in pairs:
            continue
        if ticket.language not in languages[original_id] and "" not in languages[original_id]:
            groups[original_id, ticket.language, ticket.closed_team_id].append(ticket)
    return [
        Group(members, original_id)
        for (original_id, _language, _team), members in groups.items()
        if len(members) >= MIN_TICKETS and languages[original_id]
    ]


def _exclude_similar_to_dismissed(tickets: list[SolvedTicket], space: str) -> list[SolvedTicket]:
    """Leave out tickets with the same question as a dismissed gap."""
    centres = GapTicket.objects.filter(
        rank=0, gap__dismissed_at__isnull=False, gap__translation_of=None
    )
    vectors = TicketVector.objects.filter(space=space, ticket__in=centres.values("ticket"))
    dismissed = [np.asarray(row.vector, np.float32) for row in vectors[:MAX_GAPS]]
    if not dismissed or not tickets:
        return tickets
    cosines = (_matrix(tickets) @ np.stack(dismissed).T).max(axis=1)
    floor = find_floor("same_question")
    return [ticket for ticket, value in zip(tickets, cosines, strict=True) if value < floor]


def _nearest_articles(ticket_ids: list[int], space: str) -> dict[int, int]:
    """Return ticket id → group of the article whose published passage answers it, if any does."""
    answers: dict[int, int] = {}
    for start in range(0, len(ticket_ids), BATCH_TICKETS):
        parameters: dict[str, str | float | list[int]] = {
            "space": space,
            "tickets": ticket_ids[start : start + BATCH_TICKETS],
            "max_distance": 1 - find_floor("answer"),
        }
        with iterative_scan(), connection.cursor() as cursor:
            cursor.execute(NEAREST_SQL, parameters)
            answers |= dict(cursor.fetchall())
    return answers


def _split(tickets: list[SolvedTicket]) -> list[list[SolvedTicket]]:
    """Keep the tickets of each closed team, and those of each language, apart from all others."""
    parts: dict[tuple[int | None, str], list[SolvedTicket]] = defaultdict(list)
    for ticket in tickets:
        parts[ticket.closed_team_id, ticket.language].append(ticket)
    return list(parts.values())


def _cluster(tickets: list[SolvedTicket]) -> list[list[SolvedTicket]]:
    floor = find_floor("same_question")  # high: few pairs are wrong, though many are missed
    groups = clusters.cluster(_matrix(tickets), min_cosine=floor, min_size=MIN_TICKETS)
    return [[tickets[row] for row in group] for group in groups]


def _matrix(tickets: list[SolvedTicket]) -> np.ndarray:
    return np.stack([ticket.vector for ticket in tickets])


@transaction.atomic
def _write_gaps(groups: list[Group], texts: list[str]) -> None:
    """Replace the open gaps; one that shares tickets with an earlier open gap keeps its id."""
    gap_ids = dict(
        GapTicket.objects.filter(gap__in=Gap.objects.open()).values_list("ticket_id", "gap_id")
    )
    with_draft = set(Gap.objects.open().exclude(article=None).values_list("pk", flat=True))
    GapTicket.objects.filter(gap__in=Gap.objects.open()).delete()
    written: set[int] = set()
    for group in groups:
        candidates = [gap_ids.get(ticket.ticket_id) for ticket in group.tickets]
        gap_id = next((pk for pk in candidates if pk and pk not in written), None)
        written.add(_write_gap(gap_id, group, texts).pk)
    # a gap with a draft stays for its author, even when no ticket is in it any more
    Gap.objects.open().exclude(pk__in=written | with_draft).delete()


def _write_gap(gap_id: int | None, group: Group, texts: list[str]) -> Gap:
    tickets = group.tickets
    original = None
    if group.original_id:
        original = Article.objects.filter(pk=group.original_id).only("title").first()
    created_at = [ticket.created_at for ticket in tickets]
    gap = None
    if gap_id is not None:
        gap = Gap.objects.select_for_update(of=["self"]).filter(pk=gap_id).first()
    gap = gap or Gap(pk=gap_id)
    gap.subject = original.title if original else tickets[0].subject
    gap.language, gap.translation_of = tickets[0].language, original
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
