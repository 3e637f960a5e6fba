"""Articles for readers and authors: pages, lists, votes, and where articles are missing."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Right
from appliance.accounts.permissions import AuthenticatedRequest, has_right, readers_only, with_right
from appliance.accounts.security import client_address
from appliance.core.errors import BadInputError
from appliance.core.pagination import Page, paginate
from appliance.files.views import file_response
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.forms import ArticleFilterForm, VoteForm
from appliance.knowledge.models import Article
from appliance.knowledge.queries import CHANGED, ArticleSort
from appliance.notifications import services as notifications_services
from appliance.tickets import queries as tickets_queries
from appliance.triage import gaps
from appliance.triage import services as triage_services
from appliance.web.article_page import build_article_page


@require_safe
@with_right(Right.ARTICLES)
def content_gaps(request: AuthenticatedRequest) -> HttpResponse:
    dismissed = request.GET.get("show") == "dismissed"
    context = {
        "gaps": list(gaps.list_gaps(request.user, dismissed=dismissed)),
        "dismissed": dismissed,
    }
    return render(request, "web/content_gaps.html", context)


@require_safe
@with_right(Right.ARTICLES)
def low_performing(request: AuthenticatedRequest) -> HttpResponse:
    context = {"articles": gaps.list_low_performing(request.user), "days": gaps.DAYS}
    return render(request, "web/low_performing.html", context)


@require_POST
@with_right(Right.ARTICLES)
def detect_gaps(request: AuthenticatedRequest) -> HttpResponse:
    triage_services.queue_gap_detection()
    messages.success(request, _("Detection started. Reload this page in a minute."))
    return redirect("gaps")


@require_POST
@with_right(Right.ARTICLES)
def write_for_gap(request: AuthenticatedRequest, gap_id: int) -> HttpResponse:
    """Open the editor with a draft of the example tickets, or to translate the article."""
    gap = gaps.access_gap(request.user, gap_id)
    if gap.translation_of_id:
        address = reverse("translate-article", args=[gap.translation_of_id])
        return redirect(f"{address}?language={gap.language}")
    article = triage_services.draft_article(gap=gap, by=request.user)
    return redirect("edit-article", article.pk)


@require_POST
@with_right(Right.ARTICLES)
def dismiss_gap(request: AuthenticatedRequest, gap_id: int) -> HttpResponse:
    gap = gaps.access_gap(request.user, gap_id)
    triage_services.dismiss_gap(gap=gap, by=request.user)
    messages.success(request, _("Dismissed: “%s”") % gap.subject)
    return redirect("gaps")


@require_POST
@with_right(Right.ARTICLES)
def restore_gap(request: AuthenticatedRequest, gap_id: int) -> HttpResponse:
    gap = gaps.access_gap(request.user, gap_id)
    triage_services.restore_gap(gap=gap, by=request.user)
    return redirect("gaps")


@require_safe
@readers_only
def index(request: HttpRequest) -> HttpResponse:
    """Show agents the list of articles, and readers the help centre."""
    viewer = request.user
    if not viewer.is_authenticated or not viewer.is_agent:
        return _help_page(request)
    form = ArticleFilterForm(request.GET)
    filters, sort = form.filters(), form.order()
    articles = knowledge_queries.list_articles(viewer, **filters, sort=sort)
    context = {
        "form": form,
        "page": _paginate(request, articles, sort),
        "is_filtered": any(filters.values()),
        "due": knowledge_queries.count_due(viewer),
        "can_write": has_right(viewer, Right.ARTICLES),
    }
    return render(request, "web/articles.html", context)


@require_safe
@readers_only
def help_pages(request: HttpRequest) -> HttpResponse:
    """Show what readers see, to agents as well: all categories, or the articles of one."""
    return _help_page(request)


def _help_page(request: HttpRequest) -> HttpResponse:
    slug = request.GET.get("category", "").replace("\0", "")
    if not slug:
        sections = knowledge_queries.list_category_sections(request.user)
        return render(request, "web/help.html", {"sections": sections})
    articles = knowledge_queries.list_articles(request.user, category=slug, for_customers=True)
    context = {
        "category": tickets_queries.list_categories().filter(slug=slug).first(),
        "page": _paginate(request, articles),
    }
    return render(request, "web/help_category.html", context)


@require_safe
@readers_only
def show(request: HttpRequest, article_id: int) -> HttpResponse:
    article = knowledge_queries.access_article(request.user, article_id)
    notifications_services.mark_article_read(user=request.user, article=article)
    return render(request, "web/article.html", vars(build_article_page(request, article)))


@require_safe
@readers_only
def file(request: HttpRequest, article_id: int, file_id: int) -> HttpResponseBase:
    return file_response(knowledge_queries.access_file(request.user, article_id, file_id).file)


@require_POST
@readers_only
def vote(request: HttpRequest, article_id: int) -> HttpResponse:
    article = knowledge_queries.access_article(request.user, article_id)
    form = VoteForm(request.POST)
    if form.is_valid():
        _record_vote(request, article, form)
    if not form.errors:
        messages.success(request, _("Thanks for your feedback."))
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return redirect(reverse("article", args=[article.pk]) + "#helpful")


def _record_vote(request: HttpRequest, article: Article, form: VoteForm) -> None:
    """Record the vote, or add an error to the form.

    A reader without account is known by their session, and limited by IP address.
    """
    user, session_key = request.user, ""
    if user.is_authenticated:
        accounts_services.check_person_rate(user)
    if not user.is_authenticated:
        try:
            accounts_services.check_rate_limit(scope="vote", ip_address=client_address(request))
        except BadInputError as error:
            form.add_error(None, str(error))
            return
        request.session["voted"] = True
        if not request.session.session_key:
            request.session.create()
        session_key = request.session.session_key or ""
    form.attempt(
        knowledge_services.vote,
        article=article,
        by=user if user.is_authenticated else None,
        session=session_key,
        **form.cleaned_data,
    )


def _paginate(
    request: HttpRequest, articles: QuerySet[Article], sort: ArticleSort = CHANGED
) -> Page[Article]:
    return paginate(
        articles,
        sort,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
        ids_first=True,
    )
