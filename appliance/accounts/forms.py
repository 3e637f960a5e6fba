"""Forms for people: shape and types only; who may do what is decided in services."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from appliance.core.forms import Form, Styled


class LoginForm(Styled, AuthenticationForm):
    """Log-in by e-mail, whatever its case."""

    username = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    error_messages = {
        "invalid_login": "E-mail or password is wrong. In the password, capital and small letters "
        "differ.",
        "inactive": "E-mail or password is wrong.",
    }

    def clean_username(self) -> str:
        return self.cleaned_data["username"].strip().lower()


class PersonForm(Form):
    """Name, e-mail and a password twice: for registration and for the first admin."""

    first_name = forms.CharField(
        max_length=80, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        max_length=80, required=False, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        max_length=200,
        strip=False,
        help_text="At least 10 characters. A short sentence is easy to keep and hard to guess.",
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict:
        data = super().clean()
        if data.get("password") != data.get("password_again"):
            self.add_error("password_again", "The two passwords differ. Type the same one twice.")
        return data

    def person(self) -> dict[str, str]:
        """What ``accounts.services`` calls a person."""
        names = ("email", "first_name", "last_name", "password")
        return {name: self.cleaned_data[name] for name in names}


class RegisterForm(PersonForm):
    organisation_said = forms.CharField(label="Organisation", max_length=120, required=False)
    field_order = ["first_name", "last_name", "email", "organisation_said", "password"]

    def person(self) -> dict[str, str]:
        return super().person() | {"organisation_said": self.cleaned_data["organisation_said"]}
