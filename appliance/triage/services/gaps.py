"""Where an article is missing: found by the worker, written or dismissed by an author."""

from collections import defaultdict
from datetime import timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core.errors import ForbiddenError
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.tickets.models import Message, Ticket
from appliance.triage import clusters, engine
from appliance.triage.models import Gap, GapTicket, TicketVector
from appliance.triage.vector_search import walking

DAYS = 180  # a question nobody asks any more needs no article
MAX_TICKETS = 5000  # the newest; their neighbourhood takes 25 MB
MAX_GAPS = 200
MIN_TICKETS = 3  # alike, before an article is worth writing
# A published passage so near is taken for an answer. Of 188 tickets of the demo desk whose article
# is known 68 % have one over it, and 24 % when that article is taken away.
ANSWERED = 0.5
# Tickets so near are taken for the same question. Of 256 pairs of those tickets with one article
# 11 % lie over it, of 17,000 with different ones 0.03 %: many are missed, few are wrong, so that
# thousands of tickets do not make a crowd of strangers. At 0.5 it is 20 % and 0.2 %.
# Both measured with encoder 2; measure again with another.
ALIKE = 0.55
MAX_EXAMPLES = 5
EXAMPLE_CHARACTERS = 600
CHUNK = 250  # tickets whose nearest passage is looked up by one statement

# Of these tickets those that no published passage answers; one walk along the index a ticket.
UNANSWERED = """
SELECT asked.ticket_id
FROM triage_ticketvector AS asked
LEFT JOIN LATERAL (
    SELECT passage.vector <=> asked.vector AS distance
    FROM triage_passage AS passage
    JOIN knowledge_article AS article ON article.id = passage.article_id
    WHERE passage.space = %(space)s AND article.status = 'published'
    ORDER BY passage.vector <=> asked.vector
    LIMIT 1
) AS nearest ON true
WHERE asked.space = %(space)s AND asked.ticket_id = ANY (%(tickets)s)
  AND coalesce(nearest.distance, 2) > %(farthest)s
"""


def find_gaps() -> int:
    """Look again at what was solved of late. How many gaps are open now.

    Bounded: MAX_TICKETS are looked at, and the rows are written in one short transaction. What
    was dismissed or answered stays so, and so do the numbers of gaps that are still there.
    """
    space = engine.reading_space()
    if space is None:
        return Gap.objects.open().count()
    rows = _solved_of_late(space)
    open_ones = _unanswered([row["ticket_id"] for row in rows], space)
    rows = [row for row in rows if row["ticket_id"] in open_ones]
    items = [group for part in _parts(rows) for group in _grouped(part)]
    items.sort(key=len, reverse=True)
    _keep(items[:MAX_GAPS], [_ticket_text(row) for row in rows])
    return Gap.objects.open().count()


@transaction.atomic
def write_for_gap(*, gap: Gap, by: User) -> Article:
    """A draft that holds what was asked and how it was answered; the gap closes once it is
    published. Asked again it is the same draft.
    """
    _require_author(by)
    locked = Gap.objects.select_for_update(of=["self"]).get(pk=gap.pk)
    if locked.article is None:
        rows = list(_members_to_tell(locked, by))
        title = locked.subject if rows and rows[0].rank == 0 else _("Untitled")
        locked.article = knowledge_services.write_article(
            by=by, title=title, content=_draft_of(rows)
        )
        locked.by = by
        locked.save(update_fields=["article", "by"])
    return locked.article


def dismiss_gap(*, gap: Gap, by: User) -> None:
    """These tickets, and those like them, need no article."""
    _require_author(by)
    Gap.objects.filter(pk=gap.pk, dismissed_at=None).update(dismissed_at=timezone.now(), by=by)


def restore_gap(*, gap: Gap, by: User) -> None:
    _require_author(by)
    Gap.objects.filter(pk=gap.pk).update(dismissed_at=None)


def _require_author(by: User) -> None:
    if not has_right(by, Right.ARTICLES):
        raise ForbiddenError(_("Only agents with permission to write articles can do this."))


def _solved_of_late(space: str) -> list[dict]:
    """Solved, nothing sent or linked there, and not in a gap that is dismissed or answered."""
    since = timezone.now() - timedelta(days=DAYS)
    done = Gap.objects.exclude(pk__in=Gap.objects.open())
    rows = TicketVector.objects.filter(
        space=space,
        ticket__solved_at__gte=since,
        ticket__article_links=None,
        ticket__merged_into=None,
    ).exclude(ticket__in=GapTicket.objects.filter(gap__in=done).values("ticket"))
    fields = ("ticket_id", "vector", "ticket__subject", "ticket__description")
    fields += ("ticket__created_at", "ticket__team_id", "ticket__team__is_closed")
    items = list(rows.order_by("-ticket__solved_at").values(*fields)[:MAX_TICKETS])
    return _without_dismissed(items, space)


