"""The filter form of ticket lists."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cached_property
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.utils.choices import normalize_choices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, Organisation, User, Viewer
from appliance.core.forms import Choices, Form
from appliance.core.languages import Language
from appliance.core.types import read_number
from appliance.tickets import queries
from appliance.tickets.filters import ANY_STATUS, NO_LANGUAGE, TicketFilter
from appliance.tickets.models import Channel, Priority, Status, Tag

SENTIMENT_LABELS = {
    "negative": _("Negative"),
    "neutral": _("Neutral"),
    "positive": _("Positive"),
    "unread": _("Not analysed"),
}


def language_choices() -> Choices:
    return [
        ("", _("Any language")),
        *Language.choices,
        (NO_LANGUAGE, _("Not recognised")),
    ]


class _LookupField(forms.CharField):
    """A row that is looked up by its name, or by its primary key in links."""

    match: Model | None = None

    def find(self, text: str) -> Model | None:
        raise NotImplementedError

    def display(self, match: Any) -> str:
        """Return the name of a row that ``find`` returned."""
        raise NotImplementedError

    def clean(self, value: object) -> Model | None:
        text = super().clean(value)
        self.match = self.find(text) if text else None
        if text and self.match is None:
            raise forms.ValidationError(self.error_messages["unknown"])
        return self.match

    def prepare_value(self, value: object) -> object:
        is_text = value and "\0" not in str(value)  # an address is shown before it is validated
        match = self.match or (self.find(str(value)) if is_text else None)
        return self.display(match) if match else value


class CustomerField(_LookupField):
    default_error_messages = {"unknown": _("No customer has this address.")}

    def find(self, text: str) -> Customer | None:
        if number := read_number(text, digits=9):
            return Customer.objects.filter(pk=number).first()
        return accounts_queries.find_customer(email=text)

    def display(self, match: Customer) -> str:
        return match.email or str(match.pk)


class OrganisationField(_LookupField):
    default_error_messages = {"unknown": _("No organisation has this name.")}

    def find(self, text: str) -> Organisation | None:
        if number := read_number(text, digits=9):
            return Organisation.objects.filter(pk=number).first()
        return Organisation.objects.filter(name__iexact=text).first()

    def display(self, match: Organisation) -> str:
        return match.name


class TagField(_LookupField):
    """A tag that the person of ``set_tag_viewer`` may see; nobody else's tag is found."""

    viewer: Viewer = AnonymousUser()
    default_error_messages = {"unknown": _("No ticket has this tag.")}

    def find(self, text: str) -> Tag | None:
        return queries.find_tag(self.viewer, text)

    def display(self, match: Tag) -> str:
        return match.name


def set_tag_viewer(form: Form, viewer: Viewer) -> None:
    """Let the field "tag" of a form find the tags this person may see."""
    field = form.fields["tag"]
    assert isinstance(field, TagField)
    field.viewer = viewer


class FilterChoices:
    """The choices of the forms on a ticket list, as (value, label); each is read when needed."""

    def __init__(self, viewer: User) -> None:
        self._viewer = viewer

    @cached_property
    def categories(self) -> list[tuple[str, str]]:
        """By primary key."""
        return _as_text(queries.list_category_choices())

    @cached_property
    def category_slugs(self) -> list[tuple[str, str]]:
        """By slug, as in addresses."""
        return queries.list_category_slug_choices()

    @cached_property
    def teams(self) -> list[tuple[str, str]]:
        return _as_text(queries.list_team_choices(self._viewer))

    @cached_property
    def fields(self) -> list[tuple[str, str]]:
        """Custom fields by key."""
        return queries.list_field_choices()

    @cached_property
    def agents(self) -> list[tuple[str, str]]:
        return _as_text(queries.list_agent_choices())


def _as_text(pairs: Iterable[tuple[int, str]]) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in pairs]


