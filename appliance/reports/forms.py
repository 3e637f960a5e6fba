"""The report form, read from the query string."""

from datetime import date

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.core.forms import Form
from appliance.reports import periods
from appliance.reports.models import Dimension
from appliance.reports.periods import MAX_DAYS, Period, Preset
from appliance.reports.queries import ReportQuery

EARLIEST = date(2000, 1, 1)


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Enter the date as 2026-03-31.")},
    )


class ReportForm(Form):
    """Period and grouping of a report; the default is the last 30 days by category."""

    span = forms.ChoiceField(label=_("Time"), choices=Preset.choices, required=False)
    start = _day(_("From"))
    end = _day(_("Until"))
    by = forms.ChoiceField(label=_("Group by"), choices=Dimension.choices, required=False)
    of = forms.IntegerField(min_value=0, max_value=2**62, required=False)

    def __init__(self, data: dict, *, today: date) -> None:
        values = {name: data[name] for name in self.base_fields if name in data}
        super().__init__({"span": Preset.MONTH, "by": Dimension.CATEGORY} | values)
        self.today = today

    def clean(self) -> dict:
        data = super().clean()
        if data.get("span") == Preset.OWN and not self.errors:
            self._check(data.get("start"), data.get("end"))
        return data

    def _check(self, start: date | None, end: date | None) -> None:
        for name, day in (("start", start), ("end", end)):
            if day is None:
                self.add_error(name, _("Choose a date."))
            elif not EARLIEST <= day <= self.today:
                self.add_error(name, _("Choose a date between 2000 and today."))
        if self.errors:
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
        span = data["span"] or Preset.MONTH
        if span == Preset.OWN:
            period = Period(data["start"], data["end"])
        else:
            period = periods.of_preset(span, self.today)
        return ReportQuery(period, data["by"] or Dimension.CATEGORY, data.get("of"))
