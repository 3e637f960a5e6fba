"""When the desk works, what it promises, and who gets what comes in."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.manage.sections import section
from appliance.manage.sections.section import Column, Section
from appliance.routing import queries as routing_queries
from appliance.routing import services as routing_services
from appliance.routing.forms import RuleForm
from appliance.routing.queries import describe_rule
from appliance.sla import queries as sla_queries
from appliance.sla import services as sla_services
from appliance.sla.forms import BusinessHoursForm, HolidayForm, PolicyForm
from appliance.sla.models import BusinessHours, SlaMetric, SlaPolicy
from appliance.sla.status import describe_escalation, describe_minutes, describe_policy
from appliance.sla.working_time import NoHoursError, add_working_time


def _week(business_hours: BusinessHours) -> str:
    return "; ".join(f"{day} {hours}" for day, hours in sla_queries.describe_week(business_hours))


def _holidays(business_hours: BusinessHours) -> str:
    n = len(business_hours.holidays.all())
    return ngettext("%(n)d holiday", "%(n)d holidays", n) % {"n": n}


def _promised(policy: SlaPolicy) -> dict[str, int]:
    """Minutes by the label of what is promised."""
    values = {SlaMetric(row).label: getattr(policy, f"{row}_minutes") for row in SlaMetric}
    return {str(label): minutes for label, minutes in values.items() if minutes}


def _promises(policy: SlaPolicy) -> str:
    values = _promised(policy).items()
    return "; ".join(f"{label}: {describe_minutes(minutes)}" for label, minutes in values)


def _of_policy(request, policy: SlaPolicy | None) -> dict:
    if policy is None:
        return {}
    rows = [
        (escalation, describe_escalation(escalation)) for escalation in policy.escalations.all()
    ]
    return {"escalations": rows, "due_now": due_now(policy)}


def due_now(policy: SlaPolicy) -> list[tuple[str, datetime | None]]:
    """When each promise of a ticket opened this moment would fall due; None: never."""
    return [(label, _due(policy, minutes)) for label, minutes in _promised(policy).items()]


def _due(policy: SlaPolicy, minutes: int) -> datetime | None:
    work = timedelta(minutes=minutes).total_seconds()
    try:
        hours = sla_queries.working_hours_of(
            policy.business_hours or sla_queries.find_default_business_hours()
        )
        return add_working_time(timezone.now(), work, hours)
    except NoHoursError:
        return None


BUSINESS_HOURS = Section(
    slug="business-hours",
    object_slug="business-hours",
    title=gettext_lazy("Business hours and holidays"),
    icon="bi-calendar-week",
    about=gettext_lazy(
        "Weekly business hours and holidays. SLA times are counted in business hours."
    ),
    help=gettext_lazy("Changes apply to the SLA of open tickets within a minute."),
    rows=section.list_business_hours,
    access=sla_queries.access_business_hours,
    columns=(
        Column(gettext_lazy("Name"), lambda business_hours: business_hours.name),
        Column(gettext_lazy("Business hours"), _week, True),
        Column(gettext_lazy("Time zone"), lambda business_hours: business_hours.time_zone),
        Column(gettext_lazy("Holidays"), _holidays),
        Column(gettext_lazy("Default"), lambda business_hours: business_hours.is_default),
    ),
    form=lambda data, viewer, row: BusinessHoursForm(data, business_hours=row),
    add=sla_services.add_business_hours,
    add_words=gettext_lazy("Add calendar"),
    change=sla_services.change_business_hours,
    remove=sla_services.remove_business_hours,
    remove_words=gettext_lazy("Remove"),
    affects=lambda business_hours: [
        _("Its holidays are removed too."),
        _("Users with this calendar switch to the default calendar."),
    ],
    more="manage/_calendar.html",
    more_of=lambda request, row: {"holiday_form": HolidayForm(None, auto_id="id_holiday_%s")},
)

POLICIES = Section(
    slug="policies",
    object_slug="policy",
    title=gettext_lazy("SLA policies"),
    icon="bi-stopwatch",
    about=gettext_lazy(
        "Targets for first response and resolution. The first matching policy applies."
    ),
    help=gettext_lazy("Changes apply to open tickets within a minute."),
    rows=lambda viewer, text: sla_queries.list_policies(),
    access=sla_queries.access_policy,
    columns=(
        Column(gettext_lazy("Name"), lambda policy: policy.name),
        Column(gettext_lazy("Applies to"), lambda policy: "; ".join(describe_policy(policy)), True),
        Column(gettext_lazy("Time targets"), _promises),
        Column(
            gettext_lazy("Business hours"), lambda policy: policy.business_hours or _("default")
        ),
        Column(gettext_lazy("Escalations"), lambda policy: len(policy.escalations.all())),
    ),
    form=lambda data, viewer, row: PolicyForm(data, policy=row),
    add=sla_services.add_policy,
    add_words=gettext_lazy("Add SLA policy"),
    change=sla_services.change_policy,
    remove=sla_services.remove_policy,
    remove_words=gettext_lazy("Remove"),
    affects=lambda policy: [
        _("Open tickets with this policy get the next matching policy, or none."),
        _("Existing reports are not changed."),
    ],
    move=sla_services.move_policy,
    is_searched=False,
    more="manage/_policy.html",
    more_of=_of_policy,
)

RULES = Section(
    slug="rules",
    object_slug="rule",
    title=gettext_lazy("Assignment rules"),
    icon="bi-signpost-split",
    about=gettext_lazy("Assigns new tickets. The first matching rule applies."),
    help=gettext_lazy("A rule waits briefly for classification, and until an agent is working."),
    rows=lambda viewer, text: routing_queries.list_rules(),
    access=routing_queries.access_rule,
    columns=(
        Column(gettext_lazy("Name"), lambda rule: rule.name),
        Column(gettext_lazy("Applies to"), lambda rule: "; ".join(describe_rule(rule)), True),
        Column(gettext_lazy("Team"), lambda rule: rule.team),
        Column(gettext_lazy("Assignment"), lambda rule: rule.get_strategy_display()),
    ),
    form=lambda data, viewer, row: RuleForm(data, rule=row),
    add=routing_services.add_rule,
    add_words=gettext_lazy("Add rule"),
    change=routing_services.change_rule,
    remove=routing_services.remove_rule,
    remove_words=gettext_lazy("Remove"),
    affects=lambda rule: [_("Tickets it has assigned are not changed.")],
    move=routing_services.move_rule,
    is_searched=False,
)
