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


@admin.register(SiteSettings)
class SiteSettingsAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["name", "set_up_at"]
