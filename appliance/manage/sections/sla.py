"""Sections of business hours, SLA policies and assignment rules."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.accounts.models import User
from appliance.accounts.permissions import AuthenticatedRequest
from appliance.manage.sections.section import Column, Section, filter_by_name
from appliance.routing import queries as routing_queries
from appliance.routing import services as routing_services
from appliance.routing.forms import RuleForm
from appliance.routing.models import AssignmentRule
from appliance.routing.queries import describe_rule
from appliance.sla import queries as sla_queries
from appliance.sla import services as sla_services
from appliance.sla.forms import BusinessHoursForm, HolidayForm, PolicyForm
from appliance.sla.models import BusinessHours, SlaMetric, SlaPolicy
from appliance.sla.status import describe_escalation, describe_minutes, describe_policy
from appliance.sla.working_time import NoHoursError, add_working_time


def _list_business_hours(viewer: User, text: str) -> QuerySet[BusinessHours]:
    return filter_by_name(sla_queries.list_business_hours(), text)


def _week(business_hours: BusinessHours) -> str:
    return "; ".join(f"{day} {hours}" for day, hours in sla_queries.describe_week(business_hours))


def _holidays(business_hours: BusinessHours) -> str:
    count = len(business_hours.holidays.all())
    return ngettext("%(n)d holiday", "%(n)d holidays", count) % {"n": count}


def _targets(policy: SlaPolicy) -> dict[str, int]:
    """Return the target in minutes by the label of its metric."""
    targets = {metric.label: getattr(policy, f"{metric}_minutes") for metric in SlaMetric}
    return {str(label): minutes for label, minutes in targets.items() if minutes}


def _describe_targets(policy: SlaPolicy) -> str:
    targets = _targets(policy).items()
    return "; ".join(f"{label}: {describe_minutes(minutes)}" for label, minutes in targets)


def _policy_context(request: AuthenticatedRequest, policy: SlaPolicy | None) -> dict[str, Any]:
    """Return the escalations with their descriptions, and when a ticket created now is due."""
    if policy is None:
        return {}
    return {
        "escalations": [
            (escalation, describe_escalation(escalation)) for escalation in policy.escalations.all()
        ],
        "due_now": [
            (label, _due_at(policy, minutes)) for label, minutes in _targets(policy).items()
        ],
    }


def _due_at(policy: SlaPolicy, minutes: int) -> datetime | None:
    """Return when a target of a ticket created now is due; None: never."""
    work = timedelta(minutes=minutes).total_seconds()
    try:
        hours = sla_queries.working_hours_of(
            policy.business_hours or sla_queries.find_default_business_hours()
        )
        return add_working_time(timezone.now(), work, hours)
    except NoHoursError:
        return None


BUSINESS_HOURS: Section[BusinessHours] = Section(
    slug="business-hours",
    object_slug="business-hours",
    title=gettext_lazy("Business hours and holidays"),
    icon="bi-calendar-week",
    about=gettext_lazy(
        "Weekly business hours and holidays. SLA times are counted in business hours."
    ),
    help=gettext_lazy("Changes apply to the SLA of open tickets within a minute."),
    list_entries=_list_business_hours,
    access_entry=sla_queries.access_business_hours,
    columns=(
        Column(gettext_lazy("Name"), lambda business_hours: business_hours.name),
        Column(gettext_lazy("Business hours"), _week, True),
        Column(gettext_lazy("Time zone"), lambda business_hours: business_hours.time_zone),
        Column(gettext_lazy("Holidays"), _holidays),
        Column(gettext_lazy("Default"), lambda business_hours: business_hours.is_default),
    ),
    form=lambda data, viewer, entry: BusinessHoursForm(data, business_hours=entry),
    add=sla_services.add_business_hours,
    add_label=gettext_lazy("Add calendar"),
    change=sla_services.change_business_hours,
    remove=sla_services.remove_business_hours,
    remove_label=gettext_lazy("Remove"),
    consequences=lambda business_hours: [
        _("Its holidays are removed too."),
        _("Users with this calendar switch to the default calendar."),
    ],
    aside_template="manage/_business_hours.html",
    aside_context=lambda request, entry: {
        "holiday_form": HolidayForm(None, auto_id="id_holiday_%s")
    },
)

POLICIES: Section[SlaPolicy] = Section(
    slug="policies",
    object_slug="policy",
    title=gettext_lazy("SLA policies"),
    icon="bi-stopwatch",
    about=gettext_lazy(
        "Targets for first response and resolution. The first matching policy applies."
    ),
    help=gettext_lazy("Changes apply to open tickets within a minute."),
    list_entries=lambda viewer, text: sla_queries.list_policies(),
    access_entry=sla_queries.access_policy,
    columns=(
        Column(gettext_lazy("Name"), lambda policy: policy.name),
        Column(gettext_lazy("Applies to"), lambda policy: "; ".join(describe_policy(policy)), True),
        Column(gettext_lazy("Time targets"), _describe_targets),
        Column(
            gettext_lazy("Business hours"), lambda policy: policy.business_hours or _("default")
        ),
        Column(gettext_lazy("Escalations"), lambda policy: len(policy.escalations.all())),
    ),
    form=lambda data, viewer, entry: PolicyForm(data, policy=entry),
    add=sla_services.add_policy,
    add_label=gettext_lazy("Add SLA policy"),
    change=sla_services.change_policy,
    remove=sla_services.remove_policy,
    remove_label=gettext_lazy("Remove"),
    consequences=lambda policy: [
        _("Open tickets with this policy get the next matching policy, or none."),
        _("Existing reports are not changed."),
    ],
    move=sla_services.move_policy,
    is_searchable=False,
    aside_template="manage/_policy.html",
    aside_context=_policy_context,
)

RULES: Section[AssignmentRule] = Section(
    slug="rules",
    object_slug="rule",
    title=gettext_lazy("Assignment rules"),
    icon="bi-signpost-split",
    about=gettext_lazy("Assigns new tickets. The first matching rule applies."),
    help=gettext_lazy("A rule waits briefly for classification, and until an agent is working."),
    list_entries=lambda viewer, text: routing_queries.list_rules(),
    access_entry=routing_queries.access_rule,
    columns=(
        Column(gettext_lazy("Name"), lambda rule: rule.name),
        Column(gettext_lazy("Applies to"), lambda rule: "; ".join(describe_rule(rule)), True),
        Column(gettext_lazy("Team"), lambda rule: rule.team),
        Column(gettext_lazy("Assignment"), lambda rule: rule.get_strategy_display()),
    ),
    form=lambda data, viewer, entry: RuleForm(data, rule=entry),
    add=routing_services.add_rule,
    add_label=gettext_lazy("Add rule"),
    change=routing_services.change_rule,
    remove=routing_services.remove_rule,
    remove_label=gettext_lazy("Remove"),
    consequences=lambda rule: [_("Tickets it has assigned are not changed.")],
    move=routing_services.move_rule,
    is_searchable=False,
)
