"""Forms of the ticket list, of the pages of customers and guests, and of the set-up."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from appliance.accounts.forms import PersonForm
from appliance.accounts.models import User
from appliance.core.forms import Form, IdempotentForm
from appliance.core.languages import Language, sort_languages
from appliance.core.types import read_number
from appliance.macros import queries as macros_queries
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import (
    FilterForm,
    MergeForm,
    SeenMessageField,
    TicketForm,
    split_tag_names,
)
from appliance.tickets.forms.filters import FilterChoices
from appliance.tickets.forms.tickets import MAX_TEXT_CHARACTERS
from appliance.tickets.models import (
    Attachment,
    Priority,
    SavedView,
    Status,
    Ticket,
    TicketCategory,
)
from appliance.tickets.services.bulk import MAX_TICKETS
from appliance.tickets.services.saved_views import audience_of
from appliance.tickets.sorts import SORTS
from appliance.triage.incidents import Proposal
from appliance.triage.models.incidents import MAX_NOTICE_CHARACTERS
from appliance.web.queries import STATES, MyTickets
from appliance.web.services.bulk_changes import CONFIRM_CATEGORY
from appliance.web.ticket_rows import DEFAULT_COLUMNS, all_columns

NONE = "none"  # of a choice: take the value away
MAX_ADDRESS = 2000  # characters of a query string
# on hold needs a date, and nothing becomes new again
BULK_STATUSES = [Status.OPEN, Status.WAITING, Status.SOLVED, Status.CLOSED]
Choices = list[tuple[Any, str | Promise]]


class BulkForm(IdempotentForm):
    """Which tickets to change, and what to change; a field left alone changes nothing."""

    assignee = forms.ChoiceField(label=_("Assignee"), required=False)
    team = forms.ChoiceField(label=_("Team"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False)
    priority = forms.TypedChoiceField(
        label=_("Priority"), coerce=int, empty_value=None, required=False
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    add_tags = forms.CharField(label=_("Add tags"), max_length=400, required=False)
    remove_tags = forms.CharField(label=_("Remove tags"), max_length=400, required=False)
    macro = forms.TypedChoiceField(label=_("Macro"), coerce=int, empty_value=None, required=False)
    select_all = forms.BooleanField(required=False)
    confirm = forms.BooleanField(required=False, widget=forms.HiddenInput)  # sent by a button
    address = forms.CharField(
        label=_("Filters of the list"),
        widget=forms.HiddenInput,
        max_length=MAX_ADDRESS,
        required=False,
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        viewer: User,
        filter_choices: FilterChoices | None = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        # the prefix of the ids keeps them apart from those of the filter form on the same page
        super().__init__(data, auto_id="bulk_%s", initial=initial)
        self._selected_ids = data.getlist("ticket") if data is not None else []
        for name, choices in self._choices(viewer, filter_choices or FilterChoices(viewer)).items():
            self.set_choices(name, [("", _("No change")), *choices])
        for name in ("add_tags", "remove_tags"):
            self.fields[name].widget.attrs |= {"list": "tag-names", "autocomplete": "off"}

    @staticmethod
    def _choices(viewer: User, filter_choices: FilterChoices) -> dict[str, Choices]:
        return {
            "assignee": [(NONE, _("Nobody")), *filter_choices.agents],
            "team": [(NONE, _("No team")), *filter_choices.teams],
            "status": [(status.value, status.label) for status in BULK_STATUSES],
            "priority": [*Priority.choices],
            "category": [(NONE, _("Uncategorised")), *filter_choices.categories],
            "macro": [
                (macro.pk, _("%s (sends a reply)") % macro if macro.sends_reply else str(macro))
                for macro in macros_queries.list_macros(viewer)
            ],
        }

    def selected(self) -> set[int]:
        """Return the ids of the tickets ticked on the page, one more than allowed at most."""
        numbers = (read_number(text) for text in self._selected_ids[: MAX_TICKETS + 1])
        return {number for number in numbers if number is not None}

    def changes(self) -> dict[str, object]:
        """Return the changes as ``start_bulk_change`` takes them. The form must be valid."""
        data = self.cleaned_data
        if data["confirm"]:
            return {CONFIRM_CATEGORY: True}
        changes: dict[str, object] = {
            name: None if data[name] == NONE else int(data[name])
            for name in ("assignee", "team", "category")
            if data[name]
        }
        changes |= {name: data[name] for name in ("status", "priority", "macro") if data[name]}
        for name in ("add_tags", "remove_tags"):
            if names := split_tag_names(data[name]):
                changes[name] = names
        return changes


class ConfirmCategoryForm(Form):
    """A suggested or decided category that an agent found right, sent by a button."""

    category = forms.ModelChoiceField(
        queryset=TicketCategory.objects.all(),
        to_field_name="slug",
        error_messages={"invalid_choice": _("This category does not exist. Choose another one.")},
    )


class ViewForm(FilterForm):
    """A saved view: its name, filters, columns and sort, and who sees it."""

    without_error = ("columns",)
    name = forms.CharField(
        label=_("Name"), max_length=60, error_messages={"required": _("Enter a name for the view.")}
    )
    sort = forms.ChoiceField(
        label=_("Sort by"), choices=[(sort.name, sort.label) for sort in SORTS.values()]
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        required=False,
        help_text=_("Leave empty for default columns."),
        widget=forms.CheckboxSelectMultiple,
        initial=DEFAULT_COLUMNS,
    )
    audience = forms.ChoiceField(label=_("Visibility"))
    field_order = ["name", "audience", "sort", "columns"]

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        viewer: User,
        view: SavedView | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, viewer=viewer, initial=_initial_of(view) if view else initial)
        self.set_choices("audience", self._audiences(view))
        self.set_choices(
            "columns", [(column.name, column.label) for column in all_columns().values()]
        )

    def _audiences(self, view: SavedView | None) -> Choices:
        """Return all audiences if the viewer can share views or the view is shared already."""
        own = ("own", _("Only me"))
        if not (tickets_queries.can_share(self.viewer) or (view and view.is_shared)):
            return [own]
        teams = [(pk, _("Team %s") % name) for pk, name in self.choices.teams]
        return [own, ("all", _("All agents")), *teams]

    def values(self) -> dict[str, object]:
        """Return what ``save_view`` and ``change_view`` take. The form must be valid."""
        data = self.cleaned_data
        audience = data["audience"]
        teams = {str(team.pk): team for team in tickets_queries.list_teams(self.viewer)}
        return {
            "name": data["name"],
            "filters": self.filters(),
            "columns": data["columns"],
            "sort": data["sort"],
            "audience": "team" if audience in teams else audience,
            "team": teams.get(audience),
        }


def _initial_of(view: SavedView) -> dict[str, Any]:
    return view.filter | {
        "name": view.name,
        "sort": view.sort,
        "columns": view.columns or DEFAULT_COLUMNS,
        "audience": str(view.team_id) if view.team_id else audience_of(view),
    }


class MyTicketsForm(Form):
    """The filters of a customer's ticket list, from the query string of the page."""

    state = forms.ChoiceField(choices=[(name, name) for name in STATES], required=False)
    whose = forms.ChoiceField(choices=[("", ""), ("mine", "mine")], required=False)
    text = forms.CharField(required=False)

    def filters(self) -> MyTickets:
        """Return the filters; what is invalid filters nothing."""
        self.is_valid()
        data = self.cleaned_data
        return MyTickets(
            state=data.get("state") or "open",
            whose=data.get("whose") or "",
            text=data.get("text", "")[:200].strip(),
        )


