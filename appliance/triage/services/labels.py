"""Record the categories that people agreed on, from which this desk learns."""

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models import Status, Ticket, TicketCategory
from appliance.triage.models import NOT_SURE, CategoryLabel, Correction, Prediction

Source = CategoryLabel.Source
SOLVED_FOR_GOOD = timedelta(days=14)  # nobody reopened it, on a desk that closes no tickets
MAX_KEPT_PER_RUN = 5000

# A weaker source never replaces a stronger one, also when two people decide at once.
RECORD_SQL = """
INSERT INTO triage_categorylabel AS label
    (ticket_id, category_id, source, predicted, confidence, by_id, at)
VALUES (%(ticket)s, %(category)s, %(source)s, %(predicted)s, %(confidence)s, %(by)s,
        clock_timestamp())
ON CONFLICT (ticket_id) DO UPDATE SET
    category_id = excluded.category_id, source = excluded.source, by_id = excluded.by_id,
    predicted = excluded.predicted, confidence = excluded.confidence, at = excluded.at
WHERE excluded.source <> 'kept' OR label.source = 'kept'
"""


def record_label(
    *, ticket: Ticket, category: TicketCategory, source: CategoryLabel.Source, by: User | None
) -> None:
    """Remember that this is the category of the ticket; the latest choice of a person counts.

    Stores the first guess of the prediction beside it, also when the classifier was not sure.
    """
    predicted, confidence = _first_guess(ticket)
    parameters: dict[str, int | float | str | None] = {
        "ticket": ticket.pk,
        "category": category.pk,
        "source": str(source),
        "predicted": predicted,
        "confidence": confidence,
        "by": by.pk if by else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD_SQL, parameters)


def forget_label(*, ticket: Ticket) -> None:
    """Forget the category of the ticket: a person took it away and named no other."""
    CategoryLabel.objects.filter(ticket=ticket).delete()


def record_choice(*, ticket: Ticket, category: TicketCategory | None, by: User) -> None:
    """Record the category an agent chose: confirmed if it is the first guess, else corrected."""
    if category is None:
        forget_label(ticket=ticket)
        return
    predicted, _ = _first_guess(ticket)
    source = Source.CONFIRMED if predicted == category.slug else Source.CORRECTED
    record_label(ticket=ticket, category=category, source=source, by=by)


@transaction.atomic
def record_kept_categories(limit: int = MAX_KEPT_PER_RUN) -> int:
    """Record the predicted category of tickets that were solved for good with it. How many.

    These labels are weak: probably nobody looked at the category. Reads all closed tickets, so
    it is for the night.
    """
    predicted = Prediction.objects.filter(
        ticket=OuterRef("pk"), kind=Prediction.Kind.CATEGORY, label=OuterRef("category__slug")
    )
    is_solved_for_good = Q(status=Status.CLOSED) | Q(
        status=Status.SOLVED, solved_at__lte=timezone.now() - SOLVED_FOR_GOOD
    )
    tickets = (
        Ticket.objects.filter(is_solved_for_good, merged_into=None, category__isnull=False)
        .filter(Exists(predicted))
        .exclude(Exists(CategoryLabel.objects.filter(ticket=OuterRef("pk"))))
        .exclude(Exists(Correction.objects.filter(ticket=OuterRef("pk"))))
        .annotate(confidence=predicted.values("confidence"), slug=F("category__slug"))
        .order_by("-pk")
    )
    labels = [
        CategoryLabel(
            ticket_id=ticket.pk,
            category_id=category_id,
            source=Source.KEPT,
            predicted=ticket.slug,
            confidence=ticket.confidence,
            at=ticket.solved_at or ticket.updated_at,
        )
        for ticket in tickets.only("category_id", "solved_at", "updated_at")[:limit]
        if (category_id := ticket.category_id)
    ]
    CategoryLabel.objects.bulk_create(labels, ignore_conflicts=True, batch_size=500)
    return len(labels)


def _first_guess(ticket: Ticket) -> tuple[str, float | None]:
    """Return the label that the classifier ranked first, sure or not, and its confidence."""
    prediction = ticket.predictions.filter(kind=Prediction.Kind.CATEGORY).first()
    if prediction is None:
        return NOT_SURE, None
    if prediction.label or not prediction.scores:
        return prediction.label, prediction.confidence
    return str(prediction.scores[0][0]), prediction.confidence
