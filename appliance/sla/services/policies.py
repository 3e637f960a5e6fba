"""Writes on SLA policies and escalations. Admins only; ``by=None`` is the system.

The worker then recomputes open timers, because the digest of the policies has changed.
"""

from collections.abc import Iterable
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from appliance.accounts.models import Organisation, Team, User
from appliance.core import audit
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.sla.models import BusinessHours, Escalation, SlaMetric, SlaPolicy
from appliance.tickets.models import Priority, TicketCategory

MAX_MINUTES = 366 * 24 * 60


class PolicyFields(TypedDict, total=False):
    """Targets and conditions of a policy; what is absent is no target, or matches any ticket."""

    first_response_minutes: int | None
    resolution_minutes: int | None
    priorities: Iterable[int]
    categories: Iterable[TicketCategory]
    organisations: Iterable[Organisation]
    is_premium: bool | None
    business_hours: BusinessHours | None


@transaction.atomic
def add_policy(*, by: User | None, name: str, **fields: Unpack[PolicyFields]) -> SlaPolicy:
    """Add a policy at the end of the order."""
    _admins_only(by)
    last = SlaPolicy.objects.filter(is_active=True).aggregate(last=Max("position"))["last"]
    policy = SlaPolicy(position=(last or 0) + 1)
    _write(policy, name=name, **fields)
    audit.record_change(by=by, verb="added", subject=policy, data=_audit_data(policy))
    return policy


@transaction.atomic
def change_policy(
    *, policy: SlaPolicy, by: User | None, name: str, **fields: Unpack[PolicyFields]
) -> None:
    """Replace all conditions and targets; an empty condition matches every ticket."""
    _admins_only(by)
    policy = SlaPolicy.objects.select_for_update(of=["self"]).get(pk=policy.pk)
    before = _audit_data(policy)
    _write(policy, name=name, **fields)
    after = _audit_data(policy)
    if changes := {key: [before[key], after[key]] for key in after if before[key] != after[key]}:
        audit.record_change(by=by, verb="changed", subject=policy, data=changes)


@transaction.atomic
def remove_policy(*, policy: SlaPolicy, by: User | None) -> None:
    """Deactivate the policy; reports on earlier tickets keep it."""
    _admins_only(by)
    if SlaPolicy.objects.filter(pk=policy.pk, is_active=True).update(is_active=False):
        audit.record_change(by=by, verb="removed", subject=policy, data=_audit_data(policy))
    policy.is_active = False


@transaction.atomic
def move_policy(*, policy: SlaPolicy, by: User | None, up: bool) -> None:
    """Move the policy one place up or down; a no-op at the end of the order."""
    _admins_only(by)
    order = list(
        SlaPolicy.objects.select_for_update().filter(is_active=True).values_list("pk", flat=True)
    )
    old = order.index(policy.pk) if policy.pk in order else -1
    new = old - 1 if up else old + 1
    if old < 0 or not 0 <= new < len(order):
        return
    order[old], order[new] = order[new], order[old]
    for position, pk in enumerate(order, start=1):
        SlaPolicy.objects.filter(pk=pk).update(position=position)
    audit.record_change(by=by, verb="moved", subject=policy, data={"position": [old + 1, new + 1]})


@transaction.atomic
def add_escalation(
    *,
    policy: SlaPolicy,
    by: User | None,
    metric: SlaMetric,
    minutes: int,
    action: Escalation.Action,
    recipients: Iterable[str] = (),
    priority: Priority | None = None,
    assignee: User | None = None,
    team: Team | None = None,
) -> Escalation:
    """Add an escalation ``minutes`` of business time after the target is due (negative: before)."""
    _admins_only(by)
    escalation = Escalation(
        policy=policy,
        metric=metric,
        minutes=minutes,
        action=action,
        recipients=sorted(recipients),
        priority=priority,
        assignee=assignee,
        team=team,
    )
    _check_escalation(escalation)
    escalation.save()
    audit.record_change(by=by, verb="added", subject=escalation, data={"policy": policy.name})
    return escalation


