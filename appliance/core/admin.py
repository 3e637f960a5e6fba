from django.contrib import admin

from appliance.core.models import Desk

admin.site.site_header = admin.site.site_title = "Skerry administration"
admin.site.index_title = "Tables of this desk"


class ReadOnly:
    """For tables that change only through services, where every change leaves its trace."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Desk)
class DeskAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "set_up_at"]
