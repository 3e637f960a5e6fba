"""Who may open which page of the set-up."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import ForbiddenError
from appliance.manage.sections.section import Section, admins

View = Callable[..., HttpResponse]


def only(admits: Callable[[User], bool]) -> Callable[[View], View]:
    """Strangers are asked to log in, whoever is not admitted is refused."""

    def guard(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            _refuse_unless(admits(request.user))
            return view(request, *args, **kwargs)

        return guarded

    return guard


admins_only = only(admins)


def of_section(view: View) -> View:
    """Restrict a section's pages to the roles that the section names."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, section: Section, **kwargs: object) -> HttpResponse:
        _refuse_unless(section.admits(request.user))
        return view(request, section, **kwargs)

    return guarded


def _refuse_unless(is_admitted: bool) -> None:
    if not is_admitted:
        raise ForbiddenError(
            _("You do not have permission to view this page. Ask an administrator for access.")
        )
