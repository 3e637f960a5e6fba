"""What the room does when something happens to a ticket; runs in the transaction of the event."""

from datetime import timedelta

from django.utils import timezone

from appliance.accounts.models import User
from appliance.notifications import audience
from appliance.notifications.defaults import wish
from appliance.notifications.models import Mail, Preference
from appliance.notifications.services import letters, notices
from appliance.notifications.subjects import changed_for
from appliance.tickets.models import Event, Status

HISTORY = timedelta(hours=1)  # what is older was brought in and is news to nobody


def tell(event: Event) -> None:
    """Write the notices and letters that follow from the event."""
    if event.kind not in audience.HEARD or event.at < timezone.now() - HISTORY:
        return
    told = audience.find_audience(event)
    wishes = {user: wish(user, kind, _chosen(user)) for user, kind in told.items()}
    _withdraw(event)
    in_window = {user: kind for user, kind in told.items() if wishes[user].in_window}
    if in_window:
        notices.write_notices(event, in_window)
    by_mail = {user: kind for user, kind in told.items() if wishes[user].by_mail != Mail.NEVER}
    if by_mail and not event.data.get("automatic"):
        letters.write_letters(event, by_mail, {user: wishes[user].by_mail for user in by_mail})


def _chosen(user: User) -> Preference | None:
    return getattr(user, "notice_preference", None)


def _withdraw(event: Event) -> None:
    """An assignment, another team or an end takes back what was told to those who could help."""
    ticket = event.ticket
    taken = event.kind == Event.Kind.ASSIGNEE and ticket.assignee_id
    ended = event.kind == Event.Kind.STATUS and ticket.status in (Status.SOLVED, Status.CLOSED)
    if taken or ended or event.kind == Event.Kind.TEAM:
        notices.withdraw_unclaimed(ticket, keep=[])
        letters.withdraw_unclaimed(ticket)
    if event.kind == Event.Kind.TEAM:  # a closed team hides the ticket from some who know of it
        changed_for(list(ticket.notices.filter(read_at=None).values_list("user", flat=True)))
