"""Reads on assignment rules."""

from django.db.models import QuerySet
from django.http import Http404

from appliance.accounts.models import User
from appliance.routing.models import AssignmentRule


def list_rules() -> QuerySet[AssignmentRule]:
    """In order, with what a page says of them."""
    return AssignmentRule.objects.select_related("team").prefetch_related("categories")


def access_rule(viewer: User, pk: int) -> AssignmentRule:
    """Http404 to anybody but admins."""
    rule = list_rules().filter(pk=pk).first()
    if rule is None or not viewer.is_authenticated or not viewer.is_admin:
        raise Http404
    return rule
