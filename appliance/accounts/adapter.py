"""What django-allauth asks about this site: limits, links, e-mails, who may come in."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts import queries, services
from appliance.accounts.middleware import NEEDS_SECOND_FACTOR
from appliance.accounts.models import User
from appliance.accounts.security import (
    client_address,
    forgive_tries,
    has_another_try,
    may_try_password,
)
from appliance.core import queries as core_queries
from appliance.core.encryption import decrypt, encrypt
from appliance.core.errors import ForbiddenError


class MFAAdapter(DefaultMFAAdapter):
    """Secrets are encrypted; keys and passkeys are for the URL of the desk."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy(
            "This code is incorrect or was used before. Wait for the next one and check the clock "
            "of your device."
        ),
        "cannot_delete_authenticator": gettext_lazy(
            "A second factor is required here. Add another one before you remove this one."
        ),
    }

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return services.may_remove(authenticator)

    def get_totp_issuer(self) -> str:
        return core_queries.site_settings().name

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        host = split_domain_port(context.request.get_host())[0]
        if settings.SITE_URL:
            host = settings.SITE_URL.host
        return {"id": host, "name": core_queries.site_settings().name}


class AccountAdapter(DefaultAccountAdapter):
    """Limits in PostgreSQL, e-mails through the outbox, and no page for what this site lacks."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy(
            "Incorrect e-mail or password. Passwords are case-sensitive."
        ),
        "incorrect_password": gettext_lazy("Incorrect password. Passwords are case-sensitive."),
    }

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        if not may_try_password(**_counted(request, credentials)):
            raise ImmediateHttpResponse(_locked_out(request))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return who has these credentials; the right ones are not counted."""
        try:
            user = super().authenticate(request, **credentials)
        except ValidationError:  # no directory answers: the password was not checked
            forgive_tries(**_counted(request, credentials))
            raise
        if user:
            forgive_tries(**_counted(request, credentials))
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record the attempt; the last one that the limit allows is answered as those beyond."""
        counted = _counted(request, credentials)
        self._record(request, is_successful=False, **counted)
        if not has_another_try(**counted):
            raise ImmediateHttpResponse(_locked_out(request))

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        request.session[NEEDS_SECOND_FACTOR] = queries.needs_second_factor(user)
        self._record(
            request, name=user.email, ip_address=client_address(request), is_successful=True
        )

    def record_wrong_code(self, user: User) -> None:
        """Record somebody who knows the password and has no second factor at hand."""
        address = client_address(self.request)
        self._record(self.request, name=user.email, ip_address=address, is_successful=False)

    def _record(self, request: HttpRequest, **attempt: Any) -> None:
        services.record_login_attempt(user_agent=self.get_http_user_agent(request), **attempt)

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Offer the password to people of a directory, too, which checks it."""
        methods = super().get_reauthentication_methods(user)
        if user.is_authenticated and user.is_from_directory:
            page = reverse("account_reauthenticate")
            password = {"id": "reauthenticate", "description": _("Use your password"), "url": page}
            methods.insert(0, password)
        return methods

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        raise ForbiddenError(_("This account is deactivated. Ask an administrator."))

    def is_safe_url(self, url: str) -> bool:
        """Return whether a page that follows log-in is one of this site."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_ajax(self, request: HttpRequest) -> bool:
        """Pages only: no answers in JSON."""
        return False

    def format_email_subject(self, subject: str) -> str:
        return subject

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put an e-mail of django-allauth into the outbox, if the help desk sends any."""
        message = self.render_mail(template_prefix, email, context)
        services.send_login_notice(
            email=email, subject=str(message.subject), body=str(message.body)
        )


def _counted(request: HttpRequest, credentials: dict[str, Any]) -> dict[str, str]:
    return {"name": str(credentials.get("email", "")), "ip_address": client_address(request)}


def _locked_out(request: HttpRequest) -> HttpResponse:
    return render(request, "account/locked.html", status=429)
