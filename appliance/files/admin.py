from django.contrib import admin

from appliance.core.admin import ReadOnlyAdminMixin
from appliance.files.models import StoredFile


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["uploaded_at", "name", "content_type", "size", "uploaded_by"]
    list_select_related = ["uploaded_by"]
    search_fields = ["name"]
    date_hierarchy = "uploaded_at"
    show_full_result_count = False
