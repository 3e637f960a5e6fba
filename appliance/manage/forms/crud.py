"""What every list and every edited row has in common."""

from datetime import date

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from appliance.core.forms import Form


class DayField(forms.DateField):
    """A day a computer of our time can count from."""

    widget = forms.DateInput(attrs={"type": "date"})
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
        """The search words and the cursor of the page."""
        self.is_valid()
        return self.cleaned_data.get("q", ""), self.cleaned_data.get("after", "")


class SeenForm(Form):
    """Travels with an edited row: which state of it the person had before them."""

    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def stamp(self) -> str:
        self.is_valid()
        return self.cleaned_data.get("seen", "")


class MoveForm(Form):
    direction = forms.ChoiceField(choices=[("up", _("Up")), ("down", _("Down"))])

    def is_up(self) -> bool:
        return self.is_valid() and self.cleaned_data["direction"] == "up"


class ChangesForm(Form):
    """Narrows the log of changes."""

    q = forms.CharField(
        label=_("User or object"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("Until"), required=False)
    after = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)

    def filters(self) -> dict:
        self.is_valid()
        data = self.cleaned_data
        return {"text": data.get("q", ""), "since": data.get("since"), "until": data.get("until")}

    def cursor(self) -> str:
        return self.cleaned_data.get("after", "")


class LinesField(forms.CharField):
    """Several short texts, one a line. Its value is a list; empty lines are nothing."""

    widget = forms.Textarea

    def prepare_value(self, value: object) -> object:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: object) -> list[str]:
        text = super().to_python(value) or ""
        return [line.strip() for line in text.splitlines() if line.strip()]

    def run_validators(self, value: list[str]) -> None:
        super().run_validators("\n".join(value))

    def has_changed(self, initial: object, data: object) -> bool:
        return list(initial or []) != self.to_python(data)
