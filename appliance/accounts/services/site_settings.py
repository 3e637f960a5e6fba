"""Writes to the site settings."""

from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.choices import is_language, is_time_zone
from appliance.accounts.models import Right, User
from appliance.accounts.permissions import require_admin
from appliance.core import cache
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError
from appliance.core.models import SiteSettings

EDITABLE_FIELDS = {
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
MAX_CLOSE_AFTER_DAYS, MAX_ATTACHMENT_MB = 365, 100


@transaction.atomic
def update_site_settings(*, by: User, **values: object) -> SiteSettings:
    """Change some of EDITABLE_FIELDS; what differs is recorded.

    Raises BadInputError with the name of the field for an invalid value.
    """
    require_admin(by)
    if unknown := set(values) - EDITABLE_FIELDS:
        raise TypeError(f"no such field: {unknown}")
    values = {name: _validate(name, value) for name, value in values.items()}
    row, _created = SiteSettings.objects.select_for_update().get_or_create(pk=1)
    if update_fields(row, by=by, **values):
        cache.invalidate(cache.SITE_SETTINGS)
    return row


def _validate(name: str, value: object) -> object:
    validator = _VALIDATORS.get(name)
    return validator(value) if validator else value


def _validate_name(value: str) -> str:
    if not value.strip():
        raise BadInputError(_("Enter a name for the help desk."), field="name")
    return value.strip()


def _validate_base_url(value: str) -> str:
    value = value.strip().rstrip("/")
    if value and not _is_http_url(value):
        raise BadInputError(
            _("Enter the full address, for example http://desk.example:8000"), field="base_url"
        )
    return value


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:  # an IPv6 address that is not closed
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query


def _validate_language(value: str) -> str:
    if not is_language(value):
        raise BadInputError(
            _("This language is not available. Choose another one."), field="language"
        )
    return value


def _validate_time_zone(value: str) -> str:
    if not is_time_zone(value):
        raise BadInputError(_("Choose a time zone from the list."), field="time_zone")
    return value


def _validate_close_after(value: int | None) -> int | None:
    if value is not None and not 1 <= value <= MAX_CLOSE_AFTER_DAYS:
        raise BadInputError(
            _("Enter 1 to %(most)d days, or leave the field empty.")
            % {"most": MAX_CLOSE_AFTER_DAYS},
            field="close_solved_after_days",
        )
    return value


def _validate_attachment_limit(value: int) -> int:
    if not 1 <= value <= MAX_ATTACHMENT_MB:
        raise BadInputError(
            _("Enter 1 to %(most)d MB.") % {"most": MAX_ATTACHMENT_MB}, field="max_attachment_mb"
        )
    return value


def _validate_agent_rights(value: list[str]) -> list[str]:
    if set(value) - set(Right.values):
        raise BadInputError(
            _("This permission does not exist. Reload the page."), field="agent_rights"
        )
    return [right for right in Right.values if right in value]


_VALIDATORS = {
    "name": _validate_name,
    "base_url": _validate_base_url,
    "language": _validate_language,
    "time_zone": _validate_time_zone,
    "close_solved_after_days": _validate_close_after,
    "max_attachment_mb": _validate_attachment_limit,
    "agent_rights": _validate_agent_rights,
}
