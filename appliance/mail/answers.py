"""The texts of automatic answers to senders, in the language of the site."""

from django.utils.translation import gettext as _

from appliance.core import queries as core_queries


def _letter(*paragraphs: str) -> str:
    return "\n\n".join([_("Hello,"), *paragraphs])


def refusal() -> str:
    return _letter(
        _(
            "%(name)s does not accept e-mail from your address, so no ticket was created. Please "
            "contact the help desk in another way."
        )
        % {"name": core_queries.site_settings().name}
    )


def deactivated() -> str:
    return _letter(
        _(
            "your user account is deactivated, so your e-mail was not added to a ticket. Please "
            "contact the help desk in another way."
        )
    )


def no_access(number: str) -> str:
    return _letter(
        _("you do not have access to %(number)s any more, so your e-mail was not added to it.")
        % {"number": number}
    )


def closed(number: str) -> str:
    return _letter(
        _("%(number)s is closed, so your reply was not sent. Reopen the ticket first.")
        % {"number": number}
    )


def left_out(number: str, count: int, limit_mb: int) -> str:
    return _letter(
        _(
            "%(count)d files of your e-mail to %(number)s are larger than the limit of "
            "%(limit)d MB each, so they were left out. The text has arrived. Please send the files "
            "in smaller parts, or ask the help desk where to put them."
        )
        % {"number": number, "count": count, "limit": limit_mb}
    )


def cut(number: str, size_mb: int, limit_mb: int) -> str:
    return _letter(
        _(
            "your e-mail to %(number)s has %(size)d MB. The limit is %(limit)d MB, so its files "
            "were left out. The text has arrived. Please send the files in smaller parts, or ask "
            "the help desk where to put them."
        )
        % {"number": number, "size": size_mb, "limit": limit_mb}
    )
