"""Log-in through an identity provider of the site."""

import time

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from appliance.accounts import openid_connect, queries, services
from appliance.accounts.middleware import NEEDS_SECOND_FACTOR
from appliance.accounts.models import IdentityProvider
from appliance.accounts.security import check_rate_limit, client_address
from appliance.core.errors import BadInputError

PENDING = "sso_pending"  # in the session: log-ins that have gone to a provider, by state
PROVIDER = "sso_provider"  # in the session: the provider that has logged the user in
MAX_PENDING = 5
PENDING_SECONDS = 600


def redirect_uri(request: HttpRequest, provider: IdentityProvider) -> str:
    """Return where the provider sends browsers back to, as it must be entered there."""
    path = reverse("provider-callback", args=[provider.pk])
    return (
        f"{settings.SITE_URL.origin}{path}"
        if settings.SITE_URL
        else request.build_absolute_uri(path)
    )


@require_safe
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the browser to the provider."""
    provider = queries.access_offered_provider(pk)
    if request.user.is_authenticated:
        return redirect("dashboard")
    check_rate_limit(scope="sso", ip_address=client_address(request))
    try:
        login = openid_connect.begin_login(provider, redirect_uri=redirect_uri(request, provider))
    except openid_connect.ProviderError as error:
        return _refuse(request, provider, error)
    pending = request.session.get(PENDING, {})
    pending[login.state] = {
        "provider": provider.pk,
        "nonce": login.nonce,
        "verifier": login.verifier,
        "next": request.GET.get("next", ""),
        "at": time.time(),
    }
    request.session[PENDING] = dict(list(pending.items())[-MAX_PENDING:])
    return redirect(login.url)


@require_safe
def callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Log in whom the provider has signed in; each state is used once."""
    provider = queries.access_offered_provider(pk)
    pending = request.session.get(PENDING, {})
    begun = pending.pop(request.GET.get("state", ""), None)
    request.session[PENDING] = pending
    is_current = begun and begun["provider"] == pk and time.time() - begun["at"] < PENDING_SECONDS
    if not is_current:
        return _refuse(request, provider, _("This sign-in has expired. Start again."))
    if "code" not in request.GET:
        return _refuse(request, provider, _("The sign-in was cancelled there."))
    try:
        claims = openid_connect.finish_login(
            provider,
            code=request.GET["code"],
            nonce=begun["nonce"],
            verifier=begun["verifier"],
            redirect_uri=redirect_uri(request, provider),
        )
        user = services.find_or_create_user(provider=provider, claims=claims)
    except (openid_connect.ProviderError, BadInputError) as error:
        return _refuse(request, provider, error)
    is_safe = get_adapter(request).is_safe_url(begun["next"])
    record_authentication(request, user, "sso", provider=provider.pk)
    response = perform_login(request, user, redirect_url=begun["next"] if is_safe else None)
    request.session[PROVIDER] = provider.pk
    if provider.replaces_second_factor:
        request.session[NEEDS_SECOND_FACTOR] = False
    return response


@require_safe
def log_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a browser that is logged out here to the log-out of the provider."""
    provider = queries.access_offered_provider(pk)
    try:
        url = openid_connect.log_out_url(
            provider, return_to=request.build_absolute_uri(reverse("account_login"))
        )
    except openid_connect.ProviderError as error:
        return _refuse(request, provider, error)
    return redirect(url or "account_login")


def _refuse(request: HttpRequest, provider: IdentityProvider, reason: object) -> HttpResponse:
    """Return to the sign-in page, where a password still works, with the reason."""
    text = _("%(name)s: %(reason)s") % {"name": provider, "reason": reason}
    messages.error(request, text)
    return redirect("account_login")
