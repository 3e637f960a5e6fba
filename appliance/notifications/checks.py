"""System checks of the settings of the mail server."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register
def check_smtp_settings(**options: object) -> list[CheckMessage]:
    """Require a sender address and a known transport security where a server is set."""
    if not settings.EMAIL_HOST:
        return []
    errors: list[CheckMessage] = []
    if "@" not in settings.DEFAULT_FROM_EMAIL:
        errors.append(
            Error(
                "SKERRY_SMTP_HOST is set, but SKERRY_SMTP_FROM is not an address.",
                hint="Set SKERRY_SMTP_FROM to the address e-mails come from.",
                id="notifications.E001",
            )
        )
    if settings.SMTP_SECURITY not in ("starttls", "tls", "none"):
        errors.append(
            Error(
                f"SKERRY_SMTP_SECURITY is {settings.SMTP_SECURITY!r}.",
                hint="Use starttls (port 587), tls (port 465) or none (a relay on this machine).",
                id="notifications.E002",
            )
        )
    return errors
