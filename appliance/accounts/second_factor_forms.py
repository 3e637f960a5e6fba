"""Forms of second factors: django-allauth's in our look, with our limits."""

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts import services
from appliance.accounts.models import User
from appliance.accounts.security import forgive_codes, may_try_code
from appliance.core.forms import BootstrapFormMixin

MAX_CODE_CHARACTERS = 20
DAMAGES = (KeyError, TypeError, ValueError, AttributeError)  # of what a browser sends for a key


def code_field(**attrs: object) -> forms.CharField:
    widget = forms.TextInput(
        attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, **attrs}
    )
    return forms.CharField(label=_("Code"), max_length=MAX_CODE_CHARACTERS, widget=widget)


def key_name_field() -> forms.CharField:
    return forms.CharField(
        label=_("Name"),
        max_length=80,
        required=False,
        help_text=_("For example the kind of key, or where you keep it."),
    )


class CodeFormMixin(BootstrapFormMixin):
    """Check a code against all factors of the user, within the limit."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        if not may_try_code(self.user):
            raise get_account_adapter().validation_error("too_many_login_attempts")
        code = self.cleaned_data["code"]
        factor = services.use_code(person=self.user, code=code)
        if factor is None:
            get_account_adapter().record_wrong_code(self.user)
            raise get_adapter().validation_error("incorrect_code")
        forgive_codes(self.user)
        factor.user = self.user
        self.authenticator = factor
        return code


class AuthenticateForm(CodeFormMixin, base_forms.AuthenticateForm):
    code = code_field()


class ReauthenticateForm(CodeFormMixin, base_forms.ReauthenticateForm):
    code = code_field()


class ActivateTOTPForm(BootstrapFormMixin, totp_forms.ActivateTOTPForm):
    code = code_field()

    def clean_code(self) -> str:
        self.cleaned_data["code"] = "".join(self.cleaned_data["code"].split())
        return super().clean_code()


class CredentialFormMixin(forms.BaseForm):
    """Refuse a damaged answer of a key, for which django-allauth fails."""

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except DAMAGES as error:
            raise get_adapter().validation_error("incorrect_code") from error


class LoginWebAuthnForm(CredentialFormMixin, webauthn_forms.LoginWebAuthnForm):
    pass


class AuthenticateWebAuthnForm(CredentialFormMixin, webauthn_forms.AuthenticateWebAuthnForm):
    pass


class ReauthenticateWebAuthnForm(CredentialFormMixin, webauthn_forms.ReauthenticateWebAuthnForm):
    pass


class AddWebAuthnForm(BootstrapFormMixin, webauthn_forms.AddWebAuthnForm):
    name = key_name_field()
    passwordless = forms.BooleanField(
        label=_("Sign in with this key alone (passkey)"),
        required=False,
        initial=True,
        help_text=_("Without a password. The key asks for its PIN, a fingerprint or your face."),
    )

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except DAMAGES as error:
            raise get_adapter().validation_error("incorrect_code") from error


class EditWebAuthnForm(BootstrapFormMixin, webauthn_forms.EditWebAuthnForm):
    name = forms.CharField(label=_("Name"), max_length=80)
