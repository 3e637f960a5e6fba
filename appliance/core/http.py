"""Types and decorators for views."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponse]


def secret_url(view: View) -> View:
    """Keep the address of a page secret: out of search engines, caches and referrers.

    Not ``no-referrer``: a browser then sends ``Origin: null`` with the forms of the page, which
    the CSRF check refuses. ``strict-origin`` names the host, never the path.
    """

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "strict-origin"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded
