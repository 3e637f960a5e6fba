"""What a clock and a policy say, in words. Asks the database only for names that are shown."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from appliance.sla.models import Clock, Escalation, Measure, Policy
from appliance.tickets.filters import SOON
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
class Line:
    """How one promise stands. ``label`` is what was promised, ``state`` a key of ICONS; ``text``
    says all of it, ``short`` leaves the label out.
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
class Face:
    """What the page of a ticket shows of its clock."""

    policy: str
    lines: list[Line]

    @property
    def key(self) -> str:
        """Another one whenever a word of it is another."""
        said = "|".join([self.policy, *(line.text for line in self.lines)])
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def read_clock(clock: Clock | None, now: datetime | None = None) -> Face | None:
    """Both promises; None when nothing was promised. The policy must be at hand."""
    if clock is None or clock.policy is None:
        return None
    now = now or timezone.now()
    promised = [measure for measure in Measure if _is_promised(clock, measure)]
    return Face(clock.policy.name, [_line(clock, measure, now) for measure in promised])


def read_next(clock: Clock | None, now: datetime | None = None) -> Line | None:
    """The promise that counts in a row of a list: the next one due, else how it ended."""
    now = now or timezone.now()
    if clock is None or clock.policy_id is None:
        return None
    due = [m for m in Measure if clock.due_at(m) and not clock.met_at(m)]
    if clock.running_since and due:
        return _line(clock, min(due, key=clock.due_at), now)
    if clock.is_paused:
        return Line("", "paused", _("paused"), _("paused"), None)
    kept = [m for m in Measure if clock.due_at(m) and clock.met_at(m)]
    return _line(clock, kept[-1], now) if kept else None


def describe_span(seconds: float) -> str:
    """5400 → 1 h 30 min; as exact as somebody in a hurry wants to know."""
    days, rest = divmod(int(abs(seconds) // 60), 24 * 60)
    hours, minutes = divmod(rest, 60)
    return _span(get_language(), days, hours if days < 7 else 0, 0 if days else minutes)


@lru_cache(maxsize=1000)  # a list says fifty of them, and most of them again and again
def _span(language: str | None, days: int, hours: int, minutes: int) -> str:
    if not (days or hours or minutes):
        return _("less than a minute")
    if days:
        whole = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
        return f"{whole} {_('%(count)d h') % {'count': hours}}" if hours else whole
    parts = [_("%(count)d h") % {"count": hours}] if hours else []
    if minutes and hours < 10:
        parts.append(_("%(count)d min") % {"count": minutes})
    return " ".join(parts)


def describe_minutes(minutes: int | None) -> str:
    """Working time promised: 90 → 1 h 30 min, 600 → 10 h. A day of work has no fixed length."""
    hours, minutes = divmod(abs(minutes or 0), 60)
    parts = [_("%(count)d h") % {"count": hours}] if hours else []
    if minutes or not hours:
        parts.append(_("%(count)d min") % {"count": minutes})
    return " ".join(parts)


def describe_policy(policy: Policy) -> list[str]:
    """Whom it fits, for reading; asks for categories and organisations unless prefetched."""
    said = []
    if policy.priorities:
        said.append(", ".join(str(Priority(value).label) for value in policy.priorities))
    if policy.is_premium is not None:
        said.append(_("premium customers") if policy.is_premium else _("not premium"))
    said += [", ".join(str(row) for row in policy.categories.all())]
    organisations = ", ".join(str(row) for row in policy.organisations.all())
    if policy.names_organisations:
        said.append(organisations or _("no organisation any more"))
    return [words for words in said if words] or [_("every ticket")]


def describe_escalation(escalation: Escalation) -> str:
    """30 min before the first answer is due: tell the assignee."""
    when = describe_when(escalation.measure, escalation.minutes)
    return f"{when}: {_deed(escalation)}"


def describe_when(measure: str, minutes: int) -> str:
    said = {"span": describe_minutes(minutes), "what": Measure(measure).label}
    if minutes < 0:
        return _("%(span)s before the %(what)s is due") % said
    if minutes > 0:
        return _("%(span)s after the %(what)s was due") % said
    return _("when the %(what)s is due") % said


def describe_event(data: dict) -> str:
    """One line of an ESCALATED event: why, and what could not be done."""
    when = describe_when(data.get("measure", Measure.ANSWER), data.get("minutes", 0))
    said = _("%(when)s (%(policy)s)") % {"when": when, "policy": data.get("policy", "")}
    return f"{said}. {data['failed']}" if data.get("failed") else said


def _deed(escalation: Escalation) -> str:
    told = [str(Escalation.Told(value).label) for value in escalation.tells]
    deed = _("tell %(people)s") % {"people": ", ".join(told)} if told else ""
    if escalation.action == Escalation.Action.PRIORITY:
        change = _("raise to %(priority)s") % {"priority": escalation.get_priority_display()}
    elif escalation.action == Escalation.Action.REASSIGN:
        to = ", ".join(str(one) for one in (escalation.team, escalation.assignee) if one)
        change = _("hand over to %(to)s") % {"to": to or _("somebody who is gone")}
    else:
        change = ""
    return ", ".join(part for part in (change, deed) if part)


def _is_promised(clock: Clock, measure: str) -> bool:
    return bool(getattr(clock.policy, f"{measure}_minutes")) or bool(clock.due_at(measure))


def _line(clock: Clock, measure: str, now: datetime) -> Line:
    label, due, met = str(Measure(measure).label), clock.due_at(measure), clock.met_at(measure)
    what = {"what": label}
    if met and (due is None or met <= due):
        return Line(label, "met", _("%(what)s in time") % what, _("in time"), due)
    if met:
        return Line(label, "missed", _("%(what)s was late") % what, _("was late"), due)
    if clock.running_since and due:
        return _running(label, due, now)
    if clock.running_since:
        return Line(label, "paused", _("%(what)s never falls due") % what, _("never due"), None)
    if clock.is_open:
        return Line(label, "paused", _("%(what)s paused") % what, _("paused"), None)
    return Line(label, "paused", _("%(what)s not needed") % what, _("not needed"), None)


def _running(label: str, due: datetime, now: datetime) -> Line:
    left = due - now
    said = {"what": label, "span": describe_span(left.total_seconds())}
    if left <= timedelta():
        text, short = _("%(what)s overdue by %(span)s"), _("overdue by %(span)s")
        return Line(label, "late", text % said, short % said, due)
    text, short = _("%(what)s due in %(span)s"), _("due in %(span)s")
    return Line(label, "soon" if left <= SOON else "ok", text % said, short % said, due)
