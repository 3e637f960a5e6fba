"""The report form, read from the query string."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.core.forms import Form
from appliance.reports.models import Dimension
from appliance.reports.periods import MAX_DAYS, Period, Preset, period_of_preset
from appliance.reports.queries import ReportQuery

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

EARLIEST = date(2000, 1, 1)


def _date_field(label: "StrOrPromise") -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Enter the date as 2026-03-31.")},
    )


class ReportForm(Form):
    """Period and grouping of a report; the default is the last 30 days by category."""

    span = forms.ChoiceField(label=_("Period"), choices=Preset.choices, required=False)
    start = _date_field(_("From"))
    end = _date_field(_("Until"))
    by = forms.ChoiceField(label=_("Group by"), choices=Dimension.choices, required=False)
    of = forms.IntegerField(min_value=0, max_value=2**62, required=False)

    def __init__(self, data: Mapping[str, str], *, today: date) -> None:
        form_values = {name: data[name] for name in self.base_fields if name in data}
        super().__init__({"span": Preset.MONTH, "by": Dimension.CATEGORY} | form_values)
        self.today = today

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("span") == Preset.CUSTOM and not self.errors:
            self._check_custom_range(data.get("start"), data.get("end"))
        return data

    def _check_custom_range(self, start: date | None, end: date | None) -> None:
        for name, day in (("start", start), ("end", end)):
            if day is None:
                self.add_error(name, _("Choose a date."))
            elif not EARLIEST <= day <= max(self.today, timezone.localdate()):
                self.add_error(name, _("Choose a date between 2000 and today."))
        if self.errors or start is None or end is None:
            return
        if start > end:
            self.add_error("end", _("The end date is before the start date."))
        elif (end - start).days >= MAX_DAYS:
            self.add_error(
                "start",
                _(
                    "The time range is limited to two years: choose a later start or an "
                    "earlier end."
                ),
            )

    def report_query(self) -> ReportQuery:
        """Return the query of a valid form."""
        data = self.cleaned_data
        preset = data["span"] or Preset.MONTH
        if preset == Preset.CUSTOM:
            # where the reader is, tomorrow may have begun
            period = Period(min(data["start"], self.today), min(data["end"], self.today))
        else:
            period = period_of_preset(preset, self.today)
        return ReportQuery(period, data["by"] or Dimension.CATEGORY, data.get("of"))
