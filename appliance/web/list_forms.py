"""The whole page of the list, also when a change of many tickets was refused on it."""

from uuid import UUID

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.accounts.permissions import AuthenticatedRequest
from appliance.core.forms import IdempotentForm
from appliance.core.types import read_number
from appliance.macros import queries as macros_queries
from appliance.tickets import queries as tickets_queries
from appliance.tickets.forms import FilterForm, tag_names
from appliance.tickets.forms.filters import FilterChoices
from appliance.tickets.models import BulkChange, Priority, SavedView, Status
from appliance.tickets.services.bulk import MAX_TICKETS, undo_seconds
from appliance.tickets.services.saved_views import audience_of
from appliance.tickets.sorts import SORTS
from appliance.web import lists
from appliance.web.ticket_rows import COLUMNS, USUAL

NONE = "none"


# on hold needs a date, and nothing becomes new again
FOR_MANY = [Status.OPEN, Status.WAITING, Status.SOLVED, Status.CLOSED]


LONGEST_ADDRESS = 2000


class BulkForm(IdempotentForm):
    """Which tickets, and what shall become of them. What is left alone stays as it is."""

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
    address = forms.CharField(widget=forms.HiddenInput, max_length=LONGEST_ADDRESS, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        viewer: User,
        offered: FilterChoices | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(data, auto_id="bulk_%s", **kwargs)  # beside the form of the filter
        for name, choices in self._choices(viewer, offered or FilterChoices(viewer)).items():
            self.set_choices(name, [("", _("No change")), *choices])
        for name in ("add_tags", "remove_tags"):
            self.fields[name].widget.attrs |= {"list": "tag-names", "autocomplete": "off"}

    @staticmethod
    def _choices(viewer: User, offered: FilterChoices) -> dict[str, list]:
        return {
            "assignee": [(NONE, _("Nobody")), *offered.agents],
            "team": [(NONE, _("No team")), *offered.teams],
            "status": [(status.value, status.label) for status in FOR_MANY],
            "priority": Priority.choices,
            "category": [(NONE, _("Uncategorised")), *offered.categories],
            "macro": [(macro.pk, str(macro)) for macro in macros_queries.list_macros(viewer)],
        }

    def chosen(self) -> set[int]:
        """The tickets ticked on the page."""
        sent = self.data.getlist("ticket") if self.is_bound else []
        read = (read_number(text) for text in sent[: MAX_TICKETS + 1])
        return {number for number in read if number is not None}

    def changes(self) -> dict[str, object]:
        """As ``change_many`` takes it. The form must be valid."""
        data = self.cleaned_data
        rows = {name: data[name] for name in ("assignee", "team", "category") if data[name]}
        values: dict[str, object] = {
            name: None if value == NONE else int(value) for name, value in rows.items()
        }
        values |= {name: data[name] for name in ("status", "priority", "macro") if data[name]}
        for name in ("add_tags", "remove_tags"):
            if tags := tag_names(data[name]):
                values[name] = tags
        return values


class ViewForm(FilterForm):
    """A view: its name, what it narrows to, how it looks, who sees it."""

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
        choices=[(column.name, column.label) for column in COLUMNS.values()],
        widget=forms.CheckboxSelectMultiple,
        initial=USUAL,
    )
    audience = forms.ChoiceField(label=_("Visibility"))
    field_order = ["name", "audience", "sort", "columns"]

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        viewer: User,
        view: SavedView | None = None,
        **kwargs: object,
    ) -> None:
        if view:
            shares = str(view.team_id) if view.team_id else audience_of(view)
            values = {"name": view.name, "sort": view.sort, "columns": view.columns or USUAL}
            kwargs["initial"] = view.filter | values | {"audience": shares}
        super().__init__(data, viewer=viewer, **kwargs)
        self.set_choices("audience", self._audiences(view))

    def _audiences(self, view: SavedView | None) -> list[tuple[str, str]]:
        """Sharing is offered to whoever may, and stays as it is for whoever no longer may."""
        own = ("own", _("Only me"))
        if not (tickets_queries.can_share(self.viewer) or (view and view.is_shared)):
            return [own]
        teams = [(pk, _("Team %s") % name) for pk, name in self.offered.teams]
        return [own, ("all", _("All agents")), *teams]

    def values(self) -> dict[str, object]:
        """As ``save_view`` and ``change_view`` take it. The form must be valid."""
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


def show(request: AuthenticatedRequest, refused: BulkForm | None = None) -> HttpResponse:
    """With ``refused``, the list it was sent from, its ticks and words as they were."""
    address = QueryDict(refused["address"].value()) if refused else request.GET
    context = lists.context(request.user, address)
    context |= {
        "chips": context["listed"].chips,
        "sorts": SORTS.values(),
        "most": MAX_TICKETS,
        "bulk_form": refused or _bulk_form(request, address, context),
        "chosen": refused.chosen() if refused else set(),
        "tag_names": tickets_queries.list_tags(request.user, limit=200),
        **done(_find_change(request, address)),
    }
    return render(request, "web/dashboard.html", context, status=400 if refused else 200)


def done(change: BulkChange | None) -> dict:
    """What the page tells of a change of many tickets."""
    if change is None:
        return {"change": None}
    running_back = change.undone_at is not None and change.undo_finished_at is None
    changed = len({entry[0] for entry in change.before})
    left = change.undo_pending if running_back else change.pending
    return {
        "change": change,
        "is_running": change.finished_at is None or running_back,
        "of": changed if running_back else change.total,
        "so_far": (changed if running_back else change.total) - len(left),
        "changed": changed,
        "unchanged": change.total - changed - len(change.skipped),
        "taken_back": changed - len(change.undo_skipped),
        "left": change.undo_skipped if change.undone_at else change.skipped,
        "undo_seconds": undo_seconds(change),
        "wrote": change.undone_at is not None and "macro" in change.changes,
    }


def _bulk_form(request: AuthenticatedRequest, address: QueryDict, context: dict) -> BulkForm | None:
    if not context["can_change_in_bulk"]:
        return None
    place = address.copy()
    place.pop("bulk", None)
    offered = context["listed"].form.offered
    initial = {"address": place.urlencode()[:LONGEST_ADDRESS]}
    return BulkForm(viewer=request.user, offered=offered, initial=initial)


def _find_change(request: AuthenticatedRequest, address: QueryDict) -> BulkChange | None:
    try:
        return tickets_queries.find_bulk_change(request.user, UUID(address.get("bulk", "")))
    except ValueError:
        return None
