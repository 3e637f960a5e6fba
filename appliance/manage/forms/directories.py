"""Forms on directories: how they are reached, what is taken over, what groups mean."""

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from cryptography import x509
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.operation.search import parse_filter
from ldap3.utils.dn import parse_dn

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Role, Team
from appliance.core.forms import Form
from appliance.core.server_tls import is_loopback
from appliance.directory.models import DefaultAccess, Directory, Security
from appliance.directory.presets import NEEDED_ATTRIBUTES, NOT_TAKEN_OVER, Attribute, DirectoryKind
from appliance.manage.forms.crud import LinesField

MAX_CERTIFICATE_CHARACTERS = 100_000
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:]+\]?")
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
ATTRIBUTE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]*")
FieldGroup = tuple[Promise, list[forms.BoundField], bool]


def validate_dn(text: str) -> None:
    """Raise ValidationError unless the text is a DN."""
    try:
        parse_dn(text)
    except (LDAPExceptionError, IndexError) as error:
        message = _("This is not a DN. Example: %(example)s")
        raise ValidationError(message % {"example": "ou=people,dc=clinic,dc=example"}) from error


def validate_filter(text: str) -> None:
    """Raise ValidationError unless the text is an LDAP filter."""
    try:
        parse_filter(
            text, None, auto_escape=False, auto_encode=True, validator=None, check_names=False
        )
    except LDAPExceptionError as error:
        message = _("This is not an LDAP filter. Example: %(example)s")
        raise ValidationError(message % {"example": "(objectClass=inetOrgPerson)"}) from error


