"""Form of identity providers."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import IdentityProvider, Role
from appliance.core.forms import Form
from appliance.manage.forms.crud import LinesField


class GroupRulesField(LinesField):
    """One rule a line: ``group = role`` or ``group = role, team``. Its value is a list of objects.

    Text and objects are converted with the teams as they are now.
    """

    def prepare_value(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        names = {team.pk: team.name for team in accounts_queries.list_teams(only_active=False)}
        return "\n".join(_describe(rule, names) for rule in value or [])

    def clean(self, value: object) -> Any:
        teams = {team.name.lower(): team.pk for team in accounts_queries.list_teams()}
        return [_parse(line, teams) for line in super().clean(value)]

    def has_changed(self, initial: object, data: object) -> bool:
        return str(self.prepare_value(initial)) != str(data or "")


def _describe(rule: Mapping[str, Any], names: Mapping[int, str]) -> str:
    team = f", {names.get(rule['team'], '?')}" if rule["team"] else ""
    return f"{rule['group']} = {rule['role']}{team}"


def _parse(line: str, teams: Mapping[str, int]) -> dict[str, Any]:
    group, separator, right = (part.strip() for part in line.rpartition("="))
    role, _comma, team = (part.strip() for part in right.partition(","))
    if not separator or not group or role not in Role.values:
        raise ValidationError(
            _("“%(line)s” is no rule. Write: group = agent, or group = agent, name of the team")
            % {"line": line}
        )
    if team and team.lower() not in teams:
        raise ValidationError(_("There is no team “%(team)s”.") % {"team": team})
    return {"group": group, "role": role, "team": teams[team.lower()] if team else None}


class IdentityProviderForm(Form):
    """An identity provider; the secret is never shown again."""

    name = forms.CharField(
        label=gettext_lazy("Text of the button"),
        max_length=80,
        help_text=gettext_lazy("For example “Sign in with your site account”."),
    )
    issuer = forms.CharField(
        label=gettext_lazy("Issuer"),
        max_length=300,
        help_text=gettext_lazy(
            "The URL of the server, for example https://login.site.example/realms/site"
        ),
    )
    client_id = forms.CharField(label=gettext_lazy("Client ID"), max_length=200)
    client_secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
        help_text=gettext_lazy("Stored encrypted. Leave empty to keep the stored one."),
    )
    ca_certificate = forms.CharField(
        label=gettext_lazy("CA certificate"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Of the authority that issued the server's certificate, in PEM format. Leave empty if "
            "this machine trusts it already."
        ),
    )
    email_claim = forms.CharField(
        label=gettext_lazy("Claim with the e-mail address"), max_length=80, initial="email"
    )
    is_trusted_for_email = forms.BooleanField(
        label=gettext_lazy("Trust e-mail addresses that are not called verified"),
        required=False,
        help_text=gettext_lazy(
            "Only if nobody can enter an address of somebody else there. Otherwise the claim "
            "email_verified must be true."
        ),
    )
    links_accounts = forms.BooleanField(
        label=gettext_lazy("Sign in to existing accounts with the same e-mail address"),
        required=False,
        help_text=gettext_lazy(
            "Whoever administers the server can then sign in as anybody, administrators included."
        ),
    )
    creates_customers = forms.BooleanField(
        label=gettext_lazy("Create customers at their first sign-in"), required=False
    )
    replaces_second_factor = forms.BooleanField(
        label=gettext_lazy("The server checks a second factor"),
        required=False,
        help_text=gettext_lazy("Who signs in this way is not asked to set one up here."),
    )
    groups_claim = forms.CharField(
        label=gettext_lazy("Claim with the groups"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("Leave empty to manage roles and teams here."),
    )
    group_rules = GroupRulesField(
        label=gettext_lazy("Roles and teams of groups"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One rule a line, for example “helpdesk = agent, First level”. Roles: customer, agent, "
            "admin. The highest counts; whoever is in none of the groups becomes a customer."
        ),
    )
    is_active = forms.BooleanField(label=gettext_lazy("Offer on the sign-in page"), required=False)

    def __init__(
        self, data: Mapping[str, Any] | None, provider: IdentityProvider | None = None
    ) -> None:
        provider = provider or IdentityProvider()
        initial = {name: getattr(provider, name) for name in self.base_fields}
        super().__init__(data, initial=initial | {"client_secret": ""})
