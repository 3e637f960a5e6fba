from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

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

    def save_model(self, request: HttpRequest, obj: Article, form: ModelForm, change: bool) -> None:
        if not change and request.user.is_authenticated:
            obj.author = request.user
        super().save_model(request, obj, form, change)
        cache.invalidate(cache.ARTICLES)

    def delete_model(self, request: HttpRequest, obj: Article) -> None:
        super().delete_model(request, obj)
        cache.invalidate(cache.ARTICLES)
