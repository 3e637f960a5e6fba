import axes.admin  # noqa: F401  registers its tables
import django.contrib.auth.admin  # noqa: F401  registers Group
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group

from appliance.accounts.models import Customer, User
from appliance.core.admin import ReadOnlyAdminMixin

admin.site.unregister(Group)  # roles replace groups
admin.site.unregister([AccessAttempt, AccessFailureLog, AccessLog])


@admin.register(AccessAttempt, AccessFailureLog, AccessLog)
class AccessAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Log-ins, read-only: nobody removes the traces of failed ones."""

    list_display = ["attempt_time", "username", "ip_address", "user_agent", "path_info"]
    search_fields = ["username", "ip_address"]
    date_hierarchy = "attempt_time"
    exclude = ["get_data", "post_data"]
    ordering = ["-attempt_time"]


@admin.register(User)
class UserAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Read-only: users are changed below /manage/, which protects the last admin."""

    list_display = ["email", "first_name", "last_name", "role", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "first_name", "last_name"]
    ordering = ["email"]
    exclude = ["password", "session_epoch", "user_permissions", "groups"]


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["email", "first_name", "last_name", "organisation", "is_premium", "user"]
    list_filter = ["is_premium"]
    search_fields = ["email", "first_name", "last_name", "organisation__name"]
    ordering = ["last_name", "first_name"]
