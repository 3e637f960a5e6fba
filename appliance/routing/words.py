"""What a rule says, in words."""

from django.utils.translation import gettext as _

from appliance.routing.models import AssignmentRule
from appliance.tickets.models import Priority


def describe_rule(rule: AssignmentRule) -> list[str]:
    """Which tickets it fits; asks for the categories unless they are prefetched."""
    said = [", ".join(str(category) for category in rule.categories.all())]
    said += [", ".join(str(Priority(value).label) for value in rule.priorities)]
    if rule.is_premium is not None:
        said.append(_("premium customers") if rule.is_premium else _("not premium"))
    return [words for words in said if words] or [_("every ticket")]
