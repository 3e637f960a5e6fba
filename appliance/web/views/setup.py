"""The set-up page: there until it was used once, then gone."""

from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from appliance.accounts import queries as accounts_queries
from appliance.web import services
from appliance.web.forms import SetupForm


@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    if accounts_queries.has_admin() or not accounts_queries.is_valid_setup_token(token):
        raise Http404
    form = SetupForm(request.POST or None)
    if form.is_valid():
        data = form.cleaned_data
        admin = form.attempt(
            services.set_up,
            token=token,
            person=form.user_data(),
            desk_name=data["desk_name"],
            categories=set(data["categories"]),
            demo=data["demo"],
        )
        if admin:
            login(request, admin, backend="django.contrib.auth.backends.ModelBackend")
            return redirect("dashboard")
    return render(request, "web/setup.html", {"form": form}, status=400 if form.errors else 200)
