"""Log-in and registration."""

from django.contrib.auth import login, views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from appliance.accounts import services
from appliance.accounts.forms import LoginForm, RegisterForm


class LoginView(views.LoginView):
    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True


@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("dashboard")
    form = RegisterForm(request.POST or None)
    if form.is_valid() and (customer := form.attempt(services.register_customer, **form.person())):
        login(request, customer.user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("dashboard")
    status = 400 if form.errors else 200
    return render(request, "accounts/register.html", {"form": form}, status=status)
