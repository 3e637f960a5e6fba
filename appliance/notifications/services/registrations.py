"""E-mails to people who register; see ``accounts.services.registration``."""

from django.utils import translation
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.security import generate_token, hash_token
from appliance.core import queries as core_queries
from appliance.notifications import queries, texts
from appliance.notifications.services.outbox import queue_email


def can_send_links() -> bool:
    """Return whether a mail server and the address of the help desk are known."""
    return queries.has_smtp() and bool(texts.absolute_url("login"))


def send_password_link(person: User, token: str) -> None:
    """Send the link with which the address is confirmed and a password chosen."""
    site = core_queries.site_settings()
    with translation.override(person.language or site.language):
        queue_email(
            key=f"registration:{hash_token(token)}",
            to=person.email,
            user=person,
            subject=_("Finish your registration"),
            body=_(
                "Somebody has registered with this address at %(site)s. If it was you, open this "
                "link within a week and choose a password:\n\n%(link)s\n\n"
                "If it was not you, do nothing."
            )
            % {"site": site.name, "link": texts.absolute_url("set-password", token)},
        )


def send_known_address(person: User) -> None:
    """Tell somebody that they have an account already."""
    site = core_queries.site_settings()
    with translation.override(person.language or site.language):
        queue_email(
            key=f"registration:{hash_token(generate_token())}",
            to=person.email,
            user=person,
            subject=_("You already have an account"),
            body=_(
                "Somebody has registered with this address at %(site)s, but it has an account. "
                "If it was you, sign in:\n\n%(link)s\n\n"
                "If you have forgotten your password or cannot sign in, ask the help desk for a "
                "link to set a new one. If it was not you, do nothing."
            )
            % {"site": site.name, "link": texts.absolute_url("login")},
        )
