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
            "If it was you, sign in or choose a new password there:\n\n%(link)s\n\n"
            "If it was not you, do nothing."
        ),
        link=("account_login",),
    )


def send_reset_link(person: User, token: str) -> None:
    """Send the link to choose a new password."""
    _send(
        person,
        key=f"reset:{hash_token(token)}",
        subject=_("Choose a new password"),
        body=_(
            "Somebody has asked for a new password for your account at %(site)s. If it was you, "
            "open this link within a day and choose one:\n\n%(link)s\n\n"
            "If it was not you, do nothing: your password stays as it is."
        ),
        link=("set-password", token),
    )


def send_directory_hint(person: User) -> None:
    """Tell somebody that the password is that of the directory."""
    _send(
        person,
        key=f"reset:{hash_token(generate_token())}",
        subject=_("Your password"),
        body=_(
            "Somebody has asked for a new password for your account at %(site)s. You sign in there "
            "with the password of your organisation's directory: have it changed there. If it was "
            "not you, do nothing."
        ),
        link=("account_login",),
    )


def send_password_changed(person: User) -> None:
    """Tell somebody that their password was changed."""
    _send(
        person,
        key=f"password:{hash_token(generate_token())}",
        subject=_("Your password was changed"),
        body=_(
            "The password of your account at %(site)s was changed. If it was you, there is "
            "nothing to do. If it was not you, choose a new one at once:\n\n%(link)s"
        ),
        link=("forgot-password",),
    )


def send_address_link(person: User, email: str, token: str) -> None:
    """Send the link that makes an address that of a log-in."""
    _send(
        person,
        to=email,
        key=f"address:{hash_token(token)}",
        subject=_("Confirm your new e-mail address"),
        body=_(
            "%(name)s wants to sign in with this address at %(site)s. If it was you, open this "
            "link within three days and sign in with the address you had until now:\n\n"
            "%(link)s\n\nIf it was not you, do nothing."
        ),
        link=("confirm-email", token),
    )


def send_address_changed(person: User, email: str) -> None:
    """Tell the address that a log-in had until now which one it has."""
    _send(
        person,
        key=f"address:{hash_token(generate_token())}",
        subject=_("Your e-mail address was changed"),
        body=_(
            "The address of your account at %(site)s is %(email)s from now on. If it was not "
            "you who changed it, tell an administrator at once."
        ),
        link=("account_login",),
        email=email,
    )


def send_notice(email: str, subject: str, body: str) -> None:
    """Tell somebody what has happened to their log-in."""
    queue_email(key=f"log-in:{hash_token(generate_token())}", to=email, subject=subject, body=body)


def _send(
    person: User,
    *,
    key: str,
    subject: Promise,
    body: Promise,
    link: tuple[str, ...],
    to: str = "",
    email: str = "",
) -> None:
    """Queue an e-mail in the person's language; ``link`` is the name of a page and its argument.

    It goes to the address of the log-in unless ``to`` says another; ``email`` stands in the text.
    """
    site = core_queries.site_settings()
    with translation.override(person.language or site.language):
        queue_email(
            key=key,
            to=to or person.email,
            user=person,
            subject=str(subject),
            body=str(body)
            % {
                "site": site.name,
                "link": texts.absolute_url(*link),
                "name": person,
                "email": email,
            },
        )
