"""Forms for log-in, registration, passwords and the profile."""

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ReauthenticateForm as AllauthReauthenticateForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from appliance.accounts import choices
from appliance.accounts.models import User
from appliance.accounts.security import accepts_login_names
from appliance.core.clean_text import clean_email
from appliance.core.forms import BootstrapFormMixin, Form, add_bootstrap_class

NEW_PASSWORD_INPUT = forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"})


def current_password_field(**attrs: object) -> forms.CharField:
    """Return the field of a password that exists already."""
    widget = forms.PasswordInput(attrs={"autocomplete": "current-password", **attrs})
    return forms.CharField(label=_("Password"), max_length=200, strip=False, widget=widget)


class LoginForm(BootstrapFormMixin, AllauthLoginForm):
    """Log-in by e-mail address, whatever its case, or by the login name of a directory."""

    password = current_password_field()

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        attributes = {"autocomplete": "username", "autofocus": True}
        field: forms.Field = forms.EmailField(
            label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs=attributes)
        )
        if accepts_login_names():
            widget = forms.TextInput(attrs={**attributes, "autocapitalize": "none"})
            field = forms.CharField(label=_("E-mail or login name"), max_length=254, widget=widget)
        self.fields["login"] = add_bootstrap_class(field)

    def clean_login(self) -> str:
        return clean_email(self.cleaned_data["login"])


class EmailForm(Form):
    """The address a link is sent to."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class ReauthenticateForm(BootstrapFormMixin, AllauthReauthenticateForm):
    """The password again, before something grave."""

    password = current_password_field(autofocus=True)


class NewPasswordForm(Form):
    """A new password, typed twice. All that is wrong with it is told at once.

    ``person`` is whose password it is, None for a person whom the form describes.
    """

    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        help_text=_(
            "At least 10 characters. A short sentence is easy to remember and hard to guess."
        ),
        widget=NEW_PASSWORD_INPUT,
    )
    password_again = forms.CharField(
        label=_("Confirm password"), max_length=200, strip=False, widget=NEW_PASSWORD_INPUT
    )

    def __init__(self, *args: object, person: User | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        password, again = data.get("password"), data.get("password_again")
        if password and again and password != again:
            self.add_error(
                "password_again", _("The passwords do not match. Enter the same password twice.")
            )
        if password:
            self._check_strength(password, self.person or self._described_person(data))
        return data

    def _check_strength(self, password: str, person: User) -> None:
        try:
            validate_password(password, person)
        except ValidationError as error:
            self.add_error("password", error)

    def _described_person(self, data: dict[str, Any]) -> User:
        names = ("email", "first_name", "last_name")
        return User(**{name: data.get(name, "") for name in names})


class PersonForm(NewPasswordForm):
    """Name, e-mail and password: for registration and for the first admin."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    field_order = ["first_name", "last_name", "email", "password", "password_again"]

    def user_data(self) -> dict[str, str]:
        """Return the arguments with which ``accounts.services`` creates a user."""
        names = ("email", "first_name", "last_name", "password")
        return {name: self.cleaned_data[name] for name in names if name in self.fields}


class RegisterForm(PersonForm):
    """Registration of a customer; ``is_by_email`` where a link to set the password is sent."""

    claimed_organisation = forms.CharField(label=_("Organisation"), max_length=120, required=False)
    field_order = ["first_name", "last_name", "email", "claimed_organisation", "password"]

    def __init__(self, *args: object, is_by_email: bool) -> None:
        super().__init__(*args)
        if is_by_email:
            del self.fields["password"], self.fields["password_again"]

    def user_data(self) -> dict[str, str]:
        return super().user_data() | {
            "claimed_organisation": self.cleaned_data["claimed_organisation"]
        }


class ChangePasswordForm(NewPasswordForm):
    """A password that replaces another."""

    def __init__(self, *args: object, person: User) -> None:
        super().__init__(*args, person=person)
        self.fields["password"].label = _("New password")
        self.fields["password_again"].label = _("Confirm new password")


class ProfileForm(Form):
    """What users change about themselves; ``signature`` and ``is_away`` for agents only."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    signature = forms.CharField(
        label=_("Signature"),
        max_length=1000,
        required=False,
        help_text=_("Appended to your replies. Markdown supported."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    is_away = forms.BooleanField(
        label=_("Out of office"),
        required=False,
        help_text=_(
            "You will not be auto-assigned tickets. Colleagues can still assign them to you."
        ),
    )

    def __init__(self, *args: object, person: User, **kwargs: object) -> None:
        initial = {name: getattr(person, name) for name in self.base_fields}
        super().__init__(*args, initial=initial, **kwargs)
        site_default = ("", _("Default"))
        self.set_choices("language", [site_default, *choices.languages()])
        self.set_choices("time_zone", [site_default, *choices.time_zones()])
        if person.is_from_directory:
            for name in ("first_name", "last_name"):
                self.fields[name].disabled = True
        if not person.is_agent:
            del self.fields["signature"], self.fields["is_away"]
