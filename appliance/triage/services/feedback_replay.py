"""Replay past tickets to see whether learning from article feedback helps here."""

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from appliance.accounts.models import Role, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.knowledge.models import ArticleLink
from appliance.tickets.models import Status
from appliance.triage import matching
from appliance.triage.feedback_gate import WITHOUT_VOTES, Replay, first_rank, judge
from appliance.triage.fusion import MEASURED, fuse
from appliance.triage.models import LearningSettings, TicketVector
from appliance.triage.services.learning import load_settings

MAX_REPLAYED = 200  # the newest tickets on which an article helped; about 0.05 s each


def replay_feedback() -> Replay | None:
    """Rank past tickets with and without votes, and switch the votes on or off. None untried.

    Each ticket is ranked as if it were new: only older tickets vote.
    """
    admin = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk").first()
    if admin is None:
        return None
    without, with_votes = [], []
    for vector, helped in _list_tests():
        ranks = _rank_twice(admin, vector, helped)
        if ranks is not None:
            without.append(ranks[0])
            with_votes.append(ranks[1])
    replay = judge(without, with_votes)
    _store(replay)
    return replay


def set_feedback_use(*, uses_feedback: bool, by: User) -> None:
    """Allow or forbid that what helped on similar tickets ranks articles."""
    require_admin(by)
    if audit.update_fields(load_settings(), by=by, uses_feedback=uses_feedback):
        cache.invalidate(cache.ARTICLES)


def _list_tests() -> list[tuple[TicketVector, set[int]]]:
    """Return the newest solved tickets on which an article helped, with those articles."""
    links = ArticleLink.objects.filter(
        ticket=OuterRef("ticket_id"), ticket__status__in=(Status.SOLVED, Status.CLOSED)
    )
    vectors = list(
        TicketVector.objects.in_active_space()
        .filter(Exists(links))
        .select_related("ticket")
        .order_by("-ticket_id")[:MAX_REPLAYED]
    )
    helped: dict[int, set[int]] = {}
    ids = [row.ticket_id for row in vectors]
    for ticket_id, article_id in ArticleLink.objects.filter(ticket__in=ids).values_list(
        "ticket_id", "article_id"
    ):
        helped.setdefault(ticket_id, set()).add(article_id)
    return [(row, helped[row.ticket_id]) for row in vectors]


def _rank_twice(viewer: User, row: TicketVector, helped: set[int]) -> tuple[float, float] | None:
    """Return the reciprocal rank without and with votes; None if no such article is left."""
    vector = np.asarray(row.vector, "<f4")
    evidence = matching.gather_evidence(viewer, row.ticket.text, vector, row.space, row.ticket_id)
    older = [item for item in evidence.neighbours if item.ticket_id < row.ticket_id]
    with_votes = fuse(evidence.cosines, evidence.words, older, MEASURED)
    if not any(article.key in helped for article in with_votes):
        return None
    without = fuse(evidence.cosines, evidence.words, older, WITHOUT_VOTES)
    return first_rank(without, helped), first_rank(with_votes, helped)


@transaction.atomic
def _store(replay: Replay) -> None:
    settings = LearningSettings.objects.select_for_update().get(pk=load_settings().pk)
    verdict_before = settings.feedback_report.get("verdict", "not enough")
    settings.feedback_report, settings.replayed_at = replay.as_json(), timezone.now()
    settings.save(update_fields=["feedback_report", "replayed_at"])
    if replay.verdict != verdict_before:
        data = {"verdict": replay.verdict, "tickets": replay.tickets}
        audit.record_change(by=None, verb="replayed feedback", subject=settings, data=data)
        cache.invalidate(cache.ARTICLES)
