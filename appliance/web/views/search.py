"""The search page, and the suggestions under the search field of every page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from appliance.accounts.permissions import readers_only
from appliance.search import queries as search_queries
from appliance.search.forms import SearchForm
from appliance.web import search_hits


@require_safe
@readers_only
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET, viewer=request.user)
    filters = form.filters()
    kind = form.chosen("kind", "all")
    results = None
    if form.query.text or filters.is_active:
        results = search_queries.search(
            request.user,
            form.query.text,
            kind=kind,
            filters=filters,
            sort=form.chosen("sort", "best"),
            cursor=request.GET.get("page", ""),
        )
    hits = results.hits if results else []
    context = {
        "form": form,
        "query": form.query,
        "results": results,
        "hits": search_hits.render_hits(hits, request.user, shows_match=bool(form.query.text)),
        "problems": form.problems(),
        "kind": kind,
        "query_string": urlencode(form.as_query()),
        "active_filters": form.active_filters(),
    }
    return render(request, "web/search.html", context)


@require_safe
@readers_only
def suggest(request: HttpRequest) -> HttpResponse:
    """Return what the search field offers while somebody types."""
    form = SearchForm(request.GET, viewer=request.user)
    hits = search_queries.suggest(
        request.user, form.query.text, kind=form.chosen("kind", "all"), filters=form.filters()
    )
    text = request.GET.get("q", "").strip()
    context = {"hits": search_hits.render_suggestions(hits, request.user), "text": text}
    return render(request, "web/_search_suggestions.html", context)
