"""Log-in, registration, profile and passwords."""

from typing import Any

from allauth.account import views as allauth_views
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import queries, services
from appliance.accounts.forms import (
    ChangePasswordForm,
    EmailForm,
    NewPasswordForm,
    ProfileForm,
    RegisterForm,
)
from appliance.accounts.permissions import AuthenticatedRequest, reauthentication_required
from appliance.accounts.reauthentication import log_in_with_new_password, take_suspended_form
from appliance.accounts.second_factor_views import can_use_keys
from appliance.accounts.security import client_address
from appliance.accounts.single_sign_on_views import PROVIDER
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.forms import Form
from appliance.core.views import secret_url


class LoginView(allauth_views.LoginView):
    """Log-in by e-mail and password; the page offers the other ways, too."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        more = {
            "can_use_keys": can_use_keys(self.request),
            "providers": queries.list_offered_providers(),
            "left": self.request.GET.get("left", ""),
        }
        return super().get_context_data(**kwargs) | more


login = LoginView.as_view()


class LogoutView(auth_views.LogoutView):
    """Log-out here; the page that follows offers that of the identity provider, too."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        provider = request.session.get(PROVIDER)
        response = super().post(request, *args, **kwargs)
        return redirect(f"{reverse('account_login')}?left={provider}") if provider else response


def admin_login(request: HttpRequest) -> HttpResponse:
    """Send whoever opens /admin/ to the log-in of the site, the only one."""
    if request.user.is_authenticated:
        raise ForbiddenError(_("Only administrators can do this."))
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters()
def register(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("dashboard")
    if not core_queries.site_settings().is_registration_open:
        return render(request, "accounts/registration_closed.html", status=403)
    form = RegisterForm(request.POST or None, is_by_email=services.is_registration_by_email())
    if form.is_valid() and (response := _register(request, form)):
        return response
    status = 400 if form.errors else 200
    return render(request, "accounts/register.html", {"form": form}, status=status)


def _register(request: HttpRequest, form: RegisterForm) -> HttpResponse | None:
    """Register and return the next page; None if the form has errors."""
    data = {"ip_address": client_address(request), **form.user_data()}
    if "password" in form.fields:
        customer = form.attempt(services.register_as_visitor, **data)
        if customer and customer.user:
            services.send_confirmation(person=customer.user)
            return log_in_with_new_password(request, customer.user)
        return None
    form.attempt(services.register_by_email, **data)
    if form.errors:
        return None
    text = _("We have sent an e-mail to %(email)s. It says how to go on.")
    messages.success(request, text % {"email": data["email"]})
    return redirect("account_login")


@require_http_methods(["GET", "POST"])
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Send a link to choose a new password, where the help desk sends e-mails."""
    if request.user.is_authenticated:
        return redirect("dashboard")
    form = EmailForm(request.POST or None)
    can_send = services.can_send_links()
    if can_send and form.is_valid():
        address = {"ip_address": client_address(request), **form.cleaned_data}
        form.attempt(services.request_password, **address)
        if not form.errors:
            text = _("If %(email)s has an account, we have sent a link there.")
            messages.success(request, text % form.cleaned_data)
            return redirect("account_login")
    context = {"form": form, "can_send": can_send}
    status = 400 if can_send and form.errors else 200
    return render(request, "accounts/forgot_password.html", context, status=status)


@require_POST
@login_required
def send_confirmation(request: AuthenticatedRequest) -> HttpResponse:
    """Send the link that confirms the user's own address."""
    address = {"email": request.user.email}
    try:
        is_sent = services.send_confirmation_as_visitor(
            person=request.user, ip_address=client_address(request)
        )
    except BadInputError as error:
        messages.error(request, str(error))
        return redirect("dashboard")
    if is_sent:
        messages.success(request, _("A link was sent to %(email)s.") % address)
    else:
        messages.warning(
            request,
            _("This help desk cannot send you a link. Ask an agent to confirm your account."),
        )
    return redirect("dashboard")


@require_http_methods(["GET", "POST"])
@login_required
@secret_url
def confirm_email(request: AuthenticatedRequest, token: str) -> HttpResponse:
    """Confirm the user's own address with the link that was sent there."""
    confirmation = queries.access_confirmation(request.user, token)
    form = Form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        form.attempt(services.confirm_email, token=token, by=request.user)
        if not form.errors:
            messages.success(request, _("Your e-mail address is confirmed."))
            return redirect("dashboard")
    status = 400 if form.errors else 200
    context = {"form": form, "email": confirmation.email}
    return render(request, "accounts/confirm_email.html", context, status=status)


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: AuthenticatedRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, person=request.user)
    if form.is_valid():
        form.attempt(services.change_profile, person=request.user, **form.cleaned_data)
        if not form.errors:
            messages.success(request, _("Profile saved."))
            return redirect("profile")
    context = {"form": form, "customer": queries.find_customer_of(request.user)}
    return render(request, "accounts/profile.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@reauthentication_required
def change_address(request: AuthenticatedRequest) -> HttpResponse:
    """Send a link to a new address of the user, where the help desk sends e-mails."""
    form = EmailForm(request.POST or None)
    can_send = services.can_send_links()
    if can_send and form.is_valid():
        address = {"ip_address": client_address(request), **form.cleaned_data}
        form.attempt(services.request_own_address, person=request.user, **address)
        if not form.errors:
            text = _("Open the link we have sent to %(email)s. Until then nothing changes.")
            messages.success(request, text % form.cleaned_data)
            return redirect("profile")
    context = {"form": form, "can_send": can_send}
    status = 400 if can_send and form.errors else 200
    return render(request, "accounts/change_address.html", context, status=status)


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters()
@reauthentication_required
def change_password(request: AuthenticatedRequest) -> HttpResponse:
    if request.user.is_from_directory:
        raise ForbiddenError(_("Your password is that of your computer. Change it there."))
    form = ChangePasswordForm(request.POST or None, person=request.user)
    if form.is_valid():
        password = form.cleaned_data["password"]
        form.attempt(services.change_own_password, person=request.user, password=password)
        if not form.errors:
            update_session_auth_hash(request, request.user)  # all others are logged out
            messages.success(
                request, _("Password changed. You have been signed out on your other devices.")
            )
            return redirect("profile")
    status = 400 if form.errors else 200
    return render(request, "accounts/change_password.html", {"form": form}, status=status)


@require_safe
@login_required
def resume_form(request: AuthenticatedRequest) -> HttpResponse:
    """Show the form that was sent before the user was asked for the password."""
    form = take_suspended_form(request)
    if form is None:
        return redirect("dashboard")
    context = {"path": form[0], "fields": form[1]}
    return render(request, "account/resume_form.html", context)


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters()
@secret_url
def set_password(request: HttpRequest, token: str) -> HttpResponse:
    """Set the first password through a one-time link."""
    person = queries.access_invitation(token).person
    form = NewPasswordForm(request.POST or None, person=person)
    if form.is_valid():
        password = form.cleaned_data["password"]
        user = form.attempt(services.set_password_with_token, token=token, password=password)
        if user:
            return log_in_with_new_password(request, user)
    context = {"form": form, "person": person}
    status = 400 if form.errors else 200
    return render(request, "accounts/set_password.html", context, status=status)
