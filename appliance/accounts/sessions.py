"""Sessions in the database, and how long each lasts.

A session ends after a time without activity, which an admin sets, and at the latest
SESSION_COOKIE_AGE after log-in. The end is stored with the session, so that no request has to
check anything: the row is no longer found. Activity moves it, with at most one write a minute.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.http import HttpRequest
from django.utils import timezone

from appliance.core import cache
from appliance.core import queries as core_queries

if TYPE_CHECKING:
    from appliance.accounts.models import Session, User

WRITE_INTERVAL = timedelta(minutes=1)
MAX_BROWSER_CHARACTERS = 300
# Sent by scripts of an open page that ask by themselves whether something has changed.
BACKGROUND_HEADER = "X-Background"
CARRIED_FIELDS = ("public_id", "ip_address", "browser", "created_at", "active_at", "expire_date")


class SessionStore(db.SessionStore):
    """Django's sessions in the database, with the user and the activity in columns."""

    row: "Session | None" = None  # as it was read for this request

    @classmethod
    def get_model_class(cls) -> "type[Session]":
        from appliance.accounts.models import Session  # Django loads this module before the models

        return Session

    def _get_session_from_db(self) -> "Session | None":
        self.row = super()._get_session_from_db()  # type: ignore[misc]  # unknown to the stubs
        return self.row

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """Return the row to store, with the times of the row that it replaces."""
        instance = cast("Session", super().create_model_instance(data))
        instance.user_id = _user_id(data)
        if self.row and self.row.pk == instance.pk and self.row.user_id == instance.user_id:
            for name in CARRIED_FIELDS:
                setattr(instance, name, getattr(self.row, name))
        return instance


def record_activity(request: HttpRequest, *, ip_address: str) -> None:
    """Move the end of the session of whoever sent this request; nothing within a minute."""
    if not request.session.accessed or not request.user.is_authenticated:
        return
    session = cast(SessionStore, request.session)
    now, key, row = timezone.now(), session.session_key, session.row
    if row and (row.pk != key or row.user_id != request.user.pk):
        row = None  # of before the log-in
    if row and row.active_at > now - WRITE_INTERVAL:
        return
    created_at = row.created_at if row else now
    SessionStore.get_model_class().objects.filter(pk=key).update(
        ip_address=ip_address,
        browser=request.headers.get("User-Agent", "")[:MAX_BROWSER_CHARACTERS],
        active_at=now,
        expire_date=expiry(request.user, created_at=created_at, now=now),
    )


def expiry(user: "User", *, created_at: datetime, now: datetime) -> datetime:
    """Return when a session ends that is used now and was begun at ``created_at``."""
    latest = created_at + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    minutes = idle_minutes(user)
    # one interval more, within which activity is not written
    idle = now + timedelta(minutes=minutes) + WRITE_INTERVAL
    return min(latest, idle) if minutes else latest


def idle_minutes(user: "User") -> int:
    """Return after how many minutes without activity the user is logged out; 0 for never."""
    of_agents, of_customers = cache.get_or_compute(
        "idle_minutes", [], _idle_minutes, depends_on=[cache.SITE_SETTINGS]
    )
    return of_agents if user.is_agent else of_customers


def _idle_minutes() -> tuple[int, int]:
    row = core_queries.site_settings()
    return row.agent_idle_minutes, row.customer_idle_minutes


def _user_id(data: dict[str, Any]) -> int | None:
    return int(data[SESSION_KEY]) if SESSION_KEY in data else None
