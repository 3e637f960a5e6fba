"""The filter form of the ticket list."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, Organisation, User
from appliance.core.forms import Form
from appliance.core.types import read_number
from appliance.tickets import queries
from appliance.tickets.filters import ANY_STATUS, TicketFilter
from appliance.tickets.models import Priority, Status, Tag

SENTIMENT_LABELS = {
    "negative": _("Negative"),
    "neutral": _("Neutral"),
    "positive": _("Positive"),
    "unread": _("Not analysed"),
}


class _NamedField(forms.CharField):
    """A row named in words, or by its number in a link. ``found`` shows it in words again."""

    match: object | None = None

    def clean(self, value: object) -> object | None:
        text = super().clean(value)
        self.match = self.find(text) if text else None
        if text and self.match is None:
            raise forms.ValidationError(self.error_messages["unknown"])
        return self.match

    def prepare_value(self, value: object) -> object:
        is_text = value and "\0" not in str(value)  # of an address, which nobody has checked
        match = self.match or (self.find(str(value)) if is_text else None)
        return self.display(match) if match else value


class CustomerField(_NamedField):
    default_error_messages = {"unknown": _("No customer has this address.")}

    def find(self, text: str) -> Customer | None:
        if number := read_number(text, digits=9):
            return Customer.objects.filter(pk=number).first()
        return accounts_queries.find_customer(email=text)

    def display(self, match: Customer) -> str:
        return match.email


class OrganisationField(_NamedField):
    default_error_messages = {"unknown": _("No organisation has this name.")}

    def find(self, text: str) -> Organisation | None:
        if number := read_number(text, digits=9):
            return Organisation.objects.filter(pk=number).first()
        return Organisation.objects.filter(name__iexact=text).first()

    def display(self, match: Organisation) -> str:
        return match.name


class TagField(_NamedField):
    default_error_messages = {"unknown": _("No ticket has this tag.")}

    def find(self, text: str) -> Tag | None:
        return Tag.objects.filter(name__iexact=text).first()

    def display(self, match: Tag) -> str:
        return match.name


class FilterChoices:
    """What can be chosen on the page of a list, as (value, name); read when needed."""

    def __init__(self, viewer: User) -> None:
        self._viewer = viewer

    @cached_property
    def categories(self) -> list[tuple[str, str]]:
        """By their ids."""
        return _as_text(queries.list_category_choices())

    @cached_property
    def slugs(self) -> list[tuple[str, str]]:
        """Category slugs as they appear in the URL."""
        return queries.list_category_slug_choices()

    @cached_property
    def teams(self) -> list[tuple[str, str]]:
        return _as_text(queries.list_team_choices(self._viewer))

    @cached_property
    def agents(self) -> list[tuple[str, str]]:
        return _as_text(queries.list_agent_choices())


def _as_text(pairs: Iterable[tuple[int, str]]) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in pairs]


class FilterForm(Form):
    """What the list is narrowed to: from the address of the page, or from a saved view."""

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
    premium = forms.BooleanField(label=_("VIP customers only"), required=False)

    def __init__(
        self,
        data: Mapping | None = None,
        *,
        viewer: User,
        offered: FilterChoices | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(data, **kwargs)
        self.viewer, self.offered = viewer, offered or FilterChoices(viewer)
        self.set_choices("category", self._categories)
        self.set_choices("assignee", self._people)
        self.set_choices("team", self._teams)

    def filters(self) -> TicketFilter:
        """The filter; what makes no sense narrows nothing."""
        self.is_valid()
        values = {name: self.cleaned_data.get(name) for name in TicketFilter.__dataclass_fields__}
        return TicketFilter(**{name: self._plain(value) for name, value in values.items() if value})

    def chosen(self) -> dict[str, str]:
        """Each filter that is set, in words. The form must be checked."""
        words = {}
        for name in TicketFilter.__dataclass_fields__:
            value = self.cleaned_data.get(name)
            if value:
                words[name] = self._describe(name, value)
        return words

    def _describe(self, name: str, value: object) -> str:
        field = self.fields[name]
        if isinstance(field, forms.BooleanField):
            return gettext("VIP")
        if isinstance(field, forms.ChoiceField):
            return str(dict(field.choices).get(value, value))
        return str(value.full_name if isinstance(value, Customer) else value)

    @staticmethod
    def _plain(value: object) -> object:
        if isinstance(value, Tag):
            return value.name
        return value.pk if isinstance(value, Customer | Organisation) else value

    def _categories(self) -> list[tuple[str, str]]:
        return [("", _("Any category")), *self.offered.slugs, ("none", _("Uncategorised"))]

    def _people(self) -> list[tuple[str, str]]:
        who = [("", _("Anyone")), ("me", _("Me")), ("nobody", _("Nobody"))]
        return [*who, *self.offered.agents]

    def _teams(self) -> list[tuple[str, str]]:
        which = [("", _("Any team")), ("mine", _("My teams")), ("none", _("No team"))]
        return [*which, *self.offered.teams]