@transaction.atomic
def remove_escalation(*, escalation: Escalation, by: User | None) -> None:
    """Delete an escalation, with what is scheduled of it."""
    _admins_only(by)
    data = {"policy": escalation.policy.name}
    audit.record_change(by=by, verb="removed", subject=escalation, data=data)
    escalation.delete()


def _admins_only(by: User | None) -> None:
    if by is not None and not by.is_admin:
        raise ForbiddenError(_("Only administrators can change SLA policies."))


def _write(
    policy: SlaPolicy,
    *,
    name: str,
    first_response_minutes: int | None = None,
    resolution_minutes: int | None = None,
    priorities: Iterable[int] = (),
    categories: Iterable[TicketCategory] = (),
    organisations: Iterable[Organisation] = (),
    is_premium: bool | None = None,
    business_hours: BusinessHours | None = None,
) -> None:
    _check_minutes(first_response_minutes, resolution_minutes)
    policy.name, policy.is_premium, policy.business_hours = name, is_premium, business_hours
    policy.first_response_minutes, policy.resolution_minutes = (
        first_response_minutes,
        resolution_minutes,
    )
    organisations = list(organisations)
    policy.names_organisations = bool(organisations)
    policy.priorities = sorted({int(value) for value in priorities})
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        raise BadInputError(
            _("An SLA policy with this name already exists. Choose another name."), field="name"
        ) from error
    policy.categories.set(categories)
    policy.organisations.set(organisations)


def _check_minutes(first_response: int | None, resolution: int | None) -> None:
    if not first_response and not resolution:
        raise BadInputError(
            _("This SLA policy has no target. Enter a time for first response or resolution."),
            field="first_response_minutes",
        )
    for field, minutes in (
        ("first_response_minutes", first_response),
        ("resolution_minutes", resolution),
    ):
        if minutes is not None and not 0 < minutes <= MAX_MINUTES:
            raise BadInputError(_("Enter a time between one minute and one year."), field=field)
    if first_response and resolution and first_response > resolution:
        raise BadInputError(
            _(
                "Resolution would be due before first response. Enter a shorter first "
                "response time."
            ),
            field="first_response_minutes",
        )


def _check_escalation(escalation: Escalation) -> None:
    action, policy = escalation.action, escalation.policy
    target = {
        SlaMetric.FIRST_RESPONSE: policy.first_response_minutes,
        SlaMetric.RESOLUTION: policy.resolution_minutes,
    }[SlaMetric(escalation.metric)]
    if not target:
        raise BadInputError(
            _("The SLA policy does not include this target. Choose the other one."), field="metric"
        )
    if abs(escalation.minutes) > MAX_MINUTES or -escalation.minutes >= target:
        raise BadInputError(
            _("This would be before the ticket is created. Enter a shorter time."), field="minutes"
        )
    if action == Escalation.Action.NOTIFY and not escalation.recipients:
        raise BadInputError(_("Choose who to notify."), field="recipients")
    if action == Escalation.Action.PRIORITY and not escalation.priority:
        raise BadInputError(_("Choose the new priority."), field="priority")
    if action == Escalation.Action.REASSIGN and not (escalation.assignee or escalation.team):
        raise BadInputError(_("Choose the team or agent to assign the ticket to."), field="team")


def _audit_data(policy: SlaPolicy) -> dict[str, object]:
    return {
        "name": policy.name,
        "first_response_minutes": policy.first_response_minutes,
        "resolution_minutes": policy.resolution_minutes,
        "priorities": policy.priorities,
        "categories": [str(category) for category in policy.categories.all()],
        "organisations": [str(organisation) for organisation in policy.organisations.all()],
        "is_premium": policy.is_premium,
        "business_hours": str(policy.business_hours) if policy.business_hours else None,
    }
