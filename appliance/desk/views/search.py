from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.desk.access import readers_only
from appliance.desk.forms import KINDS, SearchForm
from appliance.search import queries


@require_safe
@readers_only
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    asked = form.asked()
    results = None
    if asked.text:
        results = queries.search(request.user, asked.text, kind=asked.kind, page=asked.page)
    return render(request, "desk/search.html", {"asked": asked, "results": results, "kinds": KINDS})
