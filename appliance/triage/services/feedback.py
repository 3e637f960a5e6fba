"""What became of a suggestion: offered, accepted by sending it, or refused."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import ForbiddenError
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.tickets.event_data import RepliedData
from appliance.tickets.models import OPEN_STATUSES, Event, Ticket, TicketCategory
from appliance.triage import engine
from appliance.triage.models import NOT_SURE, Correction, Prediction, Suggestion
from appliance.triage.services.queueing import queue_catch_up
from appliance.triage.suggestions import Suggested

State = Suggestion.State


def record_shown_suggestions(
    *,
    ticket: Ticket,
    shown: Sequence[Suggested],
    to: User,
    known: Collection[int] | None = None,
) -> int:
    """An agent is shown these, best first. How many were new on this ticket.

    ``known`` are the articles the ticket has suggestions of, where they have just been read; then
    it takes no query when none is new.
    """
    if not to.is_agent or not shown:
        return 0
    if known is None:
        known = set(Suggestion.objects.filter(ticket=ticket).values_list("article_id", flat=True))
    encoder = engine.find_ref("encoder")
    new = [
        Suggestion(
            ticket=ticket,
            article=row.article,
            rank=rank,
            score=round(row.score, 4),
            why=_why(row),
            bundle_digest=encoder.digest if encoder and row.closeness is not None else "",
        )
        for rank, row in enumerate(shown, start=1)
        if row.article.pk not in known
    ]
    if new:
        Suggestion.objects.bulk_create(new, ignore_conflicts=True)  # two look at once
    return len(new)


def refuse(*, ticket: Ticket, article: Article, by: User) -> None:
    """It does not fit: it does not come back here, and speaks against it on tickets like this."""
    _decide(ticket, article, by, State.REFUSED)


def undo_dismissal(*, ticket: Ticket, article: Article, by: User) -> None:
    """As if it had never been refused; what was sent meanwhile stays accepted."""
    _require_agent(by)
    refused = Suggestion.objects.filter(ticket=ticket, article=article, state=State.REFUSED)
    refused.update(state=State.OFFERED, by=None, decided_at=None)


def note_sent(event: Event) -> None:
    """What an agent's answer names by its address was accepted, if it had been offered. Called
    for every event of a ticket; what is put into the answer and taken out again is nothing.
    """
    if event.kind != Event.Kind.REPLIED or event.actor is None or not event.actor.is_agent:
        return
    data: RepliedData = event.data
    article_ids = data.get("articles") or []
    offered = Suggestion.objects.filter(ticket=event.ticket, article__in=article_ids)
    offered.exclude(state=State.ACCEPTED).update(
        state=State.ACCEPTED, by=event.actor, decided_at=event.at
    )


@transaction.atomic
def _decide(ticket: Ticket, article: Article, by: User, state: State) -> None:
    _require_agent(by)
    row, is_new = Suggestion.objects.select_for_update(of=["self"]).get_or_create(
        ticket=ticket, article=article, defaults={"rank": 0, "score": 0.0}
    )
    if row.state == state and not is_new:
        return
    row.state, row.by, row.decided_at = state, by, timezone.now()
    row.save(update_fields=["state", "by", "decided_at"])


def _require_agent(by: User) -> None:
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can insert or dismiss suggestions."))


def _why(row: Suggested) -> dict[str, object]:
    why: dict[str, object] = {"words": [*row.words], "helped": row.helped}
    if row.closeness is not None:
        why["closeness"] = round(row.closeness, 4)
    return why


@transaction.atomic
def correct_category(*, ticket: Ticket, category: TicketCategory | None, by: User) -> None:
    """Set the category and remember what the bundle had said, so that the desk can learn."""
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can change the category of a ticket."))
    before = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket.pk)
    if before.category_id != (category.pk if category else None):
        row = ticket.predictions.filter(kind=Prediction.Kind.CATEGORY).first()
        Correction.objects.create(
            ticket=ticket,
            predicted=row.label if row else NOT_SURE,
            held_back=row.held_back if row else NOT_SURE,
            category=category,
            by=by,
            bundle_digest=row.bundle_digest if row else "",
        )
    tickets_services.set_category(ticket=ticket, category=category, by=by)


@transaction.atomic
def reconsider_unsure() -> int:
    """The desk's categories read otherwise now: let the worker read again the open tickets that
    stand in none because the sorter was not sure. How many.

    One UPDATE makes what was said older than its text, which is what the backlog looks for.
    """
    unsure = Prediction.objects.filter(
        kind=Prediction.Kind.CATEGORY,
        label=NOT_SURE,
        ticket__category=None,
        ticket__status__in=OPEN_STATUSES,
    )
    again = Prediction.objects.filter(pk__in=unsure.values("pk")).update(text_sha256="")
    if again:
        queue_catch_up()
    return again
