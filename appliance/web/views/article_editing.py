"""Articles as they are written: edited, moved along, compared, restored, brought in, taken out."""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.models import Right
from appliance.accounts.permissions import AuthenticatedRequest, agents_only, with_right
from appliance.core.types import read_number
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.diffs import compare_texts
from appliance.knowledge.forms import (
    ArticleFilterForm,
    ArticleForm,
    CompareForm,
    ImportForm,
    MoveForm,
    RestoreForm,
)
from appliance.knowledge.models import Article
from appliance.triage import services as triage_services

VERBS = {
    "submit": knowledge_services.submit_for_review,
    "publish": knowledge_services.publish_article,
    "archive": knowledge_services.archive_article,
    "reopen": knowledge_services.reopen_article,
}


@require_http_methods(["GET", "POST"])
@with_right(Right.ARTICLES)
def write(request: AuthenticatedRequest) -> HttpResponse:
    initial = {
        "status": Article.Status.PUBLISHED,
        "audience": Article.Audience.PUBLIC,
        "owner": request.user.pk,
    }
    form = ArticleForm(request.POST or None, request.FILES or None, initial=initial)
    if form.is_valid():
        article = form.attempt(
            knowledge_services.write_article, by=request.user, **form.article_values()
        )
        if article:
            return _saved(request, article)
    return _form(request, form)


@require_http_methods(["GET", "POST"])
@with_right(Right.ARTICLES)
def edit(request: AuthenticatedRequest, article_id: int) -> HttpResponse:
    article = knowledge_queries.access_article(request.user, article_id)
    form = ArticleForm(
        request.POST or None,
        request.FILES or None,
        initial=ArticleForm.initial_of(article),
        article=article,
    )
    if form.is_valid():
        values = {name: form.cleaned_data[name] for name in ("seen_at", "drop")}
        form.attempt(
            knowledge_services.edit_article,
            article=article,
            by=request.user,
            **values,
            **form.article_values(),
        )
        if not form.errors:
            return _saved(request, article)
    return _form(request, form, article)


@require_POST
@with_right(Right.ARTICLES)
def move(request: AuthenticatedRequest, article_id: int) -> HttpResponse:
    """One step along its life."""
    article = knowledge_queries.access_article(request.user, article_id)
    form = MoveForm(request.POST)
    if form.is_valid():
        form.attempt(VERBS[form.cleaned_data["verb"]], article=article, by=request.user)
    if form.errors:
        messages.error(request, " ".join(error for all in form.errors.values() for error in all))
    else:
        triage_services.queue_article(article)
        text = _("Status of “%(title)s”: %(state)s.")
        words = {"title": article.title, "state": article.get_status_display()}
        messages.success(request, text % words)
    return redirect("article", article.pk)


@require_safe
@agents_only
def history(request: AuthenticatedRequest, article_id: int) -> HttpResponse:
    article = knowledge_queries.access_article(request.user, article_id)
    context = {
        "article": article,
        "versions": knowledge_queries.list_versions(request.user, article)[:200],
        "changes": knowledge_queries.list_changes(request.user, article),
    }
    return render(request, "web/article_history.html", context)


@require_safe
@agents_only
def versions(request: AuthenticatedRequest, article_id: int) -> HttpResponse:
    """Two versions beside each other."""
    article = knowledge_queries.access_article(request.user, article_id)
    old, new = CompareForm(request.GET).numbers(article.version)
    before = knowledge_queries.access_version(request.user, article, old)
    after = knowledge_queries.access_version(request.user, article, new)
    context = {
        "article": article,
        "before": before,
        "after": after,
        "versions": knowledge_queries.list_versions(request.user, article)[:200],
        "title_rows": compare_texts(before.title, after.title),
        "rows": compare_texts(before.content, after.content),
        "may_restore": before.number != article.version and request.user.is_agent,
    }
    return render(request, "web/article_versions.html", context)


@require_POST
@with_right(Right.ARTICLES)
def restore(request: AuthenticatedRequest, article_id: int) -> HttpResponse:
    article = knowledge_queries.access_article(request.user, article_id)
    form = RestoreForm(request.POST)
    if form.is_valid():
        number = form.cleaned_data["number"]
        form.attempt(
            knowledge_services.restore_version, article=article, by=request.user, number=number
        )
    if form.errors:
        messages.error(request, _("This version does not exist. Reload the page."))
        return redirect("article-history", article.pk)
    return _saved(request, article)


@require_http_methods(["GET", "POST"])
@with_right(Right.ARTICLES)
def import_articles(request: AuthenticatedRequest) -> HttpResponse:
    """First what would happen, then, with the same file, let it happen."""
    if pending_id := request.POST.get("pending", ""):
        return _apply(request, pending_id)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    context = {"form": form}
    if form.is_valid() and (
        checked := form.attempt(
            knowledge_services.preview_import, upload=form.cleaned_data["file"], by=request.user
        )
    ):
        context["pending"], context["report"] = checked
    status = 400 if form.errors else 200
    return render(request, "web/import_articles.html", context, status=status)


def _apply(request: AuthenticatedRequest, pending_id: str) -> HttpResponse:
    pending = knowledge_queries.access_pending_import(request.user, read_number(pending_id) or 0)
    report = knowledge_services.apply_import(pending=pending, by=request.user)
    triage_services.queue_catch_up()
    context = {"form": ImportForm(), "report": report}
    return render(request, "web/import_articles.html", context)


@require_safe
@with_right(Right.ARTICLES)
def export(request: AuthenticatedRequest) -> HttpResponse:
    """The articles of the list as it is narrowed, as a ZIP that the import reads back."""
    pieces = knowledge_services.export_articles(
        by=request.user, **ArticleFilterForm(request.GET).filters()
    )
    response = StreamingHttpResponse(pieces, content_type="application/zip")
    name = f"articles-{timezone.localdate().isoformat()}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _form(
    request: AuthenticatedRequest, form: ArticleForm, article: Article | None = None
) -> HttpResponse:
    context = {"form": form, "article": article}
    if article:
        context["files"] = article.files.select_related("file")
    return render(request, "web/article_form.html", context, status=400 if form.errors else 200)


def _saved(request: AuthenticatedRequest, article: Article) -> HttpResponse:
    triage_services.queue_article(article)
    messages.success(request, _("Article saved."))
    return redirect("article", article.pk)
