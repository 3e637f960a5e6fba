from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from appliance.core.models import SiteSettings

admin.site.site_header = admin.site.site_title = "Skerry administration"
admin.site.index_title = "Tables of this site"


class ReadOnlyAdminMixin:
    """For tables that change only through services, which record every change."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the filters of the page alone.

        Django allows any column of the table in a URL, so that a count of rows tells character by
        character what no page shows, such as the hash of a password or of a secret link.
        """
        filters = [*getattr(self, "list_filter", ()), getattr(self, "date_hierarchy", None)]
        names = [name for name in filters if isinstance(name, str)]
        return any(lookup == name or lookup.startswith(f"{name}__") for name in names)


@admin.register(SiteSettings)
class SiteSettingsAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["name", "set_up_at"]
