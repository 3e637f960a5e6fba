"""Error pages, the template context of every page, and what several views need."""

import re
import sys
from collections.abc import Callable
from functools import wraps

import structlog
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from appliance.core import disk_space, queries
from appliance.core.errors import DiskFullError, UnavailableError
from appliance.core.models import SiteSettings

log = structlog.get_logger(__name__)
DATABASE_UNAVAILABLE_ERRORS = (OperationalError, InterfaceError)
SECRET_FIELD = re.compile("password|secret|token", re.IGNORECASE)
View = Callable[..., HttpResponseBase]


def site_settings_context(request: HttpRequest) -> dict[str, object]:
    """Add the site settings to the context, read when a template first uses them."""
    return {"site_settings": SimpleLazyObject(queries.site_settings)}


def page_url(request: HttpRequest, name: str, *args: object) -> str:
    """Return the full address of a page; without a URL of the site, as this browser calls it."""
    return queries.absolute_url(name, *args) or request.build_absolute_uri(reverse(name, args=args))


def secret_url(view: View) -> View:
    """Keep the address of a page secret: out of search engines, caches and referrers.

    Not ``no-referrer``: a browser then sends ``Origin: null`` with the forms of the page, which
    the CSRF check refuses. ``strict-origin`` names the host, never the path.
    """

    @never_cache
    @wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "strict-origin"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return wrapper


def error_page(
    request: HttpRequest, status: int, title: str | Promise, message: str
) -> HttpResponse:
    """Render the page for any error. From status 500 on it reads nothing from the database."""
    context: dict[str, object] = {"title": title, "message": message, "status": status}
    if status >= 500:
        # The log line of this request must not query the user either.
        request.user = AnonymousUser()
        context |= {"site_settings": SiteSettings(), "messages": []}
    response = render(request, "core/error.html", context, status=status)
    if status == 503:
        response["Retry-After"] = "5"
    return response


def database_unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("database_unavailable", error=str(error).split("\n")[0])
    return error_page(
        request,
        503,
        UnavailableError.title,
        _(
            "The database did not respond in time. None of your changes were saved. Go "
            "back and try again in a moment."
        ),
    )


def disk_full(request: HttpRequest, reason: str) -> HttpResponse:
    """Say why nothing was saved, and return what was typed so that it can be sent again."""
    log.error("disk_full", path=request.path)
    # The log line of this request must not query the user either.
    request.user = AnonymousUser()
    context = {
        "title": DiskFullError.title,
        "message": reason,
        "status": DiskFullError.status,
        "site_settings": SiteSettings(),
        "messages": [],
        "texts": [],
        "hidden": [],
        **_typed_fields(request),
    }
    response = render(request, "core/disk_full.html", context, status=DiskFullError.status)
    response["Retry-After"] = "60"
    return response


def _typed_fields(request: HttpRequest) -> dict[str, object]:
    """Return what was posted, except secrets: texts to show, other values to hide."""
    try:
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        has_files = bool(request.FILES)
    except OSError:  # the temporary files do not fit either
        return {}
    fields = [field for field in fields if not SECRET_FIELD.search(field[0])]
    texts = [field for field in fields if len(field[1]) > 40 or "\n" in field[1] or " " in field[1]]
    hidden = [field for field in fields if field not in texts]
    return {"texts": texts, "hidden": hidden, "has_files": has_files}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(
        request,
        403,
        _("Session expired"),
        _(
            "You were signed out or the page was open for too long. Go back (your text "
            "is still there), copy your text, reload the page and send it again."
        ),
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        return error_page(
            request,
            400,
            _("Unknown host name"),
            _(
                "This help desk does not know the name %(host)s. Open it under another name, or "
                "ask whoever operates it to start it with this one (--url, or SKERRY_HOSTS for a "
                "further name)."
            )
            % {"host": request.META.get("HTTP_HOST", "")[:255]},
        )
    return error_page(
        request,
        400,
        _("Bad request"),
        _("The address or the form is invalid. Go back and try again."),
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request,
        403,
        _("Access denied"),
        _("You do not have permission to view this page. Ask an administrator."),
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request, 404, _("Page not found"), _("It does not exist, or you do not have access.")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception raised anywhere; Django calls this while handling it."""
    error = sys.exc_info()[1]
    if error and (reason := disk_space.reason_of(error)):
        return disk_full(request, reason)
    if isinstance(error, DATABASE_UNAVAILABLE_ERRORS):
        return database_unavailable(request, error)
    return error_page(
        request,
        500,
        _("Something went wrong"),
        _(
            "The error was logged under the number below. Try again; if it persists, "
            "contact your administrator."
        ),
    )
