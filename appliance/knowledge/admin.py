from django.contrib import admin

from appliance.core.admin import ReadOnlyAdminMixin
from appliance.knowledge.models import Article


@admin.register(Article)
class ArticleAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    list_display = ["title", "category", "status", "author", "updated_at"]
    list_filter = ["status", "category"]
    list_select_related = ["category", "author"]
    search_fields = ["title"]
    exclude = ["search_vector"]
