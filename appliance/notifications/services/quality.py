"""Notifications to admins of measures of model quality over their limits."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone, translation

from appliance.accounts.models import Role, User
from appliance.core import queries as core_queries
from appliance.core.database import try_lock_until_commit
from appliance.notifications import badge, texts
from appliance.notifications.models import EmailFrequency, Kind, Notification, OutgoingEmail
from appliance.notifications.recipients import channels_for
from appliance.notifications.services.outbox import build_email
from appliance.triage.drift import queries as drift_queries
from appliance.triage.drift.queries import Alarm

TASK = "notifications.notify_quality_alarms"


@transaction.atomic
def notify_quality_alarms() -> int:
    """Notify each admin of every measure and month once. Returns the number of new alarms.

    By e-mail, one for all that are new to the admin.
    """
    alarms = drift_queries.list_alarms()
    if not alarms or not try_lock_until_commit(TASK):
        return 0
    admins = User.objects.filter(role=Role.ADMIN, is_active=True)
    new_alarms: set[Alarm] = set()
    for admin in admins.select_related("notification_preference").order_by("pk"):
        new_alarms |= set(_notify(admin, alarms))
    return len(new_alarms)


def _notify(admin: User, alarms: Collection[Alarm]) -> list[Alarm]:
    """Notify one admin by the channels they chose; return what they had not been told before.

    The row is what remembers it, so it is there, and read, also for who wants no notification.
    """
    rows = Notification.objects.filter(user=admin).exclude(measure="")
    known = set(rows.values_list("measure", "month"))
    new = [alarm for alarm in alarms if (alarm.measure.value, alarm.month) not in known]
    if not new:
        return []
    channels = channels_for(admin, Kind.QUALITY)
    read_at = None if channels.in_window else timezone.now()
    Notification.objects.bulk_create(
        Notification(
            user=admin,
            measure=alarm.measure,
            month=alarm.month,
            kind=Kind.QUALITY,
            read_at=read_at,
        )
        for alarm in new
    )
    badge.invalidate([admin.pk])
    if channels.by_mail != EmailFrequency.NEVER:
        _queue_email(admin, new)
    return new


def _queue_email(admin: User, alarms: list[Alarm]) -> None:
    with translation.override(admin.language or core_queries.site_settings().language):
        email = build_email(
            key=f"quality:{admin.pk}:{timezone.now().isoformat()}",
            to=admin.email,
            user=admin,
            ticket=None,
            kind=Kind.QUALITY,
            subject=texts.quality_subject(alarms),
            body=texts.quality_body(alarms),
        )
    OutgoingEmail.objects.bulk_create([email])
