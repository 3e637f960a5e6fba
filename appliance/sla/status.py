"""Texts about SLA timers, policies and escalations. Queries only for names that are shown."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from appliance.core.types import keep_together
from appliance.sla.models import Escalation, SlaMetric, SlaPolicy, SlaTimer
from appliance.tickets.event_data import EscalatedData
from appliance.tickets.filters import DUE_SOON
from appliance.tickets.models import Priority

ICONS = {
    "late": "exclamation-triangle-fill",
    "soon": "alarm",
    "ok": "clock",
    "paused": "pause-circle",
    "met": "check2-circle",
    "missed": "x-circle",
}


@dataclass(frozen=True)
class MetricStatus:
    """The status of one target.

    ``label`` names the metric, ``state`` is a key of ICONS, ``text`` is the full sentence and
    ``short`` the sentence without the label.
    """

    label: str
    state: str
    text: str
    short: str
    due_at: datetime | None

    @property
    def icon(self) -> str:
        return ICONS[self.state]


@dataclass(frozen=True)
class SlaStatus:
    """What the ticket page shows of the SLA timer."""

    policy: str
    metrics: list[MetricStatus]

    @property
    def key(self) -> str:
        """Return a hash that changes with any text, for conditional polling."""
        texts = "|".join([self.policy, *(metric.text for metric in self.metrics)])
        return hashlib.sha256(texts.encode()).hexdigest()[:12]


def describe_timer(timer: SlaTimer | None, now: datetime | None = None) -> SlaStatus | None:
    """Return the status of both targets, None without a policy. ``timer.policy`` is loaded."""
    if timer is None or timer.policy is None:
        return None
    now = now or timezone.now()
    metrics = [metric for metric in SlaMetric if _has_target(timer, metric)]
    return SlaStatus(timer.policy.name, [_metric_status(timer, metric, now) for metric in metrics])


def describe_next_target(
    timer: SlaTimer | None, now: datetime | None = None
) -> MetricStatus | None:
    """Return the target that a list row shows: the next one due, else the last one ended."""
    now = now or timezone.now()
    if timer is None or timer.policy_id is None:
        return None
    due_times = {
        metric: due_at
        for metric in SlaMetric
        if (due_at := timer.due_at(metric)) and not timer.met_at(metric)
    }
    if timer.running_since and due_times:
        return _metric_status(timer, min(due_times, key=due_times.__getitem__), now)
    if timer.is_paused:
        return MetricStatus("", "paused", _("paused"), _("paused"), None)
    met = [metric for metric in SlaMetric if timer.due_at(metric) and timer.met_at(metric)]
    return _metric_status(timer, met[-1], now) if met else None


def describe_span(seconds: float) -> str:
    """Return a rounded duration that no line breaks: 5400 → "1 h 30 min"."""
    days, rest = divmod(int(abs(seconds) // 60), 24 * 60)
    hours, minutes = divmod(rest, 60)
    return _span(get_language(), days, hours if days < 7 else 0, 0 if days else minutes)


@lru_cache(maxsize=1000)  # a list page shows fifty durations, most of them repeatedly
def _span(language: str | None, days: int, hours: int, minutes: int) -> str:
    if not (days or hours or minutes):
        return _("less than a minute")
    parts = []
    if days:
        parts.append(ngettext("%(count)d day", "%(count)d days", days) % {"count": days})
    if hours:
        parts.append(_hours(hours))
    if minutes and hours < 10:
        parts.append(_("%(count)d min") % {"count": minutes})
    return keep_together(" ".join(parts))


def _hours(count: int) -> str:
    return _("%(count)d h") % {"count": count}


def describe_minutes(minutes: int | None) -> str:
    """Return business time: 90 → "1 h 30 min", 600 → "10 h"; business days have no fixed length."""
    hours, minutes = divmod(abs(minutes or 0), 60)
    parts = [_("%(count)d h") % {"count": hours}] if hours else []
    if minutes or not hours:
        parts.append(_("%(count)d min") % {"count": minutes})
    return " ".join(parts)


def describe_policy(policy: SlaPolicy) -> list[str]:
    """Return the conditions of a policy; queries categories and organisations unless prefetched."""
    conditions = []
    if policy.priorities:
        conditions.append(", ".join(str(Priority(value).label) for value in policy.priorities))
    if policy.is_premium is not None:
        conditions.append(_("VIP customers") if policy.is_premium else _("not VIP"))
    conditions.append(", ".join(str(category) for category in policy.categories.all()))
    organisations = ", ".join(str(organisation) for organisation in policy.organisations.all())
    if policy.names_organisations:
        conditions.append(organisations or _("deleted organisation"))
    return [text for text in conditions if text] or [_("all tickets")]


def describe_escalation(escalation: Escalation) -> str:
    """Return when and what, as in "30 min before first response is due: notify the assignee"."""
    when = describe_when(escalation.metric, escalation.minutes)
    return f"{when}: {_describe_action(escalation)}"


def describe_when(metric: str, minutes: int) -> str:
    """Return when an escalation is due: "30 min before first response is due"."""
    span = keep_together(describe_minutes(minutes))
    params = {"span": span, "what": SlaMetric(metric).label}
    if minutes < 0:
        return _("%(span)s before %(what)s is due") % params
    if minutes > 0:
        return _("%(span)s after %(what)s was due") % params
    return _("when %(what)s is due") % params


def describe_event(data: EscalatedData) -> str:
    """Return the text of an ESCALATED event: when it was due, and what failed."""
    when = describe_when(data.get("metric", SlaMetric.FIRST_RESPONSE), data.get("minutes", 0))
    text = _("%(when)s (%(policy)s)") % {"when": when, "policy": data.get("policy", "")}
    if not data.get("failed"):
        return text
    failure = _(data["failed"])  # the worker stored it in its own language, English
    return f"{text}. {failure}"


def _describe_action(escalation: Escalation) -> str:
    names = [str(Escalation.Recipient(value).label) for value in escalation.recipients]
    notice = _("notify %(people)s") % {"people": ", ".join(names)} if names else ""
    if escalation.action == Escalation.Action.PRIORITY:
        change = _("raise priority to %(priority)s") % {
            "priority": escalation.get_priority_display()
        }
    elif escalation.action == Escalation.Action.REASSIGN:
        to = ", ".join(str(target) for target in (escalation.team, escalation.assignee) if target)
        change = _("reassign to %(to)s") % {"to": to or _("unknown (deleted)")}
    else:
        change = ""
    return ", ".join(part for part in (change, notice) if part)


def _has_target(timer: SlaTimer, metric: str) -> bool:
    return bool(getattr(timer.policy, f"{metric}_minutes")) or bool(timer.due_at(metric))


def _metric_status(timer: SlaTimer, metric: str, now: datetime) -> MetricStatus:
    label = str(SlaMetric(metric).label)
    due_at, met_at = timer.due_at(metric), timer.met_at(metric)
    params = {"what": label}
    if met_at and (due_at is None or met_at <= due_at):
        return MetricStatus(label, "met", _("%(what)s met") % params, _("met"), due_at)
    if met_at:
        return MetricStatus(label, "missed", _("%(what)s missed") % params, _("missed"), due_at)
    if timer.running_since and due_at:
        return _running_status(label, due_at, now)
    if timer.running_since:
        return MetricStatus(
            label, "paused", _("%(what)s has no due time") % params, _("no due time"), None
        )
    if timer.is_open:
        return MetricStatus(label, "paused", _("%(what)s paused") % params, _("paused"), None)
    return MetricStatus(
        label, "paused", _("%(what)s not required") % params, _("not required"), None
    )


def _running_status(label: str, due_at: datetime, now: datetime) -> MetricStatus:
    left = due_at - now
    params = {"what": label, "span": describe_span(left.total_seconds())}
    if left <= timedelta():
        text, short = _("%(what)s overdue by %(span)s"), _("overdue by %(span)s")
        return MetricStatus(label, "late", text % params, short % params, due_at)
    text, short = _("%(what)s due in %(span)s"), _("due in %(span)s")
    return MetricStatus(
        label, "soon" if left <= DUE_SOON else "ok", text % params, short % params, due_at
    )
