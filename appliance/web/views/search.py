from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from appliance.search import queries as search_queries
from appliance.search.forms import SearchForm
from appliance.web import hits
from appliance.web.access import readers_only


@require_safe
@readers_only
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET, viewer=request.user)
    narrowed = form.narrowed()
    results = None
    if form.asked.text or narrowed.is_narrowed:
        results = search_queries.search(
            request.user,
            form.asked.text,
            kind=form.chosen("kind", "all"),
            narrowed=narrowed,
            sort=form.chosen("sort", "best"),
            after=request.GET.get("page", ""),
        )
    return render(
        request,
        "web/search.html",
        {
            "form": form,
            "asked": form.asked,
            "results": results,
            "hits": hits.items(
                results.hits if results else [], request.user, says_why=bool(form.asked.text)
            ),
            "problems": form.problems(),
            "kinds": form.fields["kind"].choices,
            "kind": form.chosen("kind", "all"),
            "query": urlencode(form.as_query()),
            "narrowed": narrowed,
            "chosen": form.in_words(),
        },
    )


@require_safe
@readers_only
def suggest(request: HttpRequest) -> HttpResponse:
    """What the search box offers while somebody types."""
    text = request.GET.get("q", "")
    found = hits.quick_items(search_queries.suggest(request.user, text))
    return render(request, "web/_quick.html", {"hits": found, "text": text.strip()})
