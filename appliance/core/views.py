"""Pages for requests that went wrong before any room saw them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def _page(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    context = {"title": title, "message": message, "status": status}
    return render(request, "core/error.html", context, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        "This form was out of date",
        "You were logged out or the page was open for a long time. Go back (what you typed is "
        "still there), copy your text, reload the page and send it again.",
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400, "That could not be read", "The address or the form is damaged.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403, "Not allowed", "Your role does not include this page.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404, "Nothing here", "It does not exist, or it is not yours to see.")


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        500,
        "Something went wrong on this desk",
        "The fault is written in the log under the number below. Try again; if it stays, "
        "tell the person who runs this desk.",
    )
