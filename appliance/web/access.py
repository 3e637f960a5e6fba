"""Who may open a page at all. What they see on it is decided in each room's queries."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from appliance.accounts.models import Right
from appliance.accounts.permissions import has_right
from appliance.core import queries as core_queries
from appliance.core.errors import ForbiddenError

View = Callable[..., HttpResponse]


def agents_only(view: View) -> View:
    """Agents and admins pass, customers are refused, strangers are asked to log in."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.user.is_agent:
            raise ForbiddenError(_("This page is for agents only."))
        return view(request, *args, **kwargs)

    return guarded


def with_right(right: Right) -> Callable[[View], View]:
    """Agents who have the right pass; the others are told whom to ask."""

    def guard(view: View) -> View:
        @agents_only
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not has_right(request.user, right):
                raise ForbiddenError(
                    _("You do not have permission to %(what)s. Ask an administrator.")
                    % {"what": right.label}
                )
            return view(request, *args, **kwargs)

        return guarded

    return guard


def readers_only(view: View) -> View:
    """Whoever is logged in; strangers too, where the desk shows its articles to everybody."""
    asked_to_log_in = login_required(view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        may_read = request.user.is_authenticated or core_queries.site_settings().is_knowledge_public
        return (view if may_read else asked_to_log_in)(request, *args, **kwargs)

    return guarded
