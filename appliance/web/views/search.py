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
    results = None
    if form.query.text or filters.is_active:
        results = search_queries.search(
            request.user,
            form.query.text,
            kind=form.chosen("kind", "all"),
            filters=filters,
            sort=form.chosen("sort", "best"),
            cursor=request.GET.get("page", ""),
        )
    return render(
        request,
        "web/search.html",
        {
            "form": form,
            "query": form.query,
            "results": results,
            "hits": search_hits.items(
                results.hits if results else [], request.user, shows_match=bool(form.query.text)
            ),
            "problems": form.problems(),
            "kinds": form.fields["kind"].choices,
            "kind": form.chosen("kind", "all"),
            "query_string": urlencode(form.as_query()),
            "filters": filters,
            "active_filters": form.active_filters(),
        },
    )


@require_safe
@readers_only
def suggest(request: HttpRequest) -> HttpResponse:
    """What the search box offers while somebody types."""
    text = request.GET.get("q", "")
    rows = search_hits.quick_items(search_queries.suggest(request.user, text))
    return render(request, "web/_quick.html", {"hits": rows, "text": text.strip()})
