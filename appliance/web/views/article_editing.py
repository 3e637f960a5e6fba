"""Articles for authors: write, edit, publish, compare, restore, import, export."""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
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

STEPS = {
    "submit": knowledge_services.submit_for_review,
    "publish": knowledge_services.publish_article,
    "archive": knowledge_services.archive_article,
    "reopen": knowledge_services.reopen_article,
}


@require_http_methods(["GET", "POST"])
@with_right(Right.ARTICLES)
def write(request: AuthenticatedRequest) -> HttpResponse:
    initial = {"audience": Article.Audience.INTERNAL, "owner": request.user.pk}
    form = ArticleForm(request.POST or None, request.FILES or None, initial=initial)
    if form.is_valid():
        article = form.attempt(
            knowledge_services.write_article,
            by=request.user,
            **{"audience": Article.Audience.INTERNAL} | form.article_values(),
        )
        if article:
            return _redirect_to_saved(request, article)
    return _render_form(request, form)


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
        form.attempt(
            knowledge_services.edit_article,
            article=article,
            by=request.user,
            seen_at=form.cleaned_data["seen_at"],
            drop=form.cleaned_data["drop"],
            **form.article_values(),
        )
        if not form.errors:
            return _redirect_to_saved(request, article)
    return _render_form(request, form, article)


@require_http_methods(["GET", "POST"])
@with_right(Right.ARTICLES)
def translate(request: AuthenticatedRequest, article_id: int) -> HttpResponse:
    """Write a translation of an article, beginning with its text; ``?language=`` is offered."""
    article = knowledge_queries.access_article(request.user, article_id)
    original = article.original or article
    if not knowledge_queries.list_missing_languages(original):
        messages.error(request, _("This article has been translated into every language."))
        return redirect("article", article.pk)
    form = ArticleForm(
        request.POST or None,
        request.FILES or None,
        initial=ArticleForm.initial_of_translation(
            original, language=request.GET.get("language", ""), owner=request.user
        ),
        translation_of=original,
    )
    if form.is_valid():
        translation = form.attempt(
            knowledge_services.write_translation,
            original=original,
            by=request.user,
            **form.article_values(),
        )
        if translation:
            return _redirect_to_saved(request, translation)
    return _render_form(request, form, original=original)


@require_POST
@with_right(Right.ARTICLES)
def move(request: AuthenticatedRequest, article_id: int) -> HttpResponse:
    """Take the article one step on: to review, published, archived or back to draft."""
    article = knowledge_queries.access_article(request.user, article_id)
    form = MoveForm(request.POST)
    if form.is_valid():
        form.attempt(STEPS[form.cleaned_data["verb"]], article=article, by=request.user)
    if form.errors:
        errors = [str(error) for errors in form.errors.values() for error in errors]
        messages.error(request, " ".join(errors))
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
    """Compare two versions side by side."""
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
        "content_rows": compare_texts(before.content, after.content),
        "can_restore": before.number != article.version and request.user.is_agent,
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
    return _redirect_to_saved(request, article)


@require_http_methods(["GET", "POST"])
@with_right(Right.ARTICLES)
def import_articles(request: AuthenticatedRequest) -> HttpResponse:
    """Preview an import, then carry it out with the same file."""
    if pending_id := request.POST.get("pending", ""):
        return _apply_import(request, pending_id)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    preview = None
    if form.is_valid():
        preview = form.attempt(
            knowledge_services.preview_import, upload=form.cleaned_data["file"], by=request.user
        )
    pending, report = preview or (None, None)
    context = {"form": form, "pending": pending, "report": report}
    status = 400 if form.errors else 200
    return render(request, "web/import_articles.html", context, status=status)


def _apply_import(request: AuthenticatedRequest, pending_id: str) -> HttpResponse:
    pending = knowledge_queries.access_pending_import(request.user, read_number(pending_id) or 0)
    report = knowledge_services.apply_import(pending=pending, by=request.user)
    triage_services.queue_catch_up()
    context = {"form": ImportForm(), "report": report}
    return render(request, "web/import_articles.html", context)


@require_safe
@with_right(Right.ARTICLES)
def export(request: AuthenticatedRequest) -> HttpResponseBase:
    """Send the articles of the filtered list as a ZIP, which the import reads back."""
    chunks = knowledge_services.export_articles(
        by=request.user, **ArticleFilterForm(request.GET).filters()
    )
    response = StreamingHttpResponse(chunks, content_type="application/zip")
    name = f"articles-{timezone.localdate().isoformat()}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _render_form(
    request: AuthenticatedRequest,
    form: ArticleForm,
    article: Article | None = None,
    original: Article | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "article": article,
        "original": original or (article and article.original),
        "files": article.files.select_related("file") if article else [],
    }
    return render(request, "web/article_form.html", context, status=400 if form.errors else 200)


def _redirect_to_saved(request: AuthenticatedRequest, article: Article) -> HttpResponse:
    triage_services.queue_article(article)
    text = _("Article saved. %(state)s · %(audience)s")
    article.refresh_from_db(fields=["status", "audience"])
    words = {"state": article.get_status_display(), "audience": article.get_audience_display()}
    messages.success(request, text % words)
    return redirect("article", article.pk)
