"""What an admin sets for outgoing e-mails: the mail server, sender addresses and texts."""

import smtplib
import ssl
import uuid

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from appliance import egress_guard
from appliance.accounts.models import Team, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError
from appliance.notifications import email_texts, senders, smtp
from appliance.notifications.models import EmailSettings, EmailText, Kind, Security, SenderAddress
from appliance.tickets.email_marks import DESK_HEADER, desk_id

MAX_PORT = 65_535


@transaction.atomic
def change_email_settings(*, by: User, **values: object) -> EmailSettings:
    """Change some fields of the settings; what differs is recorded, but never the password.

    Raises BadInputError with the name of the field for an invalid value.
    """
    require_admin(by)
    row, _created = EmailSettings.objects.select_for_update().get_or_create(pk=1)
    security = values.get("security", row.security)
    host = str(values.get("host", row.host))
    if host and security == Security.NONE and not egress_guard.is_this_machine(host):
        raise BadInputError(
            _("Only a mail server on this machine may be used without TLS: localhost."),
            field="security",
        )
    is_other_server = (host, values.get("port", row.port)) != (row.host, row.port)
    if is_other_server and row.password and "password" not in values and values.get("user"):
        raise BadInputError(
            _("Enter the password again: it is only sent to the server it was entered for."),
            field="password",
        )
    if certificate := str(values.get("ca_certificate", "")):
        _check_certificate(certificate)
    audit.update_fields(row, by=by, duplicate_error=None, **values)
    return row


def _check_certificate(pem: str) -> None:
    try:
        smtp.tls_context(pem)
    except (ssl.SSLError, ValueError) as error:
        raise BadInputError(
            _("This is no certificate in PEM. It begins with -----BEGIN CERTIFICATE-----."),
            field="ca_certificate",
        ) from error


def send_test_email(*, by: User, to: str) -> None:
    """Send an e-mail at once with the saved settings.

    Raises BadInputError that says in plain words why it cannot be sent.
    """
    require_admin(by)
    server, sender = senders.find_mail_server(), senders.find_sender()
    if not server.host:
        raise BadInputError(_("Enter the mail server and save first."), field="to")
    if sender is None:
        raise BadInputError(_("Add a sender address first."), field="to")
    site_name = core_queries.site_settings().name
    with smtp.connect(server) as connection:
        message = EmailMultiAlternatives(
            _("Test e-mail of %(site)s") % {"site": site_name},
            _("The mail server works: %(site)s can send e-mails.") % {"site": site_name} + "\n",
            from_email=sender.header,
            to=[to],
            headers={
                "Auto-Submitted": "auto-generated",
                "Message-ID": f"<{uuid.uuid4().hex}@{sender.domain}>",
                DESK_HEADER: desk_id(),
            },
            connection=connection,
        )
        try:
            message.send()
        except (smtplib.SMTPException, OSError) as error:
            raise BadInputError(smtp.describe_error(error, server), field="to") from error
    audit.record_change(by=by, verb="tested", subject=senders.email_settings())


@transaction.atomic
def add_sender_address(*, by: User, **values: object) -> SenderAddress:
    """Add an address. The first one is the default."""
    require_admin(by)
    row = SenderAddress()
    if not SenderAddress.objects.exists():
        values["is_default"] = True
    _write(row, by, values)
    audit.record_change(by=by, verb="added", subject=row)
    return row


@transaction.atomic
def change_sender_address(*, sender_address: SenderAddress, by: User, **values: object) -> None:
    """Change an address. The default one stays the default until another one becomes it."""
    require_admin(by)
    if sender_address.is_default and values.get("is_default") is False:
        raise BadInputError(
            _("This is the default address. Make another one the default instead."),
            field="is_default",
        )
    _write(sender_address, by, values)


def _write(row: SenderAddress, by: User, values: dict[str, object]) -> None:
    team = values.get("team")
    others = SenderAddress.objects.exclude(pk=row.pk)
    if isinstance(team, Team) and (other := others.filter(team=team).first()):
        raise BadInputError(
            _("%(team)s already has the address %(email)s.")
            % {"team": team, "email": other.address},
            field="team",
        )
    if others.filter(address__iexact=str(values["address"])).exists():
        raise BadInputError(_("This address is in the list already."), field="address")
    if values.get("is_default"):
        others.filter(is_default=True).update(is_default=False)
    if row.pk:
        audit.update_fields(row, by=by, duplicate_error=None, **values)
        return
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


@transaction.atomic
def remove_sender_address(*, sender_address: SenderAddress, by: User) -> None:
    """Remove an address. Raises BadInputError while something needs it."""
    require_admin(by)
    is_last = not SenderAddress.objects.exclude(pk=sender_address.pk).exists()
    if sender_address.is_default and not is_last:
        raise BadInputError(_("This is the default address. Make another one the default first."))
    audit.record_change(by=by, verb="removed", subject=sender_address)
    try:
        with transaction.atomic():
            sender_address.delete()
    except ProtectedError as error:
        raise BadInputError(
            _("A mailbox answers from this address. Change the mailbox first.")
        ) from error


@transaction.atomic
def change_email_text(*, by: User, kind: Kind, language: str, subject: str, body: str) -> None:
    """Replace a shipped text. Raises BadInputError that names what is wrong and its field."""
    require_admin(by)
    email_texts.check(kind, subject, body)
    row = EmailText.objects.select_for_update().filter(kind=kind, language=language).first()
    row = row or EmailText(kind=kind, language=language)
    row.subject, row.body = subject, body
    row.save()
    audit.record_change(by=by, verb="changed", subject=row, data={"subject": subject})


@transaction.atomic
def reset_email_text(*, by: User, kind: Kind, language: str) -> None:
    """Return to the shipped text."""
    require_admin(by)
    row = EmailText.objects.select_for_update().filter(kind=kind, language=language).first()
    if row:
        audit.record_change(by=by, verb="removed", subject=row)
        row.delete()
