"""Forms of the room."""

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core.forms import Form
from appliance.notifications import queries
from appliance.notifications.models import Mail, OutgoingEmail, Preference
from appliance.notifications.recipients import BY_MAIL, kinds_of


class PreferencesForm(Form):
    """One line a kind: in the window, by mail."""

    is_quiet_when_away = forms.BooleanField(
        label=_("No e-mails while out of office"),
        required=False,
        help_text=_(
            "Uses the out-of-office setting in your profile. Notifications in the app continue."
        ),
    )

    def __init__(
        self, data: dict | None = None, *, user: User, chosen: Preference | None = None
    ) -> None:
        super().__init__(data)
        self.kinds = kinds_of(user)
        self.fields["is_quiet_when_away"].initial = chosen.is_quiet_when_away if chosen else True
        for kind in self.kinds:
            in_window = chosen.in_window.get(kind, True) if chosen else True
            by_mail = chosen.by_mail.get(kind, BY_MAIL[kind]) if chosen else BY_MAIL[kind]
            self.fields[f"window_{kind}"] = forms.BooleanField(
                label=_("%(kind)s: in the app") % {"kind": kind.label},
                required=False,
                initial=in_window,
                widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
            )
            self.fields[f"mail_{kind}"] = forms.ChoiceField(
                label=_("%(kind)s: by e-mail") % {"kind": kind.label},
                choices=Mail.choices,
                initial=by_mail,
                widget=forms.Select(attrs={"class": "form-select form-select-sm"}),
            )

    def lines(self) -> list[dict]:
        """Kind with its two fields, in the order of the page."""
        return [
            {"kind": kind, "window": self[f"window_{kind}"], "mail": self[f"mail_{kind}"]}
            for kind in self.kinds
        ]

    def values(self) -> dict:
        """What ``set_preferences`` takes."""
        data = self.cleaned_data
        return {
            "in_window": {kind.value: data[f"window_{kind}"] for kind in self.kinds},
            "by_mail": {kind.value: data[f"mail_{kind}"] for kind in self.kinds},
            "is_quiet_when_away": data["is_quiet_when_away"],
        }


class MailFilterForm(Form):
    """Filters of the outgoing mail page, from its query string."""

    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), *OutgoingEmail.State.choices],
    )
    to = forms.CharField(label=_("To"), max_length=254, required=False)

    def filters(self) -> queries.EmailFilter:
        """The filter; an invalid value in the query string is ignored."""
        self.is_valid()
        return queries.EmailFilter(
            state=self.cleaned_data.get("state", ""), to=self.cleaned_data.get("to", "")
        )
