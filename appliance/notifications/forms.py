"""Forms of the notification settings and of the outbox."""

from dataclasses import dataclass
from typing import TypedDict

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core.forms import Form
from appliance.notifications import queries
from appliance.notifications.models import EmailFrequency, Kind, OutgoingEmail, Preference
from appliance.notifications.recipients import chosen_channels, kinds_of


@dataclass(frozen=True)
class ChannelFields:
    """The two fields of one kind."""

    kind: Kind
    in_window: forms.BoundField
    by_mail: forms.BoundField


class PreferenceValues(TypedDict):
    """The arguments of ``services.set_preferences``."""

    in_window: dict[str, bool]
    by_mail: dict[str, str]
    is_quiet_when_away: bool


class PreferencesForm(Form):
    """For each kind of notification: whether in the app, and how often by e-mail."""

    is_quiet_when_away = forms.BooleanField(
        label=_("No e-mails while out of office"),
        required=False,
        help_text=_(
            "Uses the out-of-office setting in your profile. Notifications in the app continue."
        ),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user: User,
        preference: Preference | None = None,
    ) -> None:
        super().__init__(data)
        self.kinds = kinds_of(user)
        is_quiet = preference.is_quiet_when_away if preference else True
        self.fields["is_quiet_when_away"].initial = is_quiet
        for kind in self.kinds:
            channels = chosen_channels(kind, preference)
            self.fields[f"window_{kind}"] = forms.BooleanField(
                label=_("%(kind)s: in the app") % {"kind": kind.label},
                required=False,
                initial=channels.in_window,
                widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
            )
            self.fields[f"mail_{kind}"] = forms.ChoiceField(
                label=_("%(kind)s: by e-mail") % {"kind": kind.label},
                choices=EmailFrequency.choices,
                initial=channels.by_mail,
                widget=forms.Select(attrs={"class": "form-select form-select-sm"}),
            )

    def channel_fields(self) -> list[ChannelFields]:
        """Return the fields of each kind, in the order of the page."""
        return [
            ChannelFields(kind, self[f"window_{kind}"], self[f"mail_{kind}"]) for kind in self.kinds
        ]

    def values(self) -> PreferenceValues:
        data = self.cleaned_data
        return {
            "in_window": {kind.value: data[f"window_{kind}"] for kind in self.kinds},
            "by_mail": {kind.value: data[f"mail_{kind}"] for kind in self.kinds},
            "is_quiet_when_away": data["is_quiet_when_away"],
        }


class EmailFilterForm(Form):
    """Filters of the outbox, from its query string."""

    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), *OutgoingEmail.State.choices],
    )
    to = forms.CharField(label=_("To"), max_length=254, required=False)

    def filters(self) -> queries.EmailFilter:
        """Return the filters; an invalid value in the query string is ignored."""
        self.is_valid()
        return queries.EmailFilter(
            state=self.cleaned_data.get("state", ""), to=self.cleaned_data.get("to", "")
        )
