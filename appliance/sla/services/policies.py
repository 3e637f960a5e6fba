"""What admins promise; ``by=None`` is the box itself.

Open clocks follow in the worker, which sees that the rules are others than they came from.
"""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from appliance.accounts.models import Organisation, Team, User
from appliance.calendars.models import Calendar
from appliance.core import changes
from appliance.core.errors import BadInputError, RefusedError
from appliance.sla.models import Escalation, Measure, Policy
from appliance.tickets.models import Priority, TicketCategory

MOST_MINUTES = 366 * 24 * 60


@transaction.atomic
def add_policy(*, by: User | None, name: str, **terms: object) -> Policy:
    """A promise, last in order. ``terms`` as change_policy takes them."""
    _admins_only(by)
    last = Policy.objects.filter(is_active=True).aggregate(last=Max("position"))["last"]
    policy = Policy(position=(last or 0) + 1)
    _write(policy, name=name, **terms)
    changes.record(by=by, verb="added", subject=policy, data=_facts(policy))
    return policy


@transaction.atomic
def change_policy(*, policy: Policy, by: User | None, name: str, **terms: object) -> None:
    """All conditions and promises at once; an empty condition fits every ticket."""
    _admins_only(by)
    policy = Policy.objects.select_for_update(of=["self"]).get(pk=policy.pk)
    before = _facts(policy)
    _write(policy, name=name, **terms)
    after = _facts(policy)
    if changed := {k: [before[k], after[k]] for k in after if before[k] != after[k]}:
        changes.record(by=by, verb="changed", subject=policy, data=changed)


@transaction.atomic
def remove_policy(*, policy: Policy, by: User | None) -> None:
    """It fits no ticket any more; what was promised under it stays in the reports."""
    _admins_only(by)
    if Policy.objects.filter(pk=policy.pk, is_active=True).update(is_active=False):
        changes.record(by=by, verb="removed", subject=policy, data=_facts(policy))
    policy.is_active = False


@transaction.atomic
def move_policy(*, policy: Policy, by: User | None, up: bool) -> None:
    """One place up or down; at the end of the order nothing happens."""
    _admins_only(by)
    rows = list(Policy.objects.select_for_update().filter(is_active=True))
    old = next((n for n, row in enumerate(rows) if row.pk == policy.pk), None)
    new = None if old is None else old - 1 if up else old + 1
    if new is None or not 0 <= new < len(rows):
        return
    rows[old], rows[new] = rows[new], rows[old]
    for position, row in enumerate(rows, start=1):
        Policy.objects.filter(pk=row.pk).update(position=position)
    changes.record(by=by, verb="moved", subject=policy, data={"position": [old + 1, new + 1]})


@transaction.atomic
def add_escalation(
    *,
    policy: Policy,
    by: User | None,
    measure: Measure,
    minutes: int,
    action: Escalation.Action,
    tells: Iterable[str] = (),
    priority: Priority | None = None,
    assignee: User | None = None,
    team: Team | None = None,
) -> Escalation:
    """``minutes`` of work after the promise falls due; before it when negative."""
    _admins_only(by)
    escalation = Escalation(
        policy=policy,
        measure=measure,
        minutes=minutes,
        action=action,
        tells=sorted(tells),
        priority=priority,
        assignee=assignee,
        team=team,
    )
    _check_escalation(escalation)
    escalation.save()
    changes.record(by=by, verb="added", subject=escalation, data={"policy": policy.name})
    return escalation


@transaction.atomic
def remove_escalation(*, escalation: Escalation, by: User | None) -> None:
    _admins_only(by)
    data = {"policy": escalation.policy.name}
    changes.record(by=by, verb="removed", subject=escalation, data=data)
    escalation.delete()


def _admins_only(by: User | None) -> None:
    if by is not None and not by.is_admin:
        raise RefusedError(_("What the desk promises is set by admins."))


def _write(
    policy: Policy,
    *,
    name: str,
    answer_minutes: int | None = None,
    solution_minutes: int | None = None,
    priorities: Iterable[int] = (),
    categories: Iterable[TicketCategory] = (),
    organisations: Iterable[Organisation] = (),
    is_premium: bool | None = None,
    calendar: Calendar | None = None,
) -> None:
    _check_minutes(answer_minutes, solution_minutes)
    policy.name, policy.is_premium, policy.calendar = name, is_premium, calendar
    policy.answer_minutes, policy.solution_minutes = answer_minutes, solution_minutes
    organisations = list(organisations)
    policy.names_organisations = bool(organisations)
    policy.priorities = sorted({int(value) for value in priorities})
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        raise BadInputError(
            _("There is a policy of this name already. Choose another name."), field="name"
        ) from error
    policy.categories.set(categories)
    policy.organisations.set(organisations)


def _check_minutes(answer: int | None, solution: int | None) -> None:
    if not answer and not solution:
        raise BadInputError(
            _("This policy promises nothing. Give a time for the first answer or the solution."),
            field="answer_minutes",
        )
    for field, value in (("answer_minutes", answer), ("solution_minutes", solution)):
        if value is not None and not 0 < value <= MOST_MINUTES:
            raise BadInputError(_("Promise between one minute and one year."), field=field)
    if answer and solution and answer > solution:
        raise BadInputError(
            _("The solution is due before the first answer. Give the answer less time."),
            field="answer_minutes",
        )


def _check_escalation(escalation: Escalation) -> None:
    action, policy = escalation.action, escalation.policy
    promised = {
        Measure.ANSWER: policy.answer_minutes,
        Measure.SOLUTION: policy.solution_minutes,
    }[escalation.measure]
    if not promised:
        raise BadInputError(
            _("The policy does not promise this. Choose the other."), field="measure"
        )
    if abs(escalation.minutes) > MOST_MINUTES or -escalation.minutes >= promised:
        raise BadInputError(
            _("This is before the ticket is opened. Give less time."), field="minutes"
        )
    if action == Escalation.Action.NOTIFY and not escalation.tells:
        raise BadInputError(_("Choose whom to tell."), field="tells")
    if action == Escalation.Action.PRIORITY and not escalation.priority:
        raise BadInputError(_("Choose the priority to raise the ticket to."), field="priority")
    if action == Escalation.Action.REASSIGN and not (escalation.assignee or escalation.team):
        raise BadInputError(_("Choose the team or the person to hand it to."), field="team")


def _facts(policy: Policy) -> dict:
    return {
        "name": policy.name,
        "answer_minutes": policy.answer_minutes,
        "solution_minutes": policy.solution_minutes,
        "priorities": policy.priorities,
        "categories": [str(category) for category in policy.categories.all()],
        "organisations": [str(organisation) for organisation in policy.organisations.all()],
        "is_premium": policy.is_premium,
        "calendar": str(policy.calendar) if policy.calendar else None,
    }
