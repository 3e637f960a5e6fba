"""Writes to mailboxes, blocked senders and the settings of received e-mail, by admins."""

import ipaddress
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, server_tls
from appliance.core.errors import BadInputError
from appliance.mail import imap, queries
from appliance.mail.models import BlockedSender, Mailbox, MailSettings

PLACE_FIELDS = ("host", "port", "user", "folder")  # of another place, the UIDs mean nothing


@transaction.atomic
def add_mailbox(*, by: User, **fields: Any) -> Mailbox:
    """Add a mailbox. An active one is fetched within seconds."""
    require_admin(by)
    mailbox = Mailbox(**fields)
    _require_usable(mailbox)
    try:
        with transaction.atomic():
            mailbox.save()
    except IntegrityError as error:
        raise _name_taken() from error
    audit.record_change(by=by, verb="added", subject=mailbox, data={"user": mailbox.user})
    return mailbox


@transaction.atomic
def change_mailbox(*, mailbox: Mailbox, by: User, **fields: Any) -> None:
    """Change a mailbox; an empty ``password`` leaves it as it is."""
    require_admin(by)
    locked = Mailbox.objects.select_for_update(of=["self"]).get(pk=mailbox.pk)
    fields = with_password(locked, fields)
    is_elsewhere = any(fields[name] != getattr(locked, name) for name in PLACE_FIELDS)
    password = fields.pop("password")
    _require_usable(Mailbox(**fields, password=password))
    audit.update_fields(locked, by=by, duplicate_error=_name_taken(), **fields)
    if password != locked.password:
        locked.password = password
        locked.save(update_fields=["password"])
        audit.record_change(by=by, verb="changed", subject=locked, data={"secret": True})
    if is_elsewhere:
        locked.uid_validity, locked.last_uid = None, 0
    locked.last_error, locked.failures = "", 0
    locked.failing_since = locked.next_try_at = None
    locked.save()
    mailbox.refresh_from_db()


def with_password(mailbox: Mailbox | None, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a form with the stored password where none was typed.

    Raises BadInputError where it would be sent to another server than it was entered for.
    """
    if mailbox is None or fields["password"] or not mailbox.password:
        return fields
    if (fields["host"], fields["user"]) != (mailbox.host, mailbox.user):
        raise BadInputError(
            _("Enter the password again, because the server or the user name is another."),
            field="password",
        )
    return fields | {"password": mailbox.password}


@transaction.atomic
def remove_mailbox(*, mailbox: Mailbox, by: User) -> None:
    """Delete a mailbox; e-mails it has received, and those on the server, stay."""
    require_admin(by)
    audit.record_change(by=by, verb="removed", subject=mailbox)
    mailbox.delete()


def try_mailbox(*, mailbox: Mailbox) -> list[str]:
    """Connect, log in and open the folder; return what was seen. Changes nothing.

    ``mailbox`` need not be saved. Raises BadInputError that says what is wrong.
    """
    _require_usable(mailbox)
    try:
        with imap.connected(mailbox, seconds=imap.TEST_SECONDS) as client:
            folders = imap.list_folders(client)
            imap.select(client, mailbox, is_read_only=True)
            new_count = len(client.search(["UNSEEN", "NOT", "DELETED"]))
            has_idle = client.has_capability("IDLE")
    except imap.MailServerError as error:
        raise BadInputError(str(error)) from error
    return [
        _("Connected and logged in."),
        _("Folders: %(names)s.") % {"names": ", ".join(folders[:30])},
        _("Unread e-mails in %(folder)s: %(count)d. Each becomes a ticket or a reply.")
        % {"folder": mailbox.folder, "count": new_count},
        _("The server announces new e-mail at once (IDLE).")
        if has_idle
        else _("The server does not announce new e-mail; it is fetched at the interval."),
    ]


def _require_usable(mailbox: Mailbox) -> None:
    if not mailbox.is_fetched:
        if mailbox.sender_address is None:
            raise BadInputError(
                _("Choose the address that the mail server delivers to."), field="sender_address"
            )
        return
    for name, message in (
        ("host", _("Enter the name of the mail server.")),
        ("user", _("Enter the user name.")),
        ("password", _("Enter the password.")),
    ):
        if not getattr(mailbox, name):
            raise BadInputError(message, field=name)
    if mailbox.security == Mailbox.Security.PLAIN and not server_tls.is_loopback(mailbox.host):
        raise BadInputError(
            _("Without TLS, only a mail server on this machine is used."), field="security"
        )
    if mailbox.after_reading == Mailbox.AfterReading.MOVE and not mailbox.target_folder:
        raise BadInputError(_("Enter the folder to move e-mails to."), field="target_folder")
    if mailbox.target_folder and mailbox.target_folder == mailbox.folder:
        raise BadInputError(_("Choose another folder than the one above."), field="target_folder")
    server_tls.require_certificates(mailbox.ca_certificate, field="ca_certificate")


def _name_taken() -> BadInputError:
    return BadInputError(_("There is a mailbox with this name already."), field="name")


@transaction.atomic
def change_mail_settings(*, by: User, **fields: Any) -> None:
    """Change the limits and the listener, which restarts within seconds."""
    require_admin(by)
    for network in fields.get("networks", ()):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise BadInputError(
                _("“%(text)s” is not a network. Enter it like 10.1.0.0/16.") % {"text": network},
                field="networks",
            ) from error
    MailSettings.objects.get_or_create(pk=1)
    audit.update_fields(MailSettings.objects.select_for_update().get(), by=by, **fields)


@transaction.atomic
def add_blocked_sender(*, by: User, pattern: str, note: str = "") -> BlockedSender:
    """Ignore e-mail from an address, or from all of a domain (@example.org), from now on."""
    blocked = BlockedSender(pattern=_clean_pattern(pattern), note=note)
    try:
        with transaction.atomic():
            blocked.save()
    except IntegrityError as error:
        raise _already_blocked() from error
    audit.record_change(by=by, verb="added", subject=blocked)
    return blocked


def change_blocked_sender(
    *, blocked_sender: BlockedSender, by: User, pattern: str, note: str
) -> None:
    require_admin(by)
    audit.update_fields(
        blocked_sender,
        by=by,
        duplicate_error=_already_blocked(),
        pattern=_clean_pattern(pattern),
        note=note,
    )


@transaction.atomic
def remove_blocked_sender(*, blocked_sender: BlockedSender, by: User) -> None:
    require_admin(by)
    audit.record_change(by=by, verb="removed", subject=blocked_sender)
    blocked_sender.delete()


def _clean_pattern(text: str) -> str:
    pattern = text.strip().lower()
    local_part, sign, domain = pattern.rpartition("@")
    if not sign or "." not in domain.strip(".") or " " in pattern or "@" in local_part:
        raise BadInputError(
            _("Enter an address such as mail@example.org, or a domain such as @example.org."),
            field="pattern",
        )
    if queries.is_own(pattern):
        raise BadInputError(_("This is an address of the help desk."), field="pattern")
    return pattern


def _already_blocked() -> BadInputError:
    return BadInputError(_("This sender is blocked already."), field="pattern")
