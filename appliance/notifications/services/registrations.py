"""E-mails about log-ins: to people who register, or who confirm their address."""

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.accounts.security import generate_token, hash_token
from appliance.core import queries as core_queries
from appliance.notifications import queries, texts
from appliance.notifications.services.outbox import queue_email


def can_send_links() -> bool:
    """Return whether a mail server and the address of the help desk are known."""
    return queries.has_smtp() and bool(texts.absolute_url("account_login"))


def send_confirmation_link(person: User, token: str) -> None:
    """Send the link that confirms the address of a log-in."""
    _send(
        person,
        key=f"confirmation:{hash_token(token)}",
        subject=_("Confirm your e-mail address"),
        body=_(
            "Somebody has registered with this address at %(site)s. If it was you, open this "
            "link within three days and sign in with the password you chose:\n\n%(link)s\n\n"
            "If it was not you, do nothing: nobody can read your tickets."
        ),
        link=("confirm-email", token),
    )


def send_password_link(person: User, token: str) -> None:
    """Send the link with which the address is confirmed and a password chosen."""
    _send(
        person,
        key=f"registration:{hash_token(token)}",
        subject=_("Finish your registration"),
        body=_(
            "Somebody has registered with this address at %(site)s. If it was you, open this "
            "link within a week and choose a password:\n\n%(link)s\n\n"
            "If it was not you, do nothing."
        ),
        link=("set-password", token),
    )


def send_known_address(person: User) -> None:
    """Tell somebody that they have an account already."""
    _send(
        person,
        key=f"registration:{hash_token(generate_token())}",
        subject=_("You already have an account"),
        body=_(
            "Somebody has registered with this address at %(site)s, but it has an account. "
            "If it was you, sign in:\n\n%(link)s\n\n"
            "If you have forgotten your password or cannot sign in, ask the help desk for a "
            "link to set a new one. If it was not you, do nothing."
        ),
        link=("account_login",),
    )


def send_notice(email: str, subject: str, body: str) -> None:
    """Tell somebody what has happened to their log-in."""
    queue_email(key=f"log-in:{hash_token(generate_token())}", to=email, subject=subject, body=body)


def _send(
    person: User, *, key: str, subject: Promise, body: Promise, link: tuple[str, ...]
) -> None:
    """Queue an e-mail in the person's language; ``link`` is the name of a page and its argument."""
    site = core_queries.site_settings()
    with translation.override(person.language or site.language):
        queue_email(
            key=key,
            to=person.email,
            user=person,
            subject=str(subject),
            body=str(body) % {"site": site.name, "link": texts.absolute_url(*link)},
        )
