"""Verbs on the desk's own rules."""

from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.choices import is_language, is_time_zone
from appliance.accounts.models import Right, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import field_changes
from appliance.core.errors import BadInputError
from appliance.core.models import SiteSettings

RULES = {
    "name",
    "logo_id",
    "base_url",
    "language",
    "time_zone",
    "is_registration_open",
    "is_guest_form_open",
    "is_knowledge_public",
    "is_rating_enabled",
    "close_solved_after_days",
    "max_attachment_mb",
    "agent_rights",
}
MOST_DAYS, MOST_MB = 365, 100


@transaction.atomic
def update_site_settings(*, by: User, **rules: object) -> SiteSettings:
    """Any of RULES. Raises BadInputError, with the name of the rule, for what makes no sense."""
    require_admin(by)
    if unknown := set(rules) - RULES:
        raise TypeError(f"no such rule: {unknown}")
    rules = {name: _checked(name, value) for name, value in rules.items()}
    desk, _made = SiteSettings.objects.select_for_update().get_or_create(pk=1)
    before = {name: getattr(desk, name) for name in rules}
    changed = {name: value for name, value in rules.items() if before[name] != value}
    if changed:
        for name, value in changed.items():
            setattr(desk, name, value)
        desk.save(update_fields=list(changed))
        data = field_changes(before, changed)
        audit.record_change(by=by, verb="changed", subject=desk, data=data)
        cache.invalidate(cache.SITE_SETTINGS)
    return desk


def _checked(name: str, value: object) -> object:
    check = _CHECKS.get(name)
    return check(value) if check else value


def _name(value: str) -> str:
    if not value.strip():
        raise BadInputError(_("Enter a name for the help desk."), field="name")
    return value.strip()


def _base_url(value: str) -> str:
    value = value.strip().rstrip("/")
    if value and not _is_address(value):
        raise BadInputError(
            _("Enter the full address, for example http://desk.example:8000"), field="base_url"
        )
    return value


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:  # an IPv6 address that is not closed
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query


def _language(value: str) -> str:
    if not is_language(value):
        raise BadInputError(_("This language is not available. Choose another one."), field="language")
    return value


def _time_zone(value: str) -> str:
    if not is_time_zone(value):
        raise BadInputError(_("Choose a time zone from the list."), field="time_zone")
    return value


def _close_after(value: int | None) -> int | None:
    if value is not None and not 1 <= value <= MOST_DAYS:
        raise BadInputError(
            _("Enter 1 to %(most)d days, or leave the field empty.") % {"most": MOST_DAYS},
            field="close_solved_after_days",
        )
    return value


def _attachment_limit(value: int) -> int:
    if not 1 <= value <= MOST_MB:
        raise BadInputError(
            _("Enter 1 to %(most)d MB.") % {"most": MOST_MB}, field="max_attachment_mb"
        )
    return value


def _agent_rights(value: list[str]) -> list[str]:
    if set(value) - set(Right.values):
        raise BadInputError(_("This permission does not exist. Reload the page."), field="agent_rights")
    return [right for right in Right.values if right in value]


_CHECKS = {
    "name": _name,
    "base_url": _base_url,
    "language": _language,
    "time_zone": _time_zone,
    "close_solved_after_days": _close_after,
    "max_attachment_mb": _attachment_limit,
    "agent_rights": _agent_rights,
}
