"""Forms for outgoing e-mail: the mail server, sender addresses and texts."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team
from appliance.core.forms import Form
from appliance.notifications.models import EmailSettings, Security, SenderAddress
from appliance.notifications.senders import MailServer
from appliance.tickets.models import Channel

SERVER_FIELDS = ("host", "port", "security", "user", "password")


class EmailSettingsForm(Form):
    """The mail server and the rules; the fields of a server of the environment are read-only."""

    host = forms.CharField(
        label=_("Host name"),
        max_length=253,
        required=False,
        help_text=_("Its name, such as mail.example.org. Empty: no e-mails are sent."),
    )
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65_535)
    security = forms.ChoiceField(label=_("Security"), choices=Security.choices)
    user = forms.CharField(
        label=_("User name"),
        max_length=254,
        required=False,
        help_text=_("Empty: the server wants no password."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=500,
        required=False,
        strip=False,
        help_text=_("Stored encrypted. Leave empty to keep the one that is stored."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    ca_certificate = forms.CharField(
        label=_("CA certificate"),
        max_length=100_000,
        required=False,
        help_text=_(
            "PEM, of the certificate authority of your site, if this machine does not trust it."
        ),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    acknowledged_channels = forms.MultipleChoiceField(
        label=_("Acknowledge new tickets by"),
        choices=Channel.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The customer gets the number of the ticket. Automatic e-mails get none."),
    )
    max_acknowledgements_per_hour = forms.IntegerField(
        label=_("Acknowledgements to one address per hour"), min_value=1, max_value=100
    )
    max_emails_per_minute = forms.IntegerField(
        label=_("E-mails per minute"),
        min_value=1,
        max_value=10_000,
        help_text=_("More of them wait; replies go first."),
    )
    max_attachments_mb = forms.IntegerField(
        label=_("Attachments of one e-mail (MB)"),
        min_value=1,
        max_value=100,
        help_text=_("The e-mail names the files beyond, and links to the ticket."),
    )

    GROUPS = (
        (_("Mail server"), (*SERVER_FIELDS, "ca_certificate")),
        (_("Acknowledgement"), ("acknowledged_channels", "max_acknowledgements_per_hour")),
        (_("Limits"), ("max_emails_per_minute", "max_attachments_mb")),
    )

    def __init__(
        self, data: QueryDict | None, *, settings: EmailSettings, server: MailServer
    ) -> None:
        names = [name for name in self.base_fields if name != "password"]
        initial = {name: getattr(settings, name) for name in names}
        if server.is_from_environment:
            initial |= {name: getattr(server, name) for name in ("host", "port", "user")}
            initial["security"] = server.security.value
        super().__init__(data, initial=initial)
        self.is_from_environment = server.is_from_environment
        for name in SERVER_FIELDS if server.is_from_environment else ():
            self.fields[name].disabled = True

    def groups(self) -> list[tuple[str | Promise, list[forms.BoundField]]]:
        """Return the title and the fields of each group of the page."""
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]

    def values(self) -> dict[str, Any]:
        """Return what is to be saved: without a password the stored one stays, if it has a user."""
        values = dict(self.cleaned_data)
        if self.is_from_environment:
            return {name: value for name, value in values.items() if name not in SERVER_FIELDS}
        if not values["password"] and values["user"]:
            del values["password"]
        return values


class TestEmailForm(Form):
    to = forms.EmailField(label=_("Send to"), max_length=254)


class SenderAddressForm(Form):
    address = forms.EmailField(label=_("E-mail address"), max_length=254)
    display_name = forms.CharField(
        label=_("Display name"),
        max_length=80,
        required=False,
        help_text=_("Recipients see it beside the address. Empty: the name of the help desk."),
    )
    team: "forms.ModelChoiceField[Team]" = forms.ModelChoiceField(
        label=_("Team"),
        queryset=None,
        required=False,
        empty_label=_("No team"),
        help_text=_("Its tickets are answered from this address."),
    )
    signature = forms.CharField(
        label=_("Signature"),
        max_length=2000,
        required=False,
        help_text=_("Below every e-mail about a ticket from this address. Markdown supported."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    is_default = forms.BooleanField(
        label=_("Default address"),
        required=False,
        help_text=_("Used for tickets whose team has no address of its own."),
    )
    uses_sub_addresses = forms.BooleanField(
        label=_("Replies come back to a sub-address"),
        required=False,
        help_text=_(
            "Replies go to desk+…@example.org, by which they find their ticket. Turn this off if "
            "your mail server does not deliver such addresses to the mailbox."
        ),
    )

    def __init__(
        self, data: QueryDict | None = None, *, sender_address: SenderAddress | None = None
    ) -> None:
        row = sender_address or SenderAddress()
        super().__init__(data, initial={name: getattr(row, name) for name in self.base_fields})
        self.initial["team"] = row.team_id
        self.set_queryset("team", accounts_queries.list_teams())


class EmailTextForm(Form):
    subject = forms.CharField(label=_("Subject"), max_length=250)
    body = forms.CharField(
        label=_("Text"),
        max_length=10_000,
        help_text=_("Markdown supported."),
        widget=forms.Textarea(attrs={"rows": 14}),
    )
