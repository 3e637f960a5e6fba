from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group

from appliance.accounts.models import Customer, User

admin.site.unregister(Group)  # the role says what a person may do


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ["email"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    add_form = NewUserForm
    list_display = ["email", "first_name", "last_name", "role", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "first_name", "last_name"]
    ordering = ["email"]
    readonly_fields = ["last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["email", "password", "first_name", "last_name", "role", "is_active"]}),
        ("Dates", {"fields": ["last_login", "created_at"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["email", "first_name", "last_name", "role", "usable_password",
                           "password1", "password2"],
            },
        ),
    ]  # fmt: skip

    def has_delete_permission(self, request, obj=None) -> bool:
        return False  # deactivated instead: their work stays


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ["email", "first_name", "last_name", "organisation", "is_premium", "user"]
    list_filter = ["is_premium"]
    search_fields = ["email", "first_name", "last_name", "organisation__name"]
    ordering = ["last_name", "first_name"]
    autocomplete_fields = ["user"]
    readonly_fields = ["created_at"]

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
