from django.contrib import admin

from appliance.core import cache
from appliance.knowledge.models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    list_display = ["title", "category", "status", "author", "updated_at"]
    list_filter = ["status", "category"]
    list_select_related = ["category", "author"]
    search_fields = ["title"]
    readonly_fields = ["created_at", "updated_at", "author"]
    exclude = ["search_vector"]

    def save_model(self, request, obj, form, change) -> None:
        if not change:
            obj.author = request.user
        super().save_model(request, obj, form, change)
        cache.invalidate(cache.ARTICLES)

    def delete_model(self, request, obj) -> None:
        super().delete_model(request, obj)
        cache.invalidate(cache.ARTICLES)
