"""What an author can work from: where an article is missing, and which ones do not fit."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Right
from appliance.accounts.permissions import AuthenticatedRequest, has_right, readers_only, with_right
from appliance.core.errors import BadInputError
from appliance.core.pagination import Page, paginate
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.forms import ArticleFilterForm, VoteForm
from appliance.notifications import services as notifications_services
from appliance.tickets import queries as tickets_queries
from appliance.triage import gaps
from appliance.triage import services as triage_services
from appliance.web import article_page
from appliance.web.views.attachments import file_response


@require_safe
@with_right(Right.ARTICLES)
def content_gaps(request: AuthenticatedRequest) -> HttpResponse:
    dismissed = request.GET.get("show") == "dismissed"
    rows = list(gaps.list_gaps(request.user, dismissed=dismissed))
    return render(request, "web/content_gaps.html", {"gaps": rows, "dismissed": dismissed})


@require_safe
@with_right(Right.ARTICLES)
def low_performing(request: AuthenticatedRequest) -> HttpResponse:
    context = {"found": gaps.list_low_performing(request.user), "days": gaps.DAYS}
    return render(request, "web/low_performing.html", context)


@require_POST
@with_right(Right.ARTICLES)
def look(request: AuthenticatedRequest) -> HttpResponse:
    triage_services.queue_gap_detection()
    messages.success(request, _("Detection started. Reload this page in a minute."))
    return redirect("gaps")


@require_POST
@with_right(Right.ARTICLES)
def write(request: AuthenticatedRequest, gap_id: int) -> HttpResponse:
    """A draft with the examples in it, opened in the editor."""
    gap = gaps.access_gap(request.user, gap_id)
    article = triage_services.draft_article(gap=gap, by=request.user)
    return redirect("edit-article", article.pk)


@require_POST
@with_right(Right.ARTICLES)
def dismiss(request: AuthenticatedRequest, gap_id: int) -> HttpResponse:
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
    """The list for those who write and send them, the portal for those who read them."""
    if not request.user.is_authenticated or not request.user.is_agent:
        return help_pages(request)
    form = ArticleFilterForm(request.GET)
    filters, sort = form.filters(), form.order()
    rows = knowledge_queries.list_articles(request.user, **filters, sort=sort)
    context = {
        "form": form,
        "page": _page(request, rows, sort),
        "is_filtered": any(filters.values()),
        "due": knowledge_queries.count_due(request.user),
        "may_write": has_right(request.user, Right.ARTICLES),
    }
    return render(request, "web/articles.html", context)


@require_safe
@readers_only
def help_pages(request: HttpRequest) -> HttpResponse:
    """What readers see: category after category, or all of one. For agents, too, to look at."""
    slug = request.GET.get("category", "").replace("\0", "")
    if not slug:
        return render(
            request,
            "web/help.html",
            {"shelves": knowledge_queries.list_category_sections(request.user)},
        )
    rows = knowledge_queries.list_articles(request.user, category=slug, for_customers=True)
    category = tickets_queries.list_categories().filter(slug=slug).first()
    context = {"category": category, "page": _page(request, rows)}
    return render(request, "web/help_category.html", context)


@require_safe
@readers_only
def show(request: HttpRequest, article_id: int) -> HttpResponse:
    article = knowledge_queries.access_article(request.user, article_id)
    notifications_services.mark_article_read(user=request.user, article=article)
    return render(request, "web/article.html", article_page.context(request, article))


@require_safe
@readers_only
def file(request: HttpRequest, article_id: int, file_id: int) -> HttpResponse:
    return file_response(knowledge_queries.access_file(request.user, article_id, file_id).file)


@require_POST
@readers_only
def vote(request: HttpRequest, article_id: int) -> HttpResponse:
    article = knowledge_queries.access_article(request.user, article_id)
    form = VoteForm(request.POST)
    if form.is_valid() and not _vote(request, article, form):
        messages.success(request, _("Thanks for your feedback."))
    for error in form.errors.values():
        messages.error(request, " ".join(error))
    return redirect(reverse("article", args=[article.pk]) + "#helpful")


def _vote(request: HttpRequest, article, form: VoteForm) -> dict:
    """What was wrong with it. A stranger is known by their session, and counted by address."""
    by, session = (request.user, "") if request.user.is_authenticated else (None, None)
    if by is None:
        try:
            accounts_services.check_rate_limit(scope="vote", ip_address=request.META["REMOTE_ADDR"])
        except BadInputError as error:
            form.add_error(None, str(error))
            return form.errors
        request.session["voted"] = True
        if not request.session.session_key:
            request.session.create()
        session = request.session.session_key
    form.attempt(
        knowledge_services.vote, article=article, by=by, session=session, **form.cleaned_data
    )
    return form.errors


def _page(request: HttpRequest, rows, sort=knowledge_queries.CHANGED) -> Page:
    after, before = (request.GET.get(name, "") for name in ("after", "before"))
    return paginate(rows, sort, after=after, before=before, ids_first=True)