class FilterForm(Form):
    """The filters of a list, from the address of a page or from a saved view."""

    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All open")), *Status.choices, (ANY_STATUS, _("Any status"))],
    )
    assignee = forms.ChoiceField(label=_("Assignee"), required=False)
    team = forms.ChoiceField(label=_("Team"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        choices=[("", _("Any priority")), *Priority.choices],
        coerce=int,
        empty_value=None,
        required=False,
    )
    sentiment = forms.ChoiceField(
        label=_("Sentiment"),
        choices=[("", _("Any sentiment")), *SENTIMENT_LABELS.items()],
        required=False,
    )
    channel = forms.ChoiceField(
        label=_("Channel"),
        choices=[("", _("Any channel")), *Channel.choices],
        required=False,
    )
    language = forms.ChoiceField(label=_("Language"), choices=language_choices(), required=False)
    due = forms.ChoiceField(
        label=_("SLA"),
        required=False,
        choices=[("", _("Any due time")), ("overdue", _("Overdue")), ("soon", _("Due soon"))],
    )
    customer = CustomerField(
        label=_("Customer's e-mail"),
        max_length=254,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )
    organisation = OrganisationField(label=_("Organisation"), max_length=120, required=False)
    tag = TagField(label=_("Tag"), max_length=40, required=False)
    field = forms.ChoiceField(label=_("Custom field"), required=False)
    field_value = forms.CharField(label=_("Field contains"), max_length=200, required=False)
    premium = forms.BooleanField(label=_("VIP customers only"), required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        viewer: User,
        choices: FilterChoices | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.viewer, self.choices = viewer, choices or FilterChoices(viewer)
        set_tag_viewer(self, viewer)
        self.set_choices("category", self._category_choices)
        self.set_choices("assignee", self._assignee_choices)
        self.set_choices("team", self._team_choices)
        self.set_choices("field", self._field_choices)
        if not self.choices.fields and not (data or {}).get("field"):
            del self.fields["field"], self.fields["field_value"]

    def clean(self) -> dict[str, Any]:
        """Drop a value without a field: it filters nothing."""
        data = super().clean()
        return data if data.get("field") else data | {"field_value": ""}

    def filters(self) -> TicketFilter:
        """Return the filter; a field with an error filters nothing."""
        self.is_valid()
        data = self.cleaned_data
        customer, organisation, tag = (data.get(x) for x in ("customer", "organisation", "tag"))
        return TicketFilter(
            status=data.get("status", ""),
            priority=data.get("priority"),
            category=data.get("category", ""),
            sentiment=data.get("sentiment", ""),
            channel=data.get("channel", ""),
            language=data.get("language", ""),
            assignee=data.get("assignee", ""),
            team=data.get("team", ""),
            customer=customer.pk if customer else None,
            organisation=organisation.pk if organisation else None,
            tag=tag.name if tag else "",
            premium=data.get("premium", False),
            due=data.get("due", ""),
            field=data.get("field", ""),
            field_value=data.get("field_value", ""),
        )

    def labels(self) -> dict[str, str]:
        """Return each set filter in words: "Assignee: Nobody". The form must be validated."""
        values = {field.name: self.cleaned_data.get(field.name) for field in fields(TicketFilter)}
        return {name: self._label(name, value) for name, value in values.items() if value}

    def _label(self, name: str, value: object) -> str:
        field = self.fields[name]
        if isinstance(field, forms.BooleanField):
            return gettext("VIP")
        if isinstance(field, forms.ChoiceField):
            value = dict(normalize_choices(field.choices)).get(value, value)
        elif isinstance(value, Customer):
            value = value.full_name
        return f"{field.label}: {value}"

    def _category_choices(self) -> Choices:
        return [
            ("", _("Any category")),
            *self.choices.category_slugs,
            ("none", _("Uncategorised")),
        ]

    def _assignee_choices(self) -> Choices:
        special = [("", _("Anyone")), ("me", _("Me")), ("nobody", _("Nobody"))]
        return [*special, *self.choices.agents]

    def _field_choices(self) -> list[tuple[str, Any]]:
        return [("", _("Any field")), *self.choices.fields]

    def _team_choices(self) -> Choices:
        special = [("", _("Any team")), ("mine", _("My teams")), ("none", _("No team"))]
        return [*special, *self.choices.teams]