class DirectoryForm(Form):
    """All settings of a directory. The password is never shown; empty, it stays."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("Shown to people who sign in, for example the name of the domain."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=DirectoryKind.choices,
        help_text=gettext_lazy("Sets the filter and the attributes, unless you enter others."),
    )
    is_active = forms.BooleanField(
        label=gettext_lazy("Switched on"),
        required=False,
        help_text=gettext_lazy("People can sign in, and the sync runs. Test it first."),
    )
    servers = LinesField(
        label=gettext_lazy("Servers"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One host name a line, as in its certificate. They are tried in this order."
        ),
    )
    security = forms.ChoiceField(label=gettext_lazy("Encryption"), choices=Security.choices)
    port = forms.IntegerField(
        label=gettext_lazy("Port"),
        required=False,
        min_value=1,
        max_value=65535,
        help_text=gettext_lazy("Empty: 636 for LDAPS, 389 otherwise."),
    )
    ca_certificate = forms.CharField(
        label=gettext_lazy("CA certificate"),
        max_length=MAX_CERTIFICATE_CHARACTERS,
        required=False,
        widget=forms.Textarea(
            attrs={
                "rows": 3,
                "spellcheck": "false",
                "data-file-text": gettext_lazy("Read it from a file"),
            }
        ),
        help_text=gettext_lazy(
            "In PEM (-----BEGIN CERTIFICATE-----). Empty: the CAs that this machine trusts."
        ),
    )
    bind_dn = forms.CharField(
        label=gettext_lazy("Bind name"),
        max_length=500,
        required=False,
        help_text=gettext_lazy(
            "An account that may read people and groups, nothing else. Empty: anonymous."
        ),
    )
    bind_password = forms.CharField(
        label=gettext_lazy("Password of the bind name"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Stored encrypted and never shown. Empty: no change."),
    )
    base_dn = forms.CharField(
        label=gettext_lazy("Base DN"),
        max_length=500,
        validators=[validate_dn],
        help_text=gettext_lazy("Below it all people are, for example dc=clinic,dc=example."),
    )
    domains = LinesField(
        label=gettext_lazy("E-mail domains"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One a line, for example clinic.example. Only addresses in them are taken over, and "
            "whoever types one at log-in is looked up here."
        ),
    )
    user_filter = forms.CharField(
        label=gettext_lazy("User filter"),
        max_length=1000,
        required=False,
        validators=[validate_filter],
    )
    default_access = forms.ChoiceField(
        label=gettext_lazy("People in none of the groups"), choices=DefaultAccess.choices
    )
    links_existing_accounts = forms.BooleanField(
        label=gettext_lazy("Link accounts that exist here"),
        required=False,
        help_text=gettext_lazy(
            "An account with the address of an entry then signs in with the directory's password "
            "only. The last administrator with a password of this help desk is never linked."
        ),
    )
    max_disabled_percent = forms.IntegerField(
        label=gettext_lazy("Stop above (percent)"),
        min_value=1,
        max_value=100,
        help_text=gettext_lazy(
            "A sync that would take account or role from more people stops and asks."
        ),
    )
    max_failed_logins = forms.IntegerField(
        label=gettext_lazy("Wrong passwords within 30 minutes"),
        min_value=1,
        max_value=50,
        help_text=gettext_lazy(
            "The directory is asked no more often for one account. Keep it below the number at "
            "which your directory locks an account."
        ),
    )

    def __init__(self, data: QueryDict | None, directory: Directory | None = None) -> None:
        shown = directory or Directory(kind=DirectoryKind.ACTIVE_DIRECTORY)
        initial = {name: getattr(shown, name) for name in self.base_fields}
        super().__init__(data, initial=initial | {"bind_password": ""})
        self.fields["user_filter"].widget.attrs["placeholder"] = shown.preset.user_filter
        for attribute in Attribute:
            self._add_attribute(attribute, shown)

    def groups(self) -> list[FieldGroup]:
        """Return title and fields of each part of the form, and whether it may stay folded."""
        attributes = [f"attribute_{name}" for name in Attribute.values]
        parts = [
            (gettext_lazy("Directory"), ("name", "kind", "is_active"), False),
            (
                gettext_lazy("Connection"),
                ("servers", "security", "port", "ca_certificate", "bind_dn", "bind_password"),
                False,
            ),
            (gettext_lazy("People"), ("base_dn", "domains", "user_filter"), False),
            (gettext_lazy("Attributes"), attributes, True),
            (
                gettext_lazy("Sign-in and safety"),
                (
                    "default_access",
                    "links_existing_accounts",
                    "max_disabled_percent",
                    "max_failed_logins",
                ),
                False,
            ),
        ]
        return [
            (title, self._bound(names), is_folded and not self._has_errors(names))
            for title, names, is_folded in parts
        ]

    def clean_servers(self) -> list[str]:
        servers = [_host_of(line) for line in self.cleaned_data["servers"]]
        for host in servers:
            if not HOST.fullmatch(host):
                raise ValidationError(
                    _("%(host)s is no host name. Enter names only, without ldap:// and port.")
                    % {"host": host}
                )
        return servers

    def clean_domains(self) -> list[str]:
        domains = [line.lower().lstrip("@") for line in self.cleaned_data["domains"]]
        for domain in domains:
            if not DOMAIN.fullmatch(domain):
                raise ValidationError(_("%(name)s is no domain.") % {"name": domain})
        return list(dict.fromkeys(domains))

    def clean_ca_certificate(self) -> str:
        text = self.cleaned_data["ca_certificate"].strip()
        if text:
            try:
                x509.load_pem_x509_certificates(text.encode())
            except ValueError as error:
                raise ValidationError(
                    _("This is no certificate in PEM. It begins with -----BEGIN CERTIFICATE-----.")
                ) from error
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("security") == Security.PLAIN:
            for host in data.get("servers", []):
                if not is_loopback(host):
                    message = _("%(host)s is another machine. Choose LDAPS or StartTLS.")
                    self.add_error("security", message % {"host": host})
        if data.get("bind_dn") == "" and data.get("bind_password"):
            self.add_error("bind_dn", _("Enter the bind name that this password belongs to."))
        return data

    def values(self) -> dict[str, Any]:
        """Return the arguments of the services; the attributes in one value."""
        values = {name: self.cleaned_data[name] for name in self.base_fields}
        attributes = {name: self.cleaned_data[f"attribute_{name}"] for name in Attribute.values}
        return values | {"attributes": {name: text for name, text in attributes.items() if text}}

    def _add_attribute(self, attribute: Attribute, directory: Directory) -> None:
        self.fields[f"attribute_{attribute}"] = field = forms.CharField(
            label=attribute.label,
            max_length=80,
            required=False,
            validators=[partial(_validate_attribute, attribute=attribute)],
            widget=forms.TextInput(
                attrs={
                    "class": "form-control",
                    "placeholder": directory.preset.attributes[attribute],
                    "spellcheck": "false",
                }
            ),
        )
        field.initial = directory.attributes.get(attribute, "")
        self.initial[f"attribute_{attribute}"] = field.initial

    def _bound(self, names: Iterable[str]) -> list[forms.BoundField]:
        return [self[name] for name in names]

    def _has_errors(self, names: Iterable[str]) -> bool:
        return any(self[name].errors for name in names)


class TestDirectoryForm(Form):
    """Somebody to look for while a directory is tried out."""

    __test__ = False  # no test, although its name begins like one
    person = forms.CharField(
        label=gettext_lazy("Somebody to look for"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Login name, e-mail address or a part of the name. Empty: nobody."),
    )


class GroupMappingForm(Form):
    """What the members of a group become here."""

    group_dn = forms.CharField(
        label=gettext_lazy("Group"),
        max_length=500,
        validators=[validate_dn],
        help_text=gettext_lazy(
            "Its full DN. Members of groups in it count, too. In Active Directory the primary "
            "group (mostly Domain Users) has no members."
        ),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    teams = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Teams"),
        queryset=Team.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("From then on the directory alone decides who is in these teams."),
    )

    def __init__(self, data: QueryDict | None) -> None:
        super().__init__(data, initial={"role": Role.AGENT})
        self.set_queryset("teams", accounts_queries.list_teams())


class RunKindForm(forms.Form):
    """Which run a button starts."""

    kind = forms.ChoiceField(choices=[("full", "full"), ("preview", "preview")])


def _host_of(line: str) -> str:
    """Return the host of a line, which may have been copied as a URL."""
    return re.sub(r"^ldaps?://|/.*$|:\d+/?$", "", line.strip(), flags=re.IGNORECASE)


def _validate_attribute(text: str, attribute: Attribute) -> None:
    if text == NOT_TAKEN_OVER and attribute not in NEEDED_ATTRIBUTES:
        return
    if not ATTRIBUTE_NAME.fullmatch(text):
        raise ValidationError(_("This is not the name of an attribute."))
