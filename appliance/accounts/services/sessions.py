"""Ending sessions: one's own, and those of users an admin looks after."""

from django.db import transaction
from django.db.models import QuerySet

from appliance.accounts.models import Session, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit


@transaction.atomic
def end_session(*, session: Session, by: User) -> None:
    """Log out one browser: the user's own, or for admins anybody's."""
    person = session.user
    if person is None:
        return
    if person != by:
        require_admin(by)
    _end(Session.objects.filter(pk=session.pk), person, by=by)


@transaction.atomic
def end_all_sessions(*, person: User, by: User, but: str | None = None) -> int:
    """Log out every browser of a user except the session with the key ``but``; return how many."""
    if person != by:
        require_admin(by)
    return _end(Session.objects.filter(user=person).exclude(pk=but), person, by=by)


def _end(sessions: QuerySet[Session], person: User, *, by: User) -> int:
    count, _ = sessions.delete()
    if count:
        audit.record_change(by=by, verb="signed out", subject=person, data={"sessions": count})
    return count
