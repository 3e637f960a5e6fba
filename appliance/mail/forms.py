"""Forms for mailboxes, blocked senders and the settings of received e-mail.

``values()`` returns the arguments of the services.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team
from appliance.core.forms import Form
from appliance.mail.models import (
    MAX_MESSAGE_MB,
    BlockedSender,
    InboundEmail,
    Mailbox,
    MailSettings,
)
from appliance.notifications.models import SenderAddress
from appliance.tickets.models import TicketCategory


class MailboxForm(Form):
    """A mailbox; the password is never shown again."""

    name = forms.CharField(label=_("Name"), max_length=80)
    is_active = forms.BooleanField(label=_("Active"), required=False)
    kind = forms.ChoiceField(
        label=_("How e-mail comes in"),
        choices=Mailbox.Kind.choices,
        help_text=_("For deliveries, switch the listener on under “Incoming e-mail”."),
    )
    sender_address = forms.ModelChoiceField(
        label=_("Address"),
        queryset=SenderAddress.objects.all(),
        required=False,
        empty_label=_("None"),
        help_text=_("The sender address of the help desk whose e-mail comes in here."),
    )
    host = forms.CharField(label=_("Mail server"), max_length=253, required=False)
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, initial=993)
    security = forms.ChoiceField(
        label=_("Security"),
        choices=Mailbox.Security.choices,
        help_text=_("TLS is usual on port 993, STARTTLS on port 143."),
    )
    ca_certificate = forms.CharField(
        label=_("CA certificate"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_(
            "Of the authority that issued the server's certificate, in PEM format. Leave empty if "
            "this machine trusts it already."
        ),
    )
    user = forms.CharField(
        label=_("User name"),
        max_length=254,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
        help_text=_("Stored encrypted. Leave empty to keep the stored one."),
    )
    folder = forms.CharField(label=_("Folder"), max_length=200, initial="INBOX", required=False)
    after_reading = forms.ChoiceField(
        label=_("After an e-mail was received"), choices=Mailbox.AfterReading.choices
    )
    target_folder = forms.CharField(label=_("Folder to move to"), max_length=200, required=False)
    poll_seconds = forms.IntegerField(
        label=_("Interval in seconds"), min_value=15, max_value=86400, initial=60
    )
    uses_idle = forms.BooleanField(
        label=_("Let the server announce new e-mail (IDLE)"), required=False, initial=True
    )
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.filter(is_active=True),
        required=False,
        empty_label=_("None: assignment rules decide"),
    )
    category = forms.ModelChoiceField(
        label=_("Category"),
        queryset=TicketCategory.objects.filter(is_active=True),
        required=False,
        empty_label=_("None: tickets are classified"),
    )
    unknown_senders = forms.ChoiceField(
        label=_("E-mail from unknown senders"), choices=Mailbox.UnknownSenders.choices
    )
    spam = forms.ChoiceField(
        label=_("E-mail marked as spam by the mail server"), choices=Mailbox.Spam.choices
    )
    accepts_automatic = forms.BooleanField(
        label=_("Accept automatic e-mails"),
        required=False,
        help_text=_(
            "Alerts of machines and e-mails of mailing lists open tickets, which are not "
            "acknowledged. Otherwise only answers to tickets are kept."
        ),
    )

    def __init__(
        self, data: Mapping[str, object] | None = None, *, mailbox: Mailbox | None = None
    ) -> None:
        super().__init__(data, initial=_initial(self, mailbox))
        kind = data.get("kind") if data else (mailbox or Mailbox()).kind
        if kind != Mailbox.Kind.DELIVERED:
            self.fields["host"].required = self.fields["user"].required = True
            self.fields["password"].required = not (mailbox and mailbox.password)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        data["folder"] = data.get("folder") or "INBOX"
        return data


def _initial(form: Form, mailbox: Mailbox | None) -> dict[str, object]:
    mailbox = mailbox or Mailbox()
    initial = {name: getattr(mailbox, name) for name in type(form).base_fields}
    for name in ("sender_address", "team", "category"):
        initial[name] = getattr(mailbox, f"{name}_id")
    return initial | {"password": ""}


class BlockedSenderForm(Form):
    pattern = forms.CharField(
        label=_("Address or domain"),
        max_length=254,
        help_text=_("mail@example.org, or @example.org for a domain and those below it."),
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        blocked_sender: BlockedSender | None = None,
    ) -> None:
        initial = {}
        if blocked_sender:
            initial = {"pattern": blocked_sender.pattern, "note": blocked_sender.note}
        super().__init__(data, initial=initial)


class MailSettingsForm(Form):
    """Limits and the listener."""

    max_message_mb = forms.IntegerField(
        label=_("Largest e-mail in MB"),
        min_value=1,
        max_value=MAX_MESSAGE_MB,
        help_text=_(
            "Of a larger one in a mailbox, the beginning is received: the text without the files. "
            "A larger delivery is refused."
        ),
    )
    max_answers_per_hour = forms.IntegerField(
        label=_("Automatic answers to one address in an hour"), min_value=0, max_value=100
    )
    spam_header = forms.CharField(label=_("Header that marks spam"), max_length=60, required=False)
    spam_value = forms.CharField(label=_("Its value begins with"), max_length=60, required=False)
    is_listening = forms.BooleanField(
        label=_("Listen for deliveries of the mail server"), required=False
    )
    protocol = forms.ChoiceField(label=_("Protocol"), choices=MailSettings.Protocol.choices)
    bind = forms.GenericIPAddressField(
        label=_("Address to listen on"),
        help_text=_("127.0.0.1 for a mail server on this machine, 0.0.0.0 for all networks."),
    )
    port = forms.IntegerField(label=_("Port"), min_value=1024, max_value=65535)
    networks = forms.CharField(
        label=_("Networks that may deliver"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line, such as 10.1.2.3 or 10.1.0.0/16. This machine always may."),
    )

    def __init__(self, data: Mapping[str, object] | None, *, mail_settings: MailSettings) -> None:
        initial = {name: getattr(mail_settings, name) for name in type(self).base_fields}
        super().__init__(data, initial=initial | {"networks": "\n".join(mail_settings.networks)})

    def clean_networks(self) -> list[str]:
        return self.cleaned_data["networks"].split()


class EmailStateForm(Form):
    """Which received e-mails are listed. An invalid value is ignored."""

    STATES = (
        InboundEmail.State.HELD,
        InboundEmail.State.FAILED,
        InboundEmail.State.IGNORED,
        InboundEmail.State.REFUSED,
        InboundEmail.State.RECEIVED,
    )
    state = forms.ChoiceField(
        label=_("Status"),
        choices=[(state.value, state.label) for state in STATES],
        required=False,
    )

    def value(self) -> str:
        return self.cleaned_data["state"] if self.is_valid() else ""
