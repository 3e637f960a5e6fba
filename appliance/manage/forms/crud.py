"""Forms that the pages of every section share, and fields of their forms."""

from datetime import date
from typing import TYPE_CHECKING, TypedDict

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from appliance.core.forms import Form

if TYPE_CHECKING:  # at run time the stubs are not installed
    from django_stubs_ext import StrOrPromise


class DayField(forms.DateField):
    """A date within the range that time zones and PostgreSQL can compute with."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_validators = [MinValueValidator(date(1970, 1, 2)), MaxValueValidator(date(9000, 1, 1))]


class ListForm(Form):
    """Search words and page cursor. Invalid values are ignored, never an error."""

    q = forms.CharField(
        label=_("Search"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    after = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)

    def search_and_cursor(self) -> tuple[str, str]:
        """Return the search words and the cursor of the page."""
        self.is_valid()
        return self.cleaned_data.get("q", ""), self.cleaned_data.get("after", "")


class VersionForm(Form):
    """Sent with the form of an entry: the version of the entry that the user was shown."""

    version = forms.CharField(
        label=_("Version you saw"), max_length=64, required=False, widget=forms.HiddenInput
    )

    def value(self) -> str:
        """Return the version; empty when the page sent none."""
        self.is_valid()
        return self.cleaned_data.get("version", "")


class MoveForm(Form):
    direction = forms.ChoiceField(choices=[("up", _("Up")), ("down", _("Down"))])

    def is_up(self) -> bool:
        return self.is_valid() and self.cleaned_data["direction"] == "up"


class AuditLogFilters(TypedDict):
    """The arguments of ``queries.list_audit_log``."""

    text: str
    since: date | None
    until: date | None


class AuditLogForm(Form):
    """Filters and page cursor of the audit log."""

    q = forms.CharField(
        label=_("User or object"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("Until"), required=False)
    after = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)

    def filters(self) -> AuditLogFilters:
        """Return the filters; an invalid value in the query string is ignored."""
        self.is_valid()
        data = self.cleaned_data
        return {"text": data.get("q", ""), "since": data.get("since"), "until": data.get("until")}

    def cursor(self) -> str:
        self.is_valid()
        return self.cleaned_data.get("after", "")


class LinesField(forms.Field):
    """Several short texts, one a line. Its value is a list without empty lines."""

    def __init__(
        self,
        *,
        max_length: int,
        label: "StrOrPromise",
        help_text: "StrOrPromise",
        widget: forms.Widget,
        required: bool = True,
    ) -> None:
        self.text_field = forms.CharField(max_length=max_length, required=False)
        super().__init__(label=label, help_text=help_text, widget=widget, required=required)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, object]:
        return self.text_field.widget_attrs(widget)

    def prepare_value(self, value: object) -> object:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: object) -> list[str]:
        text = self.text_field.to_python(value) or ""
        return [line.strip() for line in text.splitlines() if line.strip()]

    def run_validators(self, value: list[str]) -> None:
        self.text_field.run_validators("\n".join(value))

    def has_changed(self, initial: object, data: object) -> bool:
        lines = list(initial) if isinstance(initial, list | tuple) else []
        return lines != self.to_python(data)
