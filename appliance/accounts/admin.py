import allauth.account.admin
import allauth.mfa.admin  # noqa: F401
import django.contrib.auth.admin  # noqa: F401  registers Group
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group

from appliance.accounts.models import Customer, LoginAttempt, User
from appliance.core.admin import ReadOnlyAdminMixin

admin.site.unregister(Group)  # roles replace groups
admin.site.unregister(EmailAddress)  # empty: see decision 30
admin.site.unregister(Authenticator)  # secrets; an admin resets them below /manage/


@admin.register(LoginAttempt)
class LoginAttemptAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Log-ins, read-only: nobody removes the traces of failed ones."""

    list_display = ["created_at", "name", "is_successful", "ip_address", "user_agent"]
    list_filter = ["is_successful"]
    search_fields = ["name", "ip_address"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]


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
