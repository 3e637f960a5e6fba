from django.contrib import admin
from django.http import HttpRequest

from appliance.core.admin import ReadOnlyAdminMixin
from appliance.triage.models import AnnotationLease, Correction, Passage, Prediction


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["ticket", "kind", "label", "confidence", "bundle_name", "bundle_version"]
    list_filter = ["kind", "label", "bundle_name", "bundle_version"]
    list_select_related = ["ticket"]
    show_full_result_count = False


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["created_at", "ticket", "predicted", "category", "by"]
    list_filter = ["predicted", "category"]
    list_select_related = ["ticket", "category", "by"]
    date_hierarchy = "created_at"


@admin.register(Passage)
class PassageAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["article", "position", "text", "space"]
    list_filter = ["space"]
    list_select_related = ["article"]
    exclude = ["vector"]
    show_full_result_count = False


@admin.register(AnnotationLease)
class LeaseAdmin(admin.ModelAdmin):
    """Leases may only be deleted, which makes their texts pending again."""

    list_display = [field.name for field in AnnotationLease._meta.fields if field.name != "id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: AnnotationLease | None = None
    ) -> bool:
        return False
