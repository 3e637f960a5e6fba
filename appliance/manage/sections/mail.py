"""Sections of mailboxes and blocked senders."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.mail import queries as mail_queries
from appliance.mail import services as mail_services
from appliance.mail.forms import BlockedSenderForm, MailboxForm
from appliance.mail.models import BlockedSender, Mailbox
from appliance.manage.sections.section import Column, Section


def _describe_state(mailbox: Mailbox) -> str:
    """Return in plain words how the mailbox works at the moment."""
    if mailbox.last_error:
        return _("Fails: %(error)s") % {"error": mailbox.last_error}
    if mailbox.last_success_at is None:
        return _("Nothing received yet")
    return _("Works")


MAILBOXES: Section[Mailbox] = Section(
    slug="mailboxes",
    object_slug="mailbox",
    title=gettext_lazy("Mailboxes"),
    icon="bi-mailbox",
    is_grave=True,
    about=gettext_lazy("Where e-mail comes in, and to which team and category it goes."),
    help=gettext_lazy("Changes apply within seconds. The test saves nothing."),
    list_entries=mail_queries.list_mailboxes,
    access_entry=mail_queries.access_mailbox,
    columns=(
        Column(gettext_lazy("Name"), lambda mailbox: mailbox.name),
        Column(gettext_lazy("Address"), lambda mailbox: mailbox.sender_address or "–", True),
        Column(gettext_lazy("Team"), lambda mailbox: mailbox.team or "–"),
        Column(gettext_lazy("Category"), lambda mailbox: mailbox.category or "–"),
        Column(gettext_lazy("Status"), _describe_state),
    ),
    form=lambda data, viewer, entry: MailboxForm(data, mailbox=entry),
    add=mail_services.add_mailbox,
    add_label=gettext_lazy("Add mailbox"),
    change=mail_services.change_mailbox,
    remove=mail_services.remove_mailbox,
    remove_label=gettext_lazy("Remove"),
    consequences=lambda mailbox: [
        _("E-mail is no longer received from it."),
        _("Tickets that came from it stay, and so do the e-mails on the mail server."),
    ],
    aside_template="manage/_mailbox.html",
)

BLOCKED_SENDERS: Section[BlockedSender] = Section(
    slug="blocked-senders",
    object_slug="blocked-sender",
    title=gettext_lazy("Blocked senders"),
    icon="bi-slash-circle",
    about=gettext_lazy("E-mail from these addresses and domains is ignored and not answered."),
    list_entries=mail_queries.list_blocked_senders,
    access_entry=mail_queries.access_blocked_sender,
    columns=(
        Column(gettext_lazy("Address or domain"), lambda blocked: blocked.pattern),
        Column(gettext_lazy("Note"), lambda blocked: blocked.note, True),
    ),
    form=lambda data, viewer, entry: BlockedSenderForm(data, blocked_sender=entry),
    add=mail_services.add_blocked_sender,
    add_label=gettext_lazy("Block sender"),
    change=mail_services.change_blocked_sender,
    remove=mail_services.remove_blocked_sender,
    remove_label=gettext_lazy("Unblock"),
    consequences=lambda blocked: [_("New e-mail from there is received again.")],
)
