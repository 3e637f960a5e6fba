"""The verb of a customer whose ticket was solved."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.tickets.models import Event, Rating, Ticket
from appliance.tickets.queries.talk import RATED_STATUSES, RATING_DAYS, is_settled
from appliance.tickets.services.recording import lock, record, save


def rate_ticket(
    *,
    ticket: Ticket,
    by: User | None,
    is_good: bool,
    comment: str = "",
    at: datetime | None = None,
) -> Rating:
    """What the customer (``None``: a guest who came by the secret link) says of the solution.

    They may change it for RATING_DAYS. The same once more changes nothing.
    """
    with transaction.atomic():
        locked = lock(ticket)
        if by is not None and locked.customer.user_id != by.pk:
            raise ForbiddenError(_("Only the requester can rate the resolution."))
        if locked.status not in RATED_STATUSES or locked.merged_into_id:
            raise BadInputError(_("This ticket is not solved yet. You can rate it once it is solved."))
        rating = Rating.objects.filter(ticket=locked).first() or Rating(ticket=locked)
        if (rating.is_good, rating.comment) != (is_good, comment):
            _write(locked, rating, by, is_good, comment, at or timezone.now())
    return rating


def _write(
    locked: Ticket, rating: Rating, by: User | None, is_good: bool, comment: str, at: datetime
) -> None:
    if rating.pk and is_settled(locked, rating):
        raise BadInputError(
            _("You rated this more than %(days)d days ago; the rating can no longer be "
                "changed.")
            % {"days": RATING_DAYS}
        )
    rating.is_good, rating.comment = is_good, comment
    is_of_another = locked.solved_at and locked.solved_at > rating.at  # its days begin now
    if not rating.pk or is_of_another:
        rating.at = at
    rating.save()
    save(locked, at=at)
    record(locked, Event.Kind.RATED, by, at, name=locked.customer.full_name, is_good=is_good)
