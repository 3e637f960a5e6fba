"""Writes to the site settings."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.choices import is_language, is_time_zone
from appliance.accounts.models import Right, User
from appliance.accounts.permissions import require_admin
from appliance.core import cache
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError
from appliance.core.languages import sort_languages
from appliance.core.models import SiteSettings

MAX_CLOSE_AFTER_DAYS, MAX_ATTACHMENT_MB = 365, 100
MAX_IDLE_MINUTES = 12 * 60  # a session lasts no longer in any case


class SiteSettingsFields(TypedDict, total=False):
    """The fields of the site settings that an admin may change."""

    name: str
    logo_id: UUID | None
    language: str
    time_zone: str
    languages: list[str]
    is_registration_open: bool
    is_guest_form_open: bool
    is_knowledge_public: bool
    is_rating_enabled: bool
    close_solved_after_days: int | None
    is_assigned_on_reply: bool
    max_attachment_mb: int
    agent_rights: list[str]
    second_factor: str
    agent_idle_minutes: int
    customer_idle_minutes: int


@transaction.atomic
def update_site_settings(*, by: User, **fields: Unpack[SiteSettingsFields]) -> SiteSettings:
    """Change some of the site settings; what differs is recorded.

    Raises BadInputError with the name of the field for an invalid value.
    """
    require_admin(by)
    if unknown := fields.keys() - SiteSettingsFields.__optional_keys__:
        raise TypeError(f"no such field: {unknown}")
    settings, _created = SiteSettings.objects.select_for_update().get_or_create(pk=1)
    if update_fields(settings, by=by, duplicate_error=None, **_validate(fields)):
        cache.invalidate(cache.SITE_SETTINGS)
    return settings


@transaction.atomic
def store_site_url(url: str) -> None:
    """Keep the URL with which the desk was started; e-mails link to it on every machine."""
    settings, _created = SiteSettings.objects.select_for_update().get_or_create(pk=1)
    if update_fields(settings, by=None, base_url=url):
        cache.invalidate(cache.SITE_SETTINGS)


def _validate(fields: Mapping[str, object]) -> dict[str, object]:
    validators: dict[str, Callable[[Any], object]] = {
        "name": _validate_name,
        "language": _validate_language,
        "time_zone": _validate_time_zone,
        "languages": _validate_languages,
        "close_solved_after_days": _validate_close_after,
        "max_attachment_mb": _validate_attachment_limit,
        "agent_rights": _validate_agent_rights,
        "agent_idle_minutes": lambda value: _validate_idle_minutes(value, "agent_idle_minutes"),
        "customer_idle_minutes": lambda value: _validate_idle_minutes(
            value, "customer_idle_minutes"
        ),
    }
    return {
        name: validators[name](value) if name in validators else value
        for name, value in fields.items()
    }


def _validate_name(value: str) -> str:
    if not value.strip():
        raise BadInputError(_("Enter a name for the help desk."), field="name")
    return value.strip()


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


def _validate_languages(value: list[str]) -> list[str]:
    languages = sort_languages(value)
    if not languages or len(languages) < len(set(value)):
        raise BadInputError(_("Choose at least one language from the list."), field="languages")
    return languages


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


def _validate_idle_minutes(value: int, field: str) -> int:
    if not 0 <= value <= MAX_IDLE_MINUTES:
        raise BadInputError(
            _("Enter 1 to %(most)d minutes, or 0 to switch this off.") % {"most": MAX_IDLE_MINUTES},
            field=field,
        )
    return value
