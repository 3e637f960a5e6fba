"""Middleware around the session: activity, and what a background request gets after log-out."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse

from appliance.accounts import queries, sessions
from appliance.accounts.security import client_address

GetResponse = Callable[[HttpRequest], HttpResponse]
NEEDS_SECOND_FACTOR = "needs_second_factor"  # in the session, since log-in
# URL names that work without a second factor where one is required
SET_UP_PAGES = {
    *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "resume-form"),
    *("mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "logout", "session-state", "logo"),
    *("confirm-email", "send-confirmation", "healthz"),
}
REDIRECTS = (301, 302, 303, 307)


class ActivityMiddleware:
    """Keep the session of somebody who is active; outside of SessionMiddleware, which stores it.

    What an open page asks by itself is not activity. Such a request, and any other of a script,
    gets 401 instead of the log-in page once the session has ended, so that the page can say so.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not is_by_itself(request):
            sessions.record_activity(request, ip_address=client_address(request))
        if is_by_script(request) and _leads_to_login(response):
            return HttpResponse(status=401)
        return response


class SecondFactorMiddleware:
    """Let whoever must have a second factor and has none do nothing but set one up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        match = request.resolver_match
        if match and match.url_name in SET_UP_PAGES:
            return None
        if not request.user.is_authenticated or not request.session.get(NEEDS_SECOND_FACTOR):
            return None
        if not queries.needs_second_factor(request.user):
            request.session[NEEDS_SECOND_FACTOR] = False
            return None
        if is_by_script(request):
            return HttpResponse(status=403, headers={"HX-Redirect": reverse("mfa_index")})
        return redirect("mfa_index")


def is_by_itself(request: HttpRequest) -> bool:
    """Return whether an open page sent the request without anybody's doing."""
    return sessions.BACKGROUND_HEADER in request.headers


def is_by_script(request: HttpRequest) -> bool:
    """Return whether a script sent the request, and not the browser to show a page."""
    return "HX-Request" in request.headers or request.headers.get("Sec-Fetch-Dest") == "empty"


def _leads_to_login(response: HttpResponse) -> bool:
    if response.status_code not in REDIRECTS:
        return False
    return response["Location"].partition("?")[0] == resolve_url(settings.LOGIN_URL)