def _without_dismissed(rows: list[dict], space: str) -> list[dict]:
    """Without what asks the same as a gap that somebody said is none."""
    middles = GapTicket.objects.filter(rank=0, gap__dismissed_at__isnull=False)
    queryset = TicketVector.objects.filter(space=space, ticket__in=middles.values("ticket"))
    known = [np.asarray(row.vector, np.float32) for row in queryset[:MAX_GAPS]]
    if not known or not rows:
        return rows
    alike = (_matrix(rows) @ np.stack(known).T).max(axis=1) >= ALIKE
    return [row for row, is_alike in zip(rows, alike, strict=True) if not is_alike]


def _unanswered(tickets: list[int], space: str) -> set[int]:
    ids: set[int] = set()
    for start in range(0, len(tickets), CHUNK):
        values = {"space": space, "tickets": tickets[start : start + CHUNK]}
        with walking(), connection.cursor() as cursor:
            cursor.execute(UNANSWERED, values | {"farthest": 1 - ANSWERED})
            ids |= {pk for (pk,) in cursor.fetchall()}
    return ids


def _parts(rows: list[dict]) -> list[list[dict]]:
    """What a closed team was asked is never put together with anything else."""
    parts: dict[int | None, list[dict]] = defaultdict(list)
    for row in rows:
        parts[row["ticket__team_id"] if row["ticket__team__is_closed"] else None].append(row)
    return list(parts.values())


def _grouped(rows: list[dict]) -> list[list[dict]]:
    result = clusters.cluster(_matrix(rows), alike=ALIKE, least=MIN_TICKETS)
    return [[rows[n] for n in members] for members in result]


def _matrix(rows: list[dict]) -> np.ndarray:
    return np.stack([np.asarray(row["vector"], np.float32) for row in rows])


def _ticket_text(row: dict) -> str:
    return f"{row['ticket__subject']} {row['ticket__description'][:2000]}"


@transaction.atomic
def _keep(rows: list[list[dict]], texts: list[str]) -> None:
    """Write the gaps; one that shares tickets with an open one of before keeps its number."""
    before = dict(
        GapTicket.objects.filter(gap__in=Gap.objects.open()).values_list("ticket_id", "gap_id")
    )
    drafts = set(Gap.objects.open().exclude(article=None).values_list("pk", flat=True))
    GapTicket.objects.filter(gap__in=Gap.objects.open()).delete()
    ids: set[int] = set()
    for members in rows:
        known = [before.get(row["ticket_id"]) for row in members]
        number = next((pk for pk in known if pk and pk not in ids), None)
        gap = _write(number, members, texts)
        ids.add(gap.pk)
    # one that somebody writes for is theirs to finish, even when nothing asks for it any more
    Gap.objects.open().exclude(pk__in=ids | drafts).delete()


def _write(number: int | None, members: list[dict], texts: list[str]) -> Gap:
    times = [row["ticket__created_at"] for row in members]
    gap, _is_new = Gap.objects.update_or_create(
        pk=number,
        defaults={
            "subject": members[0]["ticket__subject"],
            "size": len(members),
            "words": clusters.typical_words([_ticket_text(row) for row in members], texts),
            "first_at": min(times),
            "last_at": max(times),
            "found_at": timezone.now(),
        },
    )
    GapTicket.objects.bulk_create(
        GapTicket(gap=gap, ticket_id=row["ticket_id"], rank=rank)
        for rank, row in enumerate(members)
    )
    return gap


def _members_to_tell(gap: Gap, by: User) -> QuerySet[GapTicket]:
    """Without those of closed teams: a draft is read by every agent."""
    seen = Ticket.objects.visible_to(by).exclude(team__is_closed=True)
    return gap.members.filter(ticket__in=seen).select_related("ticket")[:MAX_EXAMPLES]


def _draft_of(members: list[GapTicket]) -> str:
    """What was asked, and the last answer of an agent, for the author to turn into an article."""
    parts = [
        _("Write the solution here. The requests are listed below; delete them when you are done.")
    ]
    for member in members:
        ticket = member.ticket
        parts.append(f"## {ticket.number}: {ticket.subject}\n\n{_quoted(ticket.description)}")
        answers = ticket.messages.filter(kind=Message.Kind.REPLY, is_from_customer=False)
        if answer := answers.order_by("-created_at").first():
            parts.append(f"{_('Answered:')}\n\n{_quoted(answer.body)}")
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text[:EXAMPLE_CHARACTERS].splitlines())
