"""Template filters for the numbers and states of the status pages."""

from django import template
from django.template import Context
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from appliance.core.types import keep_together
from appliance.directory import queries as directory_queries
from appliance.mail import queries as mail_queries
from appliance.ops import web_address
from appliance.ops.charts import ROLE_LABELS

register = template.Library()
STATES = {
    "ok": _("ok"),
    "does not answer": _("does not answer"),
    "ready": _("ready"),
    "not_loaded": _("not used yet"),
    "fallback": _("replaced by an older version"),
    "refused": _("refused"),
    "missing": _("missing"),
}


@register.inclusion_tag("core/_warnings.html", takes_context=True)
def address_warnings(context: Context) -> dict[str, object]:
    """Tell admins about plain HTTP on a network and about the TLS certificate."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated or not user.is_admin:
        return {"warnings": []}
    problems = [(problem, False) for problem in web_address.list_problems()]
    return {"warnings": problems, "icon": "shield-exclamation"}


@register.inclusion_tag("core/_warnings.html", takes_context=True)
def mail_warnings(context: Context) -> dict[str, object]:
    """Tell admins about mailboxes that fail for long, and about e-mails that failed."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated or not user.is_admin:
        return {"warnings": []}
    problems = [(problem, False) for problem in mail_queries.list_problems()]
    return {"warnings": problems, "icon": "mailbox"}


@register.inclusion_tag("core/_warnings.html", takes_context=True)
def directory_warnings(context: Context) -> dict[str, object]:
    """Tell admins about directories that do not answer, and about syncs that were stopped."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated or not user.is_admin:
        return {"warnings": []}
    problems = [(problem, False) for problem in directory_queries.list_problems()]
    return {"warnings": problems, "icon": "diagram-3"}


@register.filter
def state_label(state: str) -> str:
    """Return the state of a service or bundle in words."""
    return str(STATES.get(state, state))


@register.filter
def role_label(role: str) -> str:
    """Return what the bundles of a role predict."""
    return str(ROLE_LABELS.get(role, role))


@register.filter
def share(value: float | None) -> str:
    """Return a share in per cent: 0.9987 → "99.9 %"; a dash for None."""
    return "–" if value is None else keep_together(f"{number_format(100 * value, 1)} %")


@register.filter
def number(value: float | None) -> str:
    """Return a number with its thousands grouped; a dash for None."""
    return "–" if value is None else number_format(value, force_grouping=True)


@register.filter
def ms(value: float | None) -> str:
    """Return milliseconds below a second, seconds from there on; a dash for None."""
    if value is None:
        return "–"
    if value >= 1000:
        return keep_together(f"{number_format(value / 1000, 1)} s")
    return keep_together(f"{number_format(value, 1 if value < 100 else 0)} ms")
