"""The search form: the query and its filters, from form fields and from typed operators alike."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.choices import normalize_choices
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Viewer
from appliance.core.forms import Form
from appliance.search import queries
from appliance.search.corpora import NO_CATEGORY, UNSOLVED, SearchFilters
from appliance.search.query_parser import (
    Operator,
    clean_query,
    list_operators,
    parse_query,
)
from appliance.search.ranking import SORTS
from appliance.tickets import queries as tickets_queries
from appliance.tickets.forms.filters import TagField, language_choices, set_tag_viewer
from appliance.tickets.models import Channel, Status

KINDS = [
    ("all", _("Everything")),
    ("tickets", _("Tickets")),
    ("articles", _("Knowledge base")),
    ("customers", _("Customers")),
]
AGENT_FILTERS = ("customer", "tag", "assignee", "channel", "language")
DAYS = {"today": 0, "heute": 0, "yesterday": 1, "gestern": 1}


class NamedChoice(forms.ChoiceField):
    """A choice by its value or its label, whatever the case: status:open, category:"E-mail"."""

    @property
    def labels(self) -> dict[str, str]:
        """The label of each value."""
        return {str(value): str(label) for value, label in normalize_choices(self.choices)}

    def to_python(self, value: object) -> str:
        text = super().to_python(value).strip()
        for choice, label in self.labels.items():
            if text.casefold() in (choice.casefold(), label.casefold()):
                return choice
        return text


class PersonChoice(NamedChoice):
    """An agent by a part of the name, too, when only one is called that."""

    def to_python(self, value: object) -> str:
        text = super().to_python(value)
        if not text or self.valid_value(text):
            return text
        matches = [
            choice for choice, label in self.labels.items() if text.casefold() in label.casefold()
        ]
        return matches[0] if len(matches) == 1 else text


class CustomersField(forms.CharField):
    """Customers by a part of their name, address or organisation, or one by number."""

    default_error_messages = {"unknown": _("No customer with this name was found.")}

    def clean(self, value: object) -> tuple[int, ...]:
        text = super().clean(value)
        customer_ids = queries.find_customer_ids(text) if text else []
        if text and not customer_ids:
            raise forms.ValidationError(self.error_messages["unknown"])
        return tuple(customer_ids)


class DayField(forms.DateField):
    """A day, as 2026-01-31 or in words: today, yesterday, 30d (so many days ago)."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_error_messages = {
        "invalid": _("Enter a date as 2026-01-31, or today, yesterday, 30d (days ago).")
    }

    def to_python(self, value: str | datetime | date | None) -> date | None:
        text = str(value or "").strip().casefold()
        days = DAYS.get(text)
        if days is None and text.endswith(("d", "t")) and text[:-1].isdecimal() and len(text) < 6:
            days = int(text[:-1])
        if days is not None:
            return timezone.localdate() - timedelta(days=days)
        return super().to_python(value)


