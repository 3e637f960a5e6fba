from django.contrib import admin

from appliance.core.admin import ReadOnlyAdminMixin
from appliance.tickets.models import (
    Attachment,
    CustomField,
    Event,
    Message,
    Rating,
    Tag,
    Ticket,
    TicketCategory,
    TicketLink,
)


class MessageInline(ReadOnlyAdminMixin, admin.TabularInline):
    model = Message
    fields = readonly_fields = ("created_at", "author_name", "kind", "body")
    extra = 0


class EventInline(ReadOnlyAdminMixin, admin.TabularInline):
    model = Event
    fields = readonly_fields = ("at", "actor_name", "kind", "data")
    extra = 0


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = [
        "number",
        "subject",
        "customer",
        "status",
        "priority",
        "category",
        "assignee",
        "sentiment_score",
        "created_at",
    ]
    list_filter = ["status", "priority", "category"]
    list_select_related = ["customer", "category", "assignee"]
    search_fields = ["subject", "customer__email"]
    date_hierarchy = "created_at"
    exclude = ["search_vector", "guest_token_sha256"]
    inlines = [MessageInline, EventInline]
    show_full_result_count = False


@admin.register(TicketCategory)
class TicketCategoryAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["name", "slug", "position", "is_active"]
    search_fields = ["name", "slug"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["at", "ticket", "actor_name", "kind", "data"]
    list_filter = ["kind"]
    list_select_related = ["ticket"]
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(Message)
class MessageAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["created_at", "ticket", "author_name", "kind"]
    list_filter = ["kind", "is_from_customer"]
    list_select_related = ["ticket"]
    search_fields = ["body"]
    show_full_result_count = False


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["at", "ticket", "message", "file"]
    list_select_related = ["ticket", "message", "file"]
    show_full_result_count = False


@admin.register(TicketLink)
class TicketLinkAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["created_at", "source", "kind", "target", "created_by"]
    list_filter = ["kind"]
    list_select_related = ["source", "target", "created_by"]


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["at", "ticket", "is_good", "comment"]
    list_filter = ["is_good"]
    list_select_related = ["ticket"]


@admin.register(Tag)
class TagAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["name"]
    search_fields = ["name"]


@admin.register(CustomField)
class CustomFieldAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["label", "key", "kind", "is_required", "is_for_customers", "is_active"]
    list_filter = ["kind", "is_active"]
