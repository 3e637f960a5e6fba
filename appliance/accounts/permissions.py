"""Who may do what, and who may open which page.

An admin may do everything, an agent what the site or one of their teams grants. What a person sees
on a page they may open is decided by the queries of each room.
"""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from appliance.accounts import reauthentication
from appliance.accounts.models import Right, Team, User, Viewer
from appliance.accounts.security import check_person_rate
from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.core.errors import ForbiddenError

View = Callable[..., HttpResponseBase]


class AuthenticatedRequest(HttpRequest):
    """A request whose view is reached only after log-in. For annotations; never instantiated."""

    user: User
    htmx: HtmxDetails


def has_right(user: Viewer, right: Right) -> bool:
    """Return whether the user is an active admin, or an active agent who has the right."""
    if not user.is_authenticated or not user.is_active or not user.is_agent:
        return False
    return user.is_admin or right in _rights_of(user)


def can_see_reports(user: Viewer) -> bool:
    """Return whether the user may see reports; no query while the cache holds the answer."""
    return has_right(user, Right.REPORTS)


def require_admin(user: User) -> None:
    """Raise ForbiddenError unless the user is an active admin."""
    if not (user.is_active and user.is_admin):
        raise ForbiddenError(_("Only administrators can do this."))


def require_customer_editor(user: User) -> None:
    """Raise ForbiddenError unless the user may edit customers and organisations."""
    if not has_right(user, Right.CUSTOMERS):
        raise ForbiddenError(
            _(
                "You do not have permission to edit customers and organisations. Ask an "
                "administrator."
            )
        )


def _rights_of(user: User) -> list[str]:
    """Return the rights of the site and of the user's active teams, cached."""
    return cache.get_or_compute(
        "rights",
        [user.pk],
        lambda: [
            *core_queries.site_settings().agent_rights,
            *(
                right
                for team in Team.objects.filter(memberships__user=user, is_active=True)
                for right in team.rights
            ),
        ],
        depends_on=[cache.TEAMS, cache.SITE_SETTINGS],
    )


def restricted_to(admits: Callable[[User], bool]) -> Callable[[View], View]:
    """Return a decorator: log-in first, then ForbiddenError unless ``admits(user)``."""

    def decorator(view: View) -> View:
        @login_required
        @wraps(view)
        def wrapper(
            request: AuthenticatedRequest, *args: object, **kwargs: object
        ) -> HttpResponseBase:
            require_page_access(admits(request.user))
            return view(request, *args, **kwargs)

        return wrapper

    return decorator


def admins_only(view: View) -> View:
    """Decorate a view that only active admins may open."""
    return restricted_to(lambda user: user.is_active and user.is_admin)(view)


def reauthentication_required(view: View) -> View:
    """Decorate a view that does something grave: it asks for the password if the last is old."""

    @login_required
    @wraps(view)
    def wrapper(request: AuthenticatedRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not reauthentication.is_recent(request):
            return reauthentication.ask(request)
        return view(request, *args, **kwargs)

    return wrapper


def require_page_access(is_admitted: bool) -> None:
    """Raise ForbiddenError with the sentence for a page unless ``is_admitted``."""
    if not is_admitted:
        raise ForbiddenError(
            _("You do not have permission to view this page. Ask an administrator for access.")
        )


def agents_only(view: View) -> View:
    """Decorate a view that agents and admins may open, and customers may not."""

    @login_required
    @wraps(view)
    def wrapper(request: AuthenticatedRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not request.user.is_agent:
            raise ForbiddenError(_("This page is for agents only."))
        return view(request, *args, **kwargs)

    return wrapper


def with_right(right: Right) -> Callable[[View], View]:
    """Return a decorator for a view that only agents with ``right`` may open."""

    def decorator(view: View) -> View:
        @agents_only
        @wraps(view)
        def wrapper(
            request: AuthenticatedRequest, *args: object, **kwargs: object
        ) -> HttpResponseBase:
            if not has_right(request.user, right):
                raise ForbiddenError(
                    _("You do not have permission to %(what)s. Ask an administrator.")
                    % {"what": right.label}
                )
            return view(request, *args, **kwargs)

        return wrapper

    return decorator


def readers_only(view: View) -> View:
    """Decorate a page of articles: open to all where the knowledge base is public, else log-in."""
    view_after_login = login_required(view)

    @wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        is_open = request.user.is_authenticated or core_queries.site_settings().is_knowledge_public
        return (view if is_open else view_after_login)(request, *args, **kwargs)

    return wrapper


def limited_while_typing(view: View) -> View:
    """Limit how often a signed-in person asks for what helps to write, such as a preview."""

    @wraps(view)
    def wrapper(request: AuthenticatedRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        check_person_rate(request.user, scope="typing")
        return view(request, *args, **kwargs)

    return wrapper
