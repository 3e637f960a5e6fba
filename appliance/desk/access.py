"""Who may open a page at all. What they see on it is decided in each room's queries."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from appliance.core.errors import RefusedError

View = Callable[..., HttpResponse]


def agents_only(view: View) -> View:
    """Agents and admins pass, customers are refused, strangers are asked to log in."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.user.is_agent:
            raise RefusedError("This page is for agents.")
        return view(request, *args, **kwargs)

    return guarded
