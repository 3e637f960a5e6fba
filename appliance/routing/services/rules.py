"""The rules, as admins set them; ``by=None`` is the box itself.

They count for tickets opened or sorted from then on.
"""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from appliance.accounts.models import Team, User
from appliance.core import changes
from appliance.core.errors import BadInputError, RefusedError
from appliance.routing.models import AssignmentRule
from appliance.tickets.models import TicketCategory


@transaction.atomic
def add_rule(*, by: User | None, **terms: object) -> AssignmentRule:
    """A rule, last in order. ``terms`` as change_rule takes them."""
    _admins_only(by)
    last = AssignmentRule.objects.aggregate(last=Max("position"))["last"]
    rule = AssignmentRule(position=(last or 0) + 1)
    _write(rule, **terms)
    changes.record(by=by, verb="added", subject=rule, data=_facts(rule))
    return rule


@transaction.atomic
def change_rule(*, rule: AssignmentRule, by: User | None, **terms: object) -> None:
    """name, team, way, categories, priorities and is_premium, all at once."""
    _admins_only(by)
    rule = AssignmentRule.objects.select_for_update(of=["self"]).get(pk=rule.pk)
    before = _facts(rule)
    _write(rule, **terms)
    after = _facts(rule)
    if changed := {k: [before[k], after[k]] for k in after if before[k] != after[k]}:
        changes.record(by=by, verb="changed", subject=rule, data=changed)


@transaction.atomic
def remove_rule(*, rule: AssignmentRule, by: User | None) -> None:
    """Tickets stay where it put them."""
    _admins_only(by)
    changes.record(by=by, verb="removed", subject=rule, data=_facts(rule))
    rule.delete()


@transaction.atomic
def move_rule(*, rule: AssignmentRule, by: User | None, up: bool) -> None:
    """One place up or down; at the end of the order nothing happens."""
    _admins_only(by)
    rows = list(AssignmentRule.objects.select_for_update())
    old = next((n for n, row in enumerate(rows) if row.pk == rule.pk), None)
    new = None if old is None else old - 1 if up else old + 1
    if new is None or not 0 <= new < len(rows):
        return
    rows[old], rows[new] = rows[new], rows[old]
    for position, row in enumerate(rows, start=1):
        AssignmentRule.objects.filter(pk=row.pk).update(position=position)
    changes.record(by=by, verb="moved", subject=rule, data={"position": [old + 1, new + 1]})


def _admins_only(by: User | None) -> None:
    if by is not None and not by.is_admin:
        raise RefusedError(_("Who gets new tickets is set by admins."))


def _write(
    rule: AssignmentRule,
    *,
    name: str,
    team: Team,
    way: AssignmentRule.Way,
    categories: Iterable[TicketCategory] = (),
    priorities: Iterable[int] = (),
    is_premium: bool | None = None,
) -> None:
    if not team.is_active:
        raise BadInputError(
            _("The team %(name)s is switched off. Choose another.") % {"name": team}, field="team"
        )
    rule.name, rule.team, rule.way, rule.is_premium = name, team, way, is_premium
    rule.priorities = sorted({int(value) for value in priorities})
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as error:
        raise BadInputError(
            _("There is a rule of this name already. Choose another name."), field="name"
        ) from error
    rule.categories.set(categories)


def _facts(rule: AssignmentRule) -> dict:
    return {
        "name": rule.name,
        "team": str(rule.team),
        "way": rule.way,
        "categories": [str(category) for category in rule.categories.all()],
        "priorities": rule.priorities,
        "is_premium": rule.is_premium,
    }
