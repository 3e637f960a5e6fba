"""Errors grouped by whose fault they are; middleware turns each into an HTTP response."""

from django.utils.translation import gettext_lazy as _


class SkerryError(Exception):
    """Base class. The message tells a person what went wrong and what to do next."""

    status = 500
    title = _("Something went wrong")


class BadInputError(SkerryError):
    """The input cannot be used; ``field`` names the form field."""

    status = 400
    title = _("Invalid input")

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class TooManyRequestsError(BadInputError):
    """A person or an address sends more than the limit."""

    status = 429
    title = _("Too many requests")


class ForbiddenError(SkerryError):
    """The user may see the object but not do this with it."""

    status = 403
    title = _("Access denied")


class DiskFullError(SkerryError):
    """A disk cannot be written; nothing of the request was saved."""

    status = 507
    title = _("Nothing was saved")


class UnavailableError(SkerryError):
    """A service (database, models) does not answer; trying again later may help."""

    status = 503
    title = _("Temporarily unavailable")
