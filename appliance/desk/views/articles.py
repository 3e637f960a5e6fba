"""Articles: read, written, edited."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from appliance.accounts.models import Right
from appliance.accounts.queries import has_right
from appliance.desk.access import readers_only, with_right
from appliance.knowledge import queries, services
from appliance.knowledge.forms import ArticleFilterForm, ArticleForm
from appliance.knowledge.models import Article
from appliance.tickets import queries as tickets
from appliance.triage import services as sorting

PAGE_SIZE = 50


@require_safe
@readers_only
def index(request: HttpRequest) -> HttpResponse:
    narrowed = ArticleFilterForm(request.GET).narrowed()
    articles = queries.list_articles(request.user, **narrowed)
    page = Paginator(articles, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "articles": page.object_list,
        "page": page,
        "categories": tickets.list_categories(),
        "may_write": has_right(request.user, Right.ARTICLES),
        **narrowed,
    }
    return render(request, "desk/articles.html", context)


@require_safe
@readers_only
def show(request: HttpRequest, article_id: int) -> HttpResponse:
    article = queries.access_article(request.user, article_id)
    context = {"article": article, "may_write": has_right(request.user, Right.ARTICLES)}
    return render(request, "desk/article.html", context)


@require_http_methods(["GET", "POST"])
@with_right(Right.ARTICLES)
def write(request: HttpRequest) -> HttpResponse:
    form = ArticleForm(request.POST or None, initial={"status": Article.Status.PUBLISHED})
    if form.is_valid():
        names = ("title", "content", "category", "status")
        article = services.write_article(
            by=request.user, **{name: form.cleaned_data[name] for name in names}
        )
        return _saved(request, article)
    return _form(request, form)


@require_http_methods(["GET", "POST"])
@with_right(Right.ARTICLES)
def edit(request: HttpRequest, article_id: int) -> HttpResponse:
    article = queries.access_article(request.user, article_id)
    initial = {
        "title": article.title,
        "content": article.content,
        "category": article.category_id,
        "status": article.status,
        "seen_at": article.updated_at.isoformat(),
    }
    form = ArticleForm(request.POST or None, initial=initial)
    if form.is_valid():
        form.attempt(services.edit_article, article=article, by=request.user, **form.cleaned_data)
        if not form.errors:
            return _saved(request, article)
    return _form(request, form, article)


def _form(request: HttpRequest, form: ArticleForm, article: Article | None = None) -> HttpResponse:
    context = {"form": form, "article": article}
    return render(request, "desk/article_form.html", context, status=400 if form.errors else 200)


def _saved(request: HttpRequest, article: Article) -> HttpResponse:
    sorting.queue_article(article)
    messages.success(request, "The article is saved.")
    return redirect("article", article.pk)
