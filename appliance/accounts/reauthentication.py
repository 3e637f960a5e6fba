"""Asking for the password again before something grave, without losing what was typed."""

import json
import time
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from appliance.accounts.models import User
from appliance.core.encryption import decrypt, encrypt
from appliance.core.errors import ForbiddenError

SUSPENDED_FORM = "suspended_form"  # in the session, encrypted: it may hold passwords


def log_in_with_new_password(request: HttpRequest, user: User) -> HttpResponse:
    """Log in somebody who has just chosen their password, and return the next page.

    It counts as entered: whoever sets up a desk is not asked for it before they add users.
    """
    record_authentication(request, user, "password")
    response: HttpResponse = perform_login(request, user)
    return response


def is_recent(request: HttpRequest) -> bool:
    """Return whether the user has shown within a quarter of an hour that it is them."""
    records = get_authentication_records(request, request.user)
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    return any(record["at"] > since for record in records)


def ask(request: HttpRequest) -> HttpResponse:
    """Ask for the password or another factor; the page, or a form that was sent, follows.

    Raises ForbiddenError for somebody who has none here, because another server knows them.
    """
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        raise ForbiddenError(_("Sign out and sign in again, then repeat this."))
    next_page = request.get_full_path()
    if request.method == "POST":
        form = {"path": next_page, "fields": request.POST.urlencode()}
        request.session[SUSPENDED_FORM] = encrypt(json.dumps(form))
        next_page = reverse("resume-form")
    question = f"{methods[0]['url']}?{urlencode({'next': next_page})}"
    is_part = "HX-Request" in request.headers
    # htmx would put the page that follows a redirect into a part of this one
    return HttpResponseClientRedirect(question) if is_part else redirect(question)


def take_suspended_form(request: HttpRequest) -> tuple[str, list[tuple[str, str]]] | None:
    """Return path and fields of the form that was sent, once; None if there is none."""
    text = decrypt(request.session.pop(SUSPENDED_FORM, ""))
    if not text:
        return None
    form = json.loads(text)
    fields = QueryDict(form["fields"]).lists()
    pairs = [(name, value) for name, values in fields for value in values]
    return form["path"], [pair for pair in pairs if pair[0] != "csrfmiddlewaretoken"]