class GuestTicketForm(TicketForm):
    """A ticket of somebody without an account."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    email = forms.EmailField(
        label=_("Your e-mail"),
        max_length=254,
        help_text=_("So that we know who to reply to."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    field_order = ["name", "email", "subject", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subject"].widget.attrs.pop("autofocus", None)


class NoticeForm(Form):
    """What customers read before they report the same; empty withdraws it."""

    notice = forms.CharField(
        label=_("Known problem"),
        max_length=MAX_NOTICE_CHARACTERS,
        required=False,
        help_text=_(
            "Whoever writes a new ticket about the same reads this first. Leave it empty to "
            "publish nothing."
        ),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class AcceptIncidentForm(Form):
    """Which tickets of a proposal are one incident, and which ticket is their parent."""

    NEW, OTHER = "new", "other"
    parent = forms.ChoiceField(label=_("Parent"), widget=forms.RadioSelect)
    other = forms.CharField(
        label=_("Number of another ticket"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "SKR-12", "autocomplete": "off"}),
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, viewer: User, proposal: Proposal
    ) -> None:
        self.proposal, self.viewer = proposal, viewer
        self.first = min((row.ticket for row in proposal.members), key=lambda ticket: ticket.pk)
        super().__init__(data, initial={"parent": str(self.first.pk)})
        first = _("The first report: %(ticket)s") % {"ticket": self.first}
        new = _("A new ticket: %(subject)s") % {"subject": proposal.title}
        choices = [(str(self.first.pk), first), (self.NEW, new)]
        self.set_choices("parent", [*choices, (self.OTHER, _("Another ticket"))])

    def shown_ids(self) -> set[int]:
        """Return the tickets that are ticked: at first all of them."""
        if not self.is_bound:
            return {row.ticket_id for row in self.proposal.members}
        values = self.data.getlist("tickets") if isinstance(self.data, QueryDict) else []
        return {pk for value in values if (pk := read_number(value)) is not None}

    def ticket_ids(self) -> set[int]:
        return self.shown_ids()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("parent") == self.OTHER:
            form = MergeForm({"target": data.get("other", "")}, viewer=self.viewer)
            if form.is_valid():
                data["other"] = form.cleaned_data["target"]
            else:
                self.add_error("other", _("Enter a ticket number, such as SKR-12."))
        return data

    def chosen_parent(self) -> Ticket | None:
        """Return the parent, None for a new ticket."""
        choice = self.cleaned_data["parent"]
        if choice == self.NEW:
            return None
        return self.cleaned_data["other"] if choice == self.OTHER else self.first


class ForwardForm(IdempotentForm):
    """An e-mail to somebody outside, with files of the ticket."""

    address = forms.EmailField(
        label=_("To"),
        max_length=254,
        help_text=_("Somebody outside, such as a supplier."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    body = forms.CharField(
        label=_("Message"),
        max_length=MAX_TEXT_CHARACTERS,
        help_text=_("Markdown supported. Leave out what the recipient need not know."),
        widget=forms.Textarea(attrs={"rows": 12}),
    )
    attachments: "forms.ModelMultipleChoiceField[Attachment]" = forms.ModelMultipleChoiceField(
        label=_("Attachments"),
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, attachments: QuerySet[Attachment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.set_queryset("attachments", attachments)


class MacroUseForm(IdempotentForm):
    """The hidden fields behind the macro buttons of a ticket page."""

    seen_message = SeenMessageField()


class SetupForm(PersonForm):
    """The first admin, the name of the help desk, its categories, and the demo data."""

    without_error = ("categories", "languages", "demo")
    desk_name = forms.CharField(
        label=_("Name of the help desk"),
        max_length=80,
        initial="Help desk",
        help_text=_("Shown at the top of every page."),
    )
    languages = forms.MultipleChoiceField(
        label=_("Languages of tickets"),
        choices=Language.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_(
            "The languages your help desk works in. A ticket is more readily recognised as one of "
            "them."
        ),
    )
    categories = forms.MultipleChoiceField(
        label=_("Categories"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_(
            "Topics of your tickets. New tickets are classified into these categories. You "
            "can add more later."
        ),
    )
    demo = forms.TypedChoiceField(
        label=_("Initial data"),
        choices=[
            ("no", _("None (empty help desk)")),
            ("yes", _("Demo data: sample articles and tickets")),
        ],
        coerce=lambda value: value == "yes",
        initial="no",
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    field_order = ["desk_name", "first_name", "last_name", "email", "password", "password_again"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["languages"].initial = sort_languages(["en", get_language() or "en"])
        categories = tickets_services.default_categories()
        self.set_choices("categories", [(row["slug"], row["name"]) for row in categories])
        self.fields["categories"].initial = [row["slug"] for row in categories]
