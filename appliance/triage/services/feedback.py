"""Record the outcome of suggestions, and corrections of predicted categories."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.tickets.event_data import RepliedData
from appliance.tickets.models import OPEN_STATUSES, Event, Ticket, TicketCategory
from appliance.triage import engine
from appliance.triage.models import (
    NOT_SURE,
    CategoryLabel,
    Correction,
    Prediction,
    Suggestion,
)
from appliance.triage.services.labels import forget_label, record_choice, record_label
from appliance.triage.services.queueing import queue_catch_up
from appliance.triage.suggestions import SuggestedArticle

State = Suggestion.State


def record_shown_suggestions(
    *,
    ticket: Ticket,
    shown: Sequence[SuggestedArticle],
    to: User,
    known_ids: Collection[int] | None = None,
) -> int:
    """Record that an agent is shown these articles, best first. How many are new on the ticket.

    ``known_ids`` are the articles suggested on the ticket before, if the caller has them already;
    then it takes no query when none is new.
    """
    if not to.is_agent or not shown:
        return 0
    if known_ids is None:
        known_ids = set(
            Suggestion.objects.filter(ticket=ticket).values_list("article_id", flat=True)
        )
    encoder = engine.find_ref("encoder")
    new = [
        Suggestion(
            ticket=ticket,
            article=suggested.article,
            rank=rank,
            score=round(suggested.score, 4),
            why=_reasons(suggested),
            bundle_digest=encoder.digest if encoder and suggested.closeness is not None else "",
        )
        for rank, suggested in enumerate(shown, start=1)
        if suggested.article.pk not in known_ids
    ]
    if new:  # ignoring conflicts, since another agent may open the ticket at the same time
        Suggestion.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


@transaction.atomic
def dismiss_suggestion(*, ticket: Ticket, article: Article, by: User) -> None:
    """Suggest the article no more on this ticket, and less on similar tickets."""
    _require_agent(by)
    suggestion, is_new = Suggestion.objects.select_for_update(of=["self"]).get_or_create(
        ticket=ticket, article=article, defaults={"rank": 0, "score": 0.0}
    )
    if suggestion.state == State.DISMISSED and not is_new:
        return
    suggestion.state, suggestion.by, suggestion.decided_at = State.DISMISSED, by, timezone.now()
    suggestion.save(update_fields=["state", "by", "decided_at"])


def undo_dismissal(*, ticket: Ticket, article: Article, by: User) -> None:
    """Make a dismissed article a shown one again; an inserted one stays inserted."""
    _require_agent(by)
    dismissed = Suggestion.objects.filter(ticket=ticket, article=article, state=State.DISMISSED)
    dismissed.update(state=State.SHOWN, by=None, decided_at=None)


def record_inserted_suggestions(event: Event) -> None:
    """Mark suggested articles that an agent's reply links to. A listener of ticket events."""
    if event.kind != Event.Kind.REPLIED or event.actor is None or not event.actor.is_agent:
        return
    data: RepliedData = event.data
    article_ids = data.get("articles") or []
    suggestions = Suggestion.objects.filter(ticket=event.ticket, article__in=article_ids)
    suggestions.exclude(state=State.INSERTED).update(
        state=State.INSERTED, by=event.actor, decided_at=event.at
    )


def _require_agent(by: User) -> None:
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can insert or dismiss suggestions."))


def _reasons(suggested: SuggestedArticle) -> dict[str, object]:
    reasons: dict[str, object] = {"words": [*suggested.words], "helped": suggested.helped}
    if suggested.closeness is not None:
        reasons["closeness"] = round(suggested.closeness, 4)
    return reasons


@transaction.atomic
def correct_category(*, ticket: Ticket, category: TicketCategory | None, by: User) -> None:
    """Set the category, record which one was predicted, and learn from the choice."""
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can change the category of a ticket."))
    before = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket.pk)
    if before.category_id != (category.pk if category else None):
        prediction = ticket.predictions.filter(kind=Prediction.Kind.CATEGORY).first()
        Correction.objects.create(
            ticket=ticket,
            predicted=prediction.label if prediction else NOT_SURE,
            withheld_label=prediction.withheld_label if prediction else NOT_SURE,
            category=category,
            by=by,
            bundle_digest=prediction.bundle_digest if prediction else "",
        )
        record_choice(ticket=ticket, category=category, by=by)
    tickets_services.set_category(ticket=ticket, category=category, by=by)


@transaction.atomic
def confirm_category(*, ticket: Ticket, category: TicketCategory, by: User) -> None:
    """Record that an agent found a predicted category right, and set it where none is set.

    Raises BadInputError if the ticket has another category by now, or this one was closed.
    """
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can change the category of a ticket."))
    locked = tickets_services.lock_ticket(ticket)
    if locked.category_id is None:
        if not category.is_active:
            raise BadInputError(
                _("The category %s is no longer offered. Choose another one.") % category,
                field="category",
            )
        correct_category(ticket=ticket, category=category, by=by)
    elif locked.category_id == category.pk:
        _confirm_decision(locked, category, by)
    else:
        params = {"number": ticket.number, "name": locked.category}
        raise BadInputError(
            _("%(number)s has the category %(name)s by now. Change it on its page.") % params,
            field="category",
        )
    ticket.refresh_from_db()


def _confirm_decision(locked: Ticket, category: TicketCategory, by: User) -> None:
    labels = CategoryLabel.objects.filter(ticket=locked, category=category)
    if labels.exclude(source=CategoryLabel.Source.KEPT).exists():  # somebody was faster
        return
    record_label(ticket=locked, category=category, source=CategoryLabel.Source.CONFIRMED, by=by)
    tickets_services.record_category_confirmation(ticket=locked, by=by)


@transaction.atomic
def undo_choice(*, ticket: Ticket, category: TicketCategory | None, by: User) -> None:
    """Set back the category the agent has just chosen, and learn nothing from that choice."""
    locked = tickets_services.lock_ticket(ticket)
    choice = locked.corrections.order_by("-pk").first()
    if choice and choice.by_id == by.pk and choice.category_id == locked.category_id:
        choice.delete()
    tickets_services.set_category(ticket=ticket, category=category, by=by)
    earlier = locked.corrections.order_by("-pk").first()
    forget_label(ticket=ticket)
    if category and earlier and earlier.category_id == category.pk:
        record_label(
            ticket=ticket,
            category=category,
            source=CategoryLabel.Source.CORRECTED,
            by=earlier.by,
        )


@transaction.atomic
def reconsider_unsure() -> int:
    """Classify open uncategorised tickets again after a category changed. How many.

    One UPDATE makes their uncertain predictions outdated, so that the work queue finds them.
    """
    unsure = Prediction.objects.filter(
        kind=Prediction.Kind.CATEGORY,
        label=NOT_SURE,
        ticket__category=None,
        ticket__status__in=OPEN_STATUSES,
    )
    count = Prediction.objects.filter(pk__in=unsure.values("pk")).update(text_sha256="")
    if count:
        queue_catch_up()
    return count
