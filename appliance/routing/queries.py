"""Reads on assignment rules, and their conditions as text."""

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.routing.models import AssignmentRule
from appliance.tickets.models import Priority


def describe_rule(rule: AssignmentRule) -> list[str]:
    """Return the conditions of a rule; queries the categories unless prefetched."""
    conditions = [", ".join(str(category) for category in rule.categories.all())]
    conditions += [", ".join(str(Priority(value).label) for value in rule.priorities)]
    if rule.is_premium is not None:
        conditions.append(_("VIP customers") if rule.is_premium else _("not VIP"))
    return [text for text in conditions if text] or [_("all tickets")]


def list_rules() -> QuerySet[AssignmentRule]:
    """Return the rules in order, with everything their list page shows."""
    return AssignmentRule.objects.select_related("team").prefetch_related("categories")


def access_rule(viewer: User, pk: int) -> AssignmentRule:
    """Return a rule; Http404 except to admins."""
    rule = list_rules().filter(pk=pk).first()
    if rule is None or not viewer.is_authenticated or not viewer.is_admin:
        raise Http404
    return rule
