"""What became of a suggestion: offered, accepted by sending it, or refused."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import ForbiddenError
from appliance.knowledge.models import Article
from appliance.tickets.models import Event, Ticket
from appliance.triage import engine
from appliance.triage.models import Suggestion
from appliance.triage.suggestions import Suggested

State = Suggestion.State


def remember_offered(
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
            article=one.article,
            rank=rank,
            score=round(one.score, 4),
            why=_why(one),
            bundle_digest=encoder.digest if encoder and one.closeness is not None else "",
        )
        for rank, one in enumerate(shown, start=1)
        if one.article.pk not in known
    ]
    if new:
        Suggestion.objects.bulk_create(new, ignore_conflicts=True)  # two look at once
    return len(new)


def refuse(*, ticket: Ticket, article: Article, by: User) -> None:
    """It does not fit: it does not come back here, and speaks against it on tickets like this."""
    _decide(ticket, article, by, State.REFUSED)


def take_back_refusal(*, ticket: Ticket, article: Article, by: User) -> None:
    """As if it had never been refused; what was sent meanwhile stays accepted."""
    _require_agent(by)
    refused = Suggestion.objects.filter(ticket=ticket, article=article, state=State.REFUSED)
    refused.update(state=State.OFFERED, by=None, decided_at=None)


def note_sent(event: Event) -> None:
    """What an agent's answer names by its address was accepted, if it had been offered. Called
    for every event of a ticket; what is put into the answer and taken out again is nothing.
    """
    named = event.data.get("articles") if event.kind == Event.Kind.REPLIED else None
    if not named or event.actor is None or not event.actor.is_agent:
        return
    offered = Suggestion.objects.filter(ticket=event.ticket, article__in=named)
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


def _why(one: Suggested) -> dict[str, object]:
    why: dict[str, object] = {"words": [*one.words], "helped": one.helped}
    if one.closeness is not None:
        why["closeness"] = round(one.closeness, 4)
    return why
