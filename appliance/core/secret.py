"""Pages whose address is a secret."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponse]


def secret_address(view: View) -> View:
    """Nobody learns the address from this page: no search engine, no cache, no link on it.

    Not ``no-referrer``: a browser then sends ``Origin: null`` with the forms of the page, which
    the check against forged forms refuses. ``strict-origin`` names the desk, never the path.
    """

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "strict-origin"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded
