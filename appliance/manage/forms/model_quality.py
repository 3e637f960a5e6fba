"""Form of the reference month and the thresholds of model quality."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.core.forms import Form
from appliance.manage.model_quality import PERCENT_MEASURES
from appliance.triage.drift import queries as drift_queries
from appliance.triage.drift import references
from appliance.triage.drift.measures import DEFAULT_THRESHOLDS
from appliance.triage.models import DriftSettings, Measure


class ModelQualityForm(Form):
    """Thresholds are entered as they are shown: shares in percentage points."""

    reference = forms.ChoiceField(
        label=gettext_lazy("Reference month"),
        required=False,
        help_text=gettext_lazy(
            "Automatic is the first complete month with 100 tickets since the classifier is "
            "active; until there is one, an earlier month."
        ),
    )

    def __init__(self, data: QueryDict | None = None, *, settings: DriftSettings) -> None:
        super().__init__(data)
        self.set_choices("reference", [("", _("Automatic")), *_list_months(settings)])
        chosen = settings.chosen_reference
        self.fields["reference"].initial = chosen.isoformat() if chosen else ""
        for measure, threshold in drift_queries.thresholds_of(settings).items():
            self.fields[measure.value] = _threshold_field(measure, threshold)

    def values(self) -> Mapping[str, Any]:
        """Return the reference month, None for automatic, and the threshold of each measure."""
        chosen = self.cleaned_data["reference"]
        return {
            "reference": date.fromisoformat(chosen) if chosen else None,
            "thresholds": {
                measure.value: round(self.cleaned_data[measure.value] / _scale(measure), 4)
                for measure in Measure
            },
        }

    @property
    def threshold_fields(self) -> list[forms.BoundField]:
        return [self[measure.value] for measure in Measure]


def _list_months(settings: DriftSettings) -> list[tuple[str, str]]:
    """Return the months that can be the reference with their numbers of tickets, newest first."""
    text = _("%(month)s (%(tickets)s)")
    return [
        (
            month.isoformat(),
            text
            % {
                "month": date_format(month, "YEAR_MONTH_FORMAT"),
                "tickets": ngettext("%(n)d ticket", "%(n)d tickets", count) % {"n": count},
            },
        )
        for month, count in reversed(references.list_candidates(settings).items())
    ]


def _threshold_field(measure: Measure, threshold: float) -> forms.FloatField:
    is_percent = measure in PERCENT_MEASURES
    default = round(DEFAULT_THRESHOLDS[measure] * _scale(measure), 2)
    text = _("Default: %(default)s percentage points.") if is_percent else _("Default: %(default)s")
    return forms.FloatField(
        label=measure.label,
        initial=round(threshold * _scale(measure), 2),
        min_value=1 if is_percent else 0.01,
        max_value=100 if is_percent else 20,
        help_text=text % {"default": f"{default:g}"},
        widget=forms.NumberInput(attrs={"step": "any", "class": "form-control"}),
    )


def _scale(measure: Measure) -> int:
    return 100 if measure in PERCENT_MEASURES else 1