class SearchForm(Form):
    """A parsed query and its filters; ``problems`` reports those that were ignored."""

    q = forms.CharField(required=False, label=_("Search terms"))
    kind = NamedChoice(label=_("Item"), choices=KINDS, required=False)
    status = NamedChoice(
        label=_("Status"),
        required=False,
        choices=[("", _("Any status")), (UNSOLVED, _("All open")), *Status.choices],
    )
    category = NamedChoice(label=_("Category"), required=False)
    assignee = PersonChoice(label=_("Assignee"), required=False)
    channel = NamedChoice(
        label=_("Channel"), required=False, choices=[("", _("Any channel")), *Channel.choices]
    )
    language = NamedChoice(label=_("Language"), required=False, choices=language_choices())
    customer = CustomersField(label=_("Customer"), max_length=254, required=False)
    tag = TagField(label=_("Tag"), max_length=40, required=False)
    after = DayField(label=_("Since"), required=False)
    before = DayField(label=_("Before"), required=False)
    sort = forms.ChoiceField(label=_("Sort by"), choices=SORTS, required=False)

    def __init__(self, data: Mapping[str, str], *, viewer: Viewer) -> None:
        text = clean_query(data.get("q", ""))
        self._values = {name: data.get(name, "") for name in self.base_fields}
        super().__init__(self._values)
        self._rejected: list[str] = []
        self._searched_as_text: list[str] = []
        kinds = KINDS
        categories: list[tuple[str, str | Promise]] = [
            ("", _("Any category")),
            *tickets_queries.list_category_slug_choices(),
        ]
        if viewer.is_authenticated and viewer.is_agent:
            categories.append((NO_CATEGORY, _("Uncategorised")))
            special = [("", _("Anyone")), ("me", _("Me")), ("nobody", _("Nobody"))]
            self.set_choices("assignee", [*special, *tickets_queries.list_agent_choices()])
            set_tag_viewer(self, viewer)
        elif viewer.is_authenticated:
            kinds = KINDS[:3]
            self._remove_fields(*AGENT_FILTERS)
        else:
            kinds = KINDS[:1]
            self._remove_fields(*AGENT_FILTERS, "status")
        self.set_choices("kind", kinds)
        self.set_choices("category", categories)
        self.query = parse_query(self._read_operators(text))
        self._values["q"] = self.query.text

    def _read_operators(self, text: str) -> str:
        """Use the operators in the text as filters; return the text without them.

        One with a value that the filter does not have is a word: status:503.
        """
        for operator in list_operators(text):
            if not self._is_valid(operator):
                self._searched_as_text.append(operator.text)
                continue
            if operator.is_negated:
                self._rejected.append(operator.text)
            else:
                self._values[operator.name] = operator.value
            text = text.replace(operator.text, "", 1)
        return text

    def _is_valid(self, operator: Operator) -> bool:
        if operator.name not in self.fields:
            return False
        try:
            self.fields[operator.name].clean(operator.value)
        except forms.ValidationError:
            return False
        return True

    def _remove_fields(self, *names: str) -> None:
        """Remove the filters the viewer may not use; report those in the address."""
        for name in names:
            if self.data.get(name):
                self._rejected.append(f"{name}:{self.data[name]}")
            del self.fields[name]

    def filters(self) -> SearchFilters:
        """Return the valid filters; invalid ones are reported by ``problems``."""
        self.is_valid()
        data = self.cleaned_data
        tag = data.get("tag")
        return SearchFilters(
            status=data.get("status") or "",
            category=data.get("category") or "",
            customers=data.get("customer") or (),
            tag=tag.name if tag else "",
            assignee=data.get("assignee") or "",
            channel=data.get("channel") or "",
            language=data.get("language") or "",
            after=data.get("after"),
            before=data.get("before"),
        )

    def chosen(self, name: str, default: str) -> str:
        """Return the chosen kind or sort."""
        self.is_valid()
        return self.cleaned_data.get(name) or default

    def problems(self) -> list[str]:
        """Return a message for each filter that was ignored, with the remedy."""
        self.is_valid()
        rejected = [
            gettext("“%(filter)s” is not a filter here and was ignored.") % {"filter": operator}
            for operator in self._rejected
        ]
        searched = [
            gettext("“%(text)s” is not a filter here and was searched as text.") % {"text": text}
            for text in self._searched_as_text
        ]
        invalid = [
            f"{self.fields[name].label}: “{self.data.get(name)}”. {' '.join(map(str, errors))}"
            for name, errors in self.errors.items()
        ]
        return rejected + searched + invalid

    def as_query(self, without: str = "") -> dict[str, str]:
        """Return the query string values of this search, without one filter."""
        return {
            name: value
            for name in self.fields
            if name != without
            and (value := str(self.data.get(name) or ""))
            and name not in self.errors
        }

    def active_filters(self) -> list[tuple[str, str, str]]:
        """Return label, value and the query string without it, for each active filter."""
        self.is_valid()
        return [
            (
                str(self.fields[name].label),
                self._display_value(name),
                urlencode(self.as_query(name)),
            )
            for name in self.as_query()
            if name not in ("q", "kind", "sort")
        ]

    def _display_value(self, name: str) -> str:
        field, typed = self.fields[name], str(self.data[name])
        if isinstance(field, NamedChoice):
            return field.labels.get(self.cleaned_data[name], typed)
        if isinstance(field, DayField):
            return date_format(self.cleaned_data[name], "SHORT_DATE_FORMAT")
        return typed
