"""Pages of second factors and passkeys: django-allauth's views, recorded and in our look."""

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.mfa.base import views as base_views
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as webauthn_views
from allauth.mfa.webauthn.internal import auth as webauthn
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import RedirectView

from appliance import site_url
from appliance.accounts import queries, services
from appliance.accounts.middleware import NEEDS_SECOND_FACTOR
from appliance.accounts.permissions import AuthenticatedRequest, View, reauthentication_required
from appliance.accounts.security import check_rate_limit, client_address

INDEX = reverse_lazy("mfa_index")


def can_use_keys(request: HttpRequest) -> bool:
    """Return whether browsers use security keys on this page: HTTPS with a name, or localhost."""
    host = split_domain_port(request.get_host())[0]
    try:
        url = site_url.parse(f"{request.scheme}://{host}")
    except ValueError:
        return False
    if url.is_address or not (url.is_https or url.is_localhost):
        return False
    return settings.SITE_URL is None or settings.SITE_URL.host == url.host


@require_safe
@login_required
def index(request: AuthenticatedRequest) -> HttpResponse:
    """Show how the user signs in: password, second factors, sessions."""
    factors = queries.list_second_factors(request.user)
    codes = Authenticator.objects.filter(
        user=request.user, type=Authenticator.Type.RECOVERY_CODES
    ).first()
    context = {
        "app": factors.filter(type=Authenticator.Type.TOTP).first(),
        "keys": [key.wrap() for key in factors.filter(type=Authenticator.Type.WEBAUTHN)],
        "unused_codes": len(codes.wrap().get_unused_codes()) if codes else None,
        "can_use_keys": can_use_keys(request),
        "must_set_up": request.session.get(NEEDS_SECOND_FACTOR),
        "session_count": len(queries.list_sessions(request.user, request.user)),
    }
    return render(request, "accounts/security.html", context)


class RecordedMixin:
    """Record the change that a valid form makes."""

    change = ""

    def form_valid(self, form: forms.Form) -> HttpResponse:
        response = super().form_valid(form)  # type: ignore[misc]
        person = self.request.user  # type: ignore[attr-defined]
        services.record_second_factor(person=person, change=self.change, by=person)
        return response


class ActivateTOTPView(RecordedMixin, totp_views.ActivateTOTPView):
    change = "authenticator app set up"


class DeactivateTOTPView(RecordedMixin, totp_views.DeactivateTOTPView):
    change = "authenticator app removed"


class AddWebAuthnView(RecordedMixin, webauthn_views.AddWebAuthnView):
    change = "security key added"


class RemoveWebAuthnView(RecordedMixin, webauthn_views.RemoveWebAuthnView):
    change = "security key removed"
    success_url = INDEX

    def form_valid(self, form: forms.Form) -> HttpResponse:
        if not services.may_remove(self.get_object()):
            messages.error(
                self.request,
                _("A second factor is required here. Add another one before you remove this one."),
            )
            return redirect(INDEX)
        return super().form_valid(form)


class GenerateRecoveryCodesView(RecordedMixin, recovery_views.GenerateRecoveryCodesView):
    change = "recovery codes created"


class AuthenticateView(base_views.AuthenticateView):
    """Ask for the second factor after the password."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = self.stage.login.user
        factors = queries.list_second_factors(person)
        has_keys = factors.filter(type=Authenticator.Type.WEBAUTHN).exists()
        more = {"has_keys": has_keys, "can_use_keys": can_use_keys(self.request)}
        return super().get_context_data(**kwargs) | more


class PasskeyLoginView(webauthn_views.LoginWebAuthnView):
    """Log-in by a passkey alone. A script asks for the challenge with GET."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        check_rate_limit(scope="passkey", ip_address=client_address(request))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return JsonResponse({"request_options": webauthn.begin_authentication(user=None)})


def _confirmed_only(view: View) -> View:
    """Decorate a page that adds a factor: not before the address is confirmed.

    Whoever registers somebody else's address could otherwise keep its owner out.
    """

    @login_required
    def wrapper(request: AuthenticatedRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.email_confirmed_at:
            return view(request, *args, **kwargs)
        adapter = get_account_adapter(request)
        text = _("Confirm your e-mail address first, then set up a second factor.")
        adapter.add_message(request, messages.ERROR, message=text)
        return redirect(INDEX)

    return wrapper


def _keys_only(view: View) -> View:
    """Decorate a page that is of use only where browsers use security keys."""

    def wrapper(request: AuthenticatedRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if can_use_keys(request) else redirect(INDEX)

    return wrapper


form_page = require_http_methods(["GET", "POST"])
authenticate = form_page(AuthenticateView.as_view())
login_by_passkey = form_page(PasskeyLoginView.as_view())
reauthenticate = form_page(base_views.reauthenticate)
reauthenticate_by_key = form_page(webauthn_views.reauthenticate_webauthn)
activate_totp = form_page(_confirmed_only(reauthentication_required(ActivateTOTPView.as_view())))
deactivate_totp = form_page(reauthentication_required(DeactivateTOTPView.as_view()))
add_key = form_page(
    _confirmed_only(_keys_only(reauthentication_required(AddWebAuthnView.as_view())))
)
edit_key = form_page(
    reauthentication_required(webauthn_views.EditWebAuthnView.as_view(success_url=INDEX))
)
remove_key = form_page(reauthentication_required(RemoveWebAuthnView.as_view()))
list_keys = require_safe(RedirectView.as_view(pattern_name="mfa_index"))
recovery_codes = require_safe(reauthentication_required(recovery_views.view_recovery_codes))
generate_recovery_codes = form_page(reauthentication_required(GenerateRecoveryCodesView.as_view()))
download_recovery_codes = require_safe(
    reauthentication_required(recovery_views.download_recovery_codes)
)
