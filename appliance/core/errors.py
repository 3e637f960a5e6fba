"""The error family, grouped by whose fault it is. Middleware turns each into one HTTP answer."""

from django.utils.translation import gettext_lazy as _


class SkerryError(Exception):
    """What went wrong and what to do next, in one or two plain sentences for a person."""

    status = 500
    title = _("Something went wrong on this desk")


class BadInputError(SkerryError):
    """The person sent something that cannot be used; ``field`` names it."""

    status = 400
    title = _("That could not be used")

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class RefusedError(SkerryError):
    """The person may see this, but may not do it."""

    status = 403
    title = _("Not allowed")


class UnavailableError(SkerryError):
    """A part of the box (database, models) does not answer; trying again later may help."""

    status = 503
    title = _("The desk is busy")
