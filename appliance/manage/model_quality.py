"""The page of model quality: its measures in words, their charts, and its figures as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from appliance.core.types import keep_together
from appliance.reports.charts import Chart, ChartData, ChartLine
from appliance.tickets import queries as tickets_queries
from appliance.triage.drift.queries import DriftReport, MeasureReport, MonthValue
from appliance.triage.models import Measure

NO_VALUE = "–"
MAX_SHARES = 5  # of a mix, those that changed most
PERCENT_MEASURES = {
    Measure.OVERRIDES,
    Measure.COVERAGE,
    Measure.CALIBRATION,
    Measure.VOCABULARY,
}
STATES: dict[str, tuple[str | Promise, str]] = {  # words, and the icon beside them
    "stable": (gettext_lazy("Stable"), "check-circle"),
    "watch": (gettext_lazy("Watch"), "eye"),
    "alarm": (gettext_lazy("Alarm"), "exclamation-triangle"),
    "unknown": (gettext_lazy("Not enough tickets"), "dash-circle"),
    "waiting": (gettext_lazy("Waiting for the models"), "hourglass-split"),
    "reference": (gettext_lazy("Reference month"), "bookmark"),
}
MEANINGS: dict[Measure, str | Promise] = {
    Measure.OVERRIDES: gettext_lazy(
        "Share of the decided tickets whose category an agent changed. If it rises, the "
        "classifier is wrong more often, or a category now means something else."
    ),
    Measure.COVERAGE: gettext_lazy(
        "Share of the tickets for which the classifier decided a category. If it falls, more "
        "tickets are unlike those it knows."
    ),
    Measure.CALIBRATION: gettext_lazy(
        "Expected calibration error: how far confidence and share of right predictions are apart "
        "on tickets whose category an agent confirmed or corrected. Agents correct more than they "
        "confirm, so compare it with the reference instead of 0 %."
    ),
    Measure.CLASSES: gettext_lazy(
        "Population stability index of the predicted categories. 0 is the same mix; from 0.2 "
        "tickets are about other things than in the reference month."
    ),
    Measure.VOCABULARY: gettext_lazy(
        "Share of the words that are in no ticket of the reference month. The reference is how "
        "often that happens within the month itself."
    ),
    Measure.LANGUAGES: gettext_lazy("Population stability index of the languages of the tickets."),
    Measure.SENTIMENTS: gettext_lazy(
        "Population stability index of negative, neutral and positive tickets."
    ),
    Measure.LENGTH: gettext_lazy(
        "Population stability index of the number of words, in five classes that hold a fifth of "
        "the reference month each."
    ),
    Measure.CENTROID: gettext_lazy(
        "How far the mean of the ticket vectors moved: 0.2 is a fifth of the usual distance "
        "between a ticket and the mean. It notices new subjects before they have a category."
    ),
}
ACTIONS: dict[Measure, str | Promise] = {
    Measure.OVERRIDES: gettext_lazy(
        "Look at the corrected tickets. Make the descriptions and examples of the categories "
        "clearer, or agree on what each category holds."
    ),
    Measure.COVERAGE: gettext_lazy(
        "Read some uncategorised tickets. Add example phrases, or a category that is missing."
    ),
    Measure.CALIBRATION: gettext_lazy(
        "Trust the confidence less until it is right again. Confirm and correct more tickets, so "
        "that the classifier can be trained on them."
    ),
    Measure.CLASSES: gettext_lazy(
        "Look at the categories that grew. After a project or an incident it is real and passes; "
        "otherwise check whether the category is predicted wrongly."
    ),
    Measure.VOCABULARY: gettext_lazy(
        "Read the new words: a new product or project needs example phrases and articles."
    ),
    Measure.LANGUAGES: gettext_lazy(
        "Check on the model cards that the models were measured on these languages, and whether "
        "there are articles in them."
    ),
    Measure.SENTIMENTS: gettext_lazy(
        "Read some negative tickets: either customers are less satisfied, or a form or an "
        "automatic sender writes differently."
    ),
    Measure.LENGTH: gettext_lazy(
        "Look for a new form, a new mailbox, or an automatic sender whose texts are longer or "
        "shorter than those of people."
    ),
    Measure.CENTROID: gettext_lazy(
        "Read the content gaps and the new words for the new subject. If it stays, add example "
        "phrases or a category, and choose a newer reference month."
    ),
}
SENTIMENT_LABELS = {
    "negative": gettext_lazy("Negative"),
    "neutral": gettext_lazy("Neutral"),
    "positive": gettext_lazy("Positive"),
}


@dataclass(frozen=True)
class Card:
    """One measure as the page shows it; ``details`` are the rows of a small table."""

    measure: Measure
    state: str
    value: str
    expected: str
    limit: str
    count: int
    month: date | None
    chart: Chart
    details_title: str
    details: list[tuple[str, list[str]]]

    @property
    def state_label(self) -> str:
        return str(STATES[self.state][0])

    @property
    def icon(self) -> str:
        return STATES[self.state][1]

    @property
    def meaning(self) -> str:
        return str(MEANINGS[self.measure])

    @property
    def action(self) -> str:
        return str(ACTIONS[self.measure])

    @property
    def needs_action(self) -> bool:
        return self.state in ("alarm", "watch")


def list_cards(report: DriftReport) -> list[Card]:
    """Return a card of each measure, in their order."""
    return [_card(measure_report) for measure_report in report.measures]


def _card(report: MeasureReport) -> Card:
    measure, latest = report.measure, report.latest
    title, details = _details_of(measure, latest) if latest else ("", [])
    newest = latest or (report.months[-1] if report.months else None)
    return Card(
        measure=measure,
        state=report.state,
        value=_format(measure, latest.value if latest else None),
        expected=_format(measure, latest.expected if latest else None),
        limit=_format(measure, latest.limit if latest else None),
        count=newest.count if newest else 0,
        month=newest.month if newest else None,
        chart=_chart(report),
        details_title=title,
        details=details,
    )


def _chart(report: MeasureReport) -> Chart:
    measure, months = report.measure, report.months
    scale = 100 if measure in PERCENT_MEASURES else 1
    limit_label = _("Alarm below") if measure == Measure.COVERAGE else _("Alarm above")

    def scaled(values: list[float | None]) -> list[float | None]:
        return [None if value is None else round(value * scale, 3) for value in values]

    lines: list[ChartLine] = [
        {
            "label": str(measure.label),
            "colour": "sea",
            "values": scaled([month.value for month in months]),
        },
        {
            "label": limit_label,
            "colour": "warn",
            "values": scaled([month.limit for month in months]),
        },
    ]
    data: ChartData = {
        "kind": "line",
        # not "%", which would draw every chart up to 100, nor "", which allows integers only
        "unit": _("per cent") if scale == 100 else _("index"),
        "labels": [date_format(month.month, "M Y") for month in months],
        "lines": lines,
    }
    rows = [
        (
            date_format(month.month, "YEAR_MONTH_FORMAT"),
            [
                _format(measure, month.value),
                _format(measure, month.limit),
                number_format(month.count, force_grouping=True),
                str(STATES[month.state][0]),
            ],
        )
        for month in reversed(months)
    ]
    headers = [str(measure.label), limit_label, _("Number"), _("Status")]
    return Chart(measure.value, str(measure.label), data, headers, rows)


def _details_of(measure: Measure, month: MonthValue) -> tuple[str, list[tuple[str, list[str]]]]:
    """Return the title and the rows of the table that explains the newest value."""
    details = month.details
    if shares := details.get("shares"):
        rows = [
            (_name_of(measure, name), [_percent(before), _percent(after)])
            for name, (before, after) in list(shares.items())[:MAX_SHARES]
        ]
        return _("Largest changes: share in the reference month and now"), rows
    if bins := details.get("bins"):
        rows = [
            (
                f"{_percent(row['from'])} – {_percent(row['until'])}",
                [_percent(row["confidence"]), _percent(row["right"]), str(row["count"])],
            )
            for row in bins
            if row["count"]
        ]
        return _("Confidence: mean, share of right predictions, labels"), rows
    if words := details.get("words"):
        text = ", ".join(f"{word} ({count})" for word, count in words)
        return _("New words and their tickets"), [(text, [])]
    if medians := details.get("medians"):
        row = (_("Median number of words"), [number_format(value, 0) for value in medians])
        return _("In the reference month and now"), [row]
    if "distance" in details:
        names = {"distance": _("Cosine distance"), "by_chance": _("By chance up to")}
        rows = [(label, [number_format(details[name], 4)]) for name, label in names.items()]
        return _("Distance of the means"), rows
    return "", []


def _name_of(measure: Measure, name: str) -> str:
    """Return the label of a class of a mix."""
    if measure == Measure.CLASSES:
        return tickets_queries.list_category_names().get(name, name)
    if measure == Measure.SENTIMENTS:
        return str(SENTIMENT_LABELS.get(name, name))
    if not name:
        return _("not recognised")
    try:
        return str(get_language_info(name)["name_translated"])
    except KeyError:
        return name


def _format(measure: Measure, value: float | None) -> str:
    if value is None:
        return NO_VALUE
    return _percent(value) if measure in PERCENT_MEASURES else number_format(value, 2)


def _percent(share: float | None) -> str:
    if share is None:
        return NO_VALUE
    return keep_together(f"{number_format(100 * share, 1)} %")


def csv_rows(report: DriftReport) -> Iterator[list[str]]:
    """Yield the headings, then every measure of every month and the classes of its mix."""
    yield ["month", "measure", "item", "value", "expected", "alarm_limit", "count", "state"]
    for measure_report in report.measures:
        for month in measure_report.months:
            place = [month.month.isoformat(), measure_report.measure.value]
            figures = [_cell(value) for value in (month.value, month.expected, month.limit)]
            yield [*place, "", *figures, str(month.count), month.state]
            yield from ([*place, *row] for row in _csv_details(month))


def _csv_details(month: MonthValue) -> Iterator[list[str]]:
    for name, (before, after) in month.details.get("shares", {}).items():
        yield [name or "-", _cell(after), _cell(before), "", "", ""]
    for row in month.details.get("bins", []):
        name = f"confidence {row['from']:.1f}-{row['until']:.1f}"
        yield [name, _cell(row["right"]), _cell(row["confidence"]), "", str(row["count"]), ""]
    for word, count in month.details.get("words", []):
        yield [word, "", "", "", str(count), ""]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
