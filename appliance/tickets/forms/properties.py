"""Forms for the properties, tags and links of a ticket."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet, TextChoices
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import Team, User
from appliance.core.dates import start_of_day
from appliance.core.forms import Form, IdempotentForm
from appliance.core.languages import Language
from appliance.tickets import queries
from appliance.tickets.forms.tickets import DateInput
from appliance.tickets.models import Priority, Status, Ticket, TicketCategory, TicketLink

TICKET_NUMBER = re.compile(r"(?:skr-)?(\d{1,18})", re.IGNORECASE)
CONFLICT_FIELDS = ("status", "priority", "category", "assignee", "team", "language")
EMPTY_LABELS = {
    "category": gettext_lazy("Uncategorised"),
    "team": gettext_lazy("No team"),
    "assignee": gettext_lazy("Nobody"),
}
RowT = TypeVar("RowT", bound=Model)


class HoldPreset(TextChoices):
    """Buttons that put a ticket on hold."""

    TOMORROW = "tomorrow", gettext_lazy("Tomorrow")
    MONDAY = "monday", gettext_lazy("Monday")
    WEEK = "week", gettext_lazy("In a week")
    NO_DATE = "no-date", gettext_lazy("No date")

    def day(self) -> date | None:
        """Return the day on which the ticket resumes; the next Monday is never today."""
        today = timezone.localdate()
        days = {
            HoldPreset.TOMORROW: 1,
            HoldPreset.MONDAY: 7 - today.weekday(),
            HoldPreset.WEEK: 7,
        }.get(self)
        return today + timedelta(days=days) if days else None


class PropertiesForm(Form):
    """Properties of a ticket. Only values changed on the page are saved."""

    status = forms.TypedChoiceField(
        label=gettext_lazy("Status"),
        choices=Status.choices,
        coerce=Status,
        show_hidden_initial=True,
    )
    resume_at = forms.DateField(
        label=gettext_lazy("On hold until"),
        required=False,
        widget=DateInput(),
        show_hidden_initial=True,
    )
    hold_preset = forms.TypedChoiceField(
        choices=HoldPreset.choices,
        coerce=HoldPreset,
        empty_value=None,
        required=False,
        widget=forms.HiddenInput,
    )
    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"),
        choices=Priority.choices,
        coerce=lambda value: Priority(int(value)),
        show_hidden_initial=True,
    )
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"),
        queryset=TicketCategory.objects.none(),
        required=False,
        empty_label=EMPTY_LABELS["category"],
        show_hidden_initial=True,
    )
    team = forms.ModelChoiceField(
        label=gettext_lazy("Team"),
        queryset=Team.objects.none(),
        required=False,
        empty_label=EMPTY_LABELS["team"],
        show_hidden_initial=True,
    )
    assignee = forms.ModelChoiceField(
        label=gettext_lazy("Assignee"),
        queryset=User.objects.none(),
        required=False,
        empty_label=EMPTY_LABELS["assignee"],
        show_hidden_initial=True,
    )

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=[("", gettext_lazy("Not recognised")), *Language.choices],
        required=False,
        show_hidden_initial=True,
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, ticket: Ticket, viewer: User
    ) -> None:
        super().__init__(data, initial=_initial_values(ticket))
        if self.is_bound or not self._set_cached_choices(ticket, viewer):
            self._set_querysets(ticket, viewer)

    def _set_cached_choices(self, ticket: Ticket, viewer: User) -> bool:
        """Offer cached names, which do for a page that is only shown.

        Return False when a value of the ticket is not among them.
        """
        choices = {
            "category": queries.list_category_choices(),
            "team": queries.list_team_choices(viewer),
            "assignee": queries.list_assignee_choices(ticket),
        }
        if not all(self.initial[name] in (None, *dict(pairs)) for name, pairs in choices.items()):
            return False
        for name, pairs in choices.items():
            self.set_choices(name, [("", EMPTY_LABELS[name]), *pairs])
        return True

    def _set_querysets(self, ticket: Ticket, viewer: User) -> None:
        """Offer the active rows and those the ticket has, although they may be inactive."""
        categories = queries.list_categories()
        self.set_queryset("category", _including(categories, ticket.category_id))
        self.set_queryset("team", _including(queries.list_teams(viewer), ticket.team_id))
        agents = queries.list_assignable(ticket)
        self.set_queryset("assignee", _including(agents, ticket.assignee_id))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if preset := data.get("hold_preset"):
            data |= {"status": Status.HOLD, "resume_at": preset.day()}
        elif self.is_put_on_hold() and not data.get("resume_at") and "resume_at" not in self.errors:
            self.add_error(
                "resume_at",
                _("Enter the date until which the ticket is on hold, or choose “No date”."),
            )
            self.fields["resume_at"].widget.attrs["autofocus"] = True
        return data

    def is_put_on_hold(self) -> bool:
        """Return whether the ticket is put on hold or its date is changed."""
        is_changed = {"status", "resume_at", "hold_preset"} & set(self.changed_data)
        return bool(is_changed) and self.cleaned_data.get("status") == Status.HOLD

    def hold_until(self) -> datetime | None:
        """Return when the ticket that is put on hold resumes."""
        day = self.cleaned_data["resume_at"]
        return start_of_day(day) if day else None

    def shown_values(self) -> dict[str, object]:
        """Return what the page had shown of the changed fields, for ``require_unchanged``."""
        return {
            name: self._shown_value(name) for name in self.changed_data if name in CONFLICT_FIELDS
        }

    def changed_values(self) -> dict[str, object]:
        return {name: self.cleaned_data[name] for name in self.shown_values()}

    def show_current(self) -> None:
        """After a refusal, compare the next submission with the ticket as it is now."""
        current = {name: self.initial[name] for name in CONFLICT_FIELDS}
        hidden = {
            f"initial-{name}": "" if value is None else str(value)
            for name, value in current.items()
        }
        self.replace_data(**hidden)

    def _shown_value(self, name: str) -> object:
        """Return the value of the hidden field as an object of the ticket."""
        text = self.data.get(f"initial-{name}", "")
        try:
            return self.fields[name].clean(text)
        except forms.ValidationError:  # no longer offered
            return text


def _initial_values(ticket: Ticket) -> dict[str, object]:
    return {
        "status": ticket.status,
        "resume_at": ticket.resume_on,
        "priority": ticket.priority,
        "category": ticket.category_id,
        "team": ticket.team_id,
        "assignee": ticket.assignee_id,
        "language": ticket.language,
    }


def _including(rows: QuerySet[RowT], pk: int | None) -> QuerySet[RowT]:
    """Return the rows and the one with the primary key, in the same order."""
    if pk is None:
        return rows
    order = rows.query.order_by or rows.model._meta.ordering or ()
    is_included = Q(pk=pk) | Q(pk__in=rows.order_by().values("pk"))
    return rows.model._default_manager.filter(is_included).order_by(*order)


class MergeForm(Form):
    target = forms.CharField(
        label=gettext_lazy("Merge into"),
        max_length=30,
        widget=forms.TextInput(attrs={"placeholder": "SKR-12", "autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, viewer: User) -> None:
        super().__init__(data)
        self.viewer = viewer

    def clean_target(self) -> Ticket:
        """Return the ticket of the number, which the viewer must see."""
        number = TICKET_NUMBER.fullmatch(self.cleaned_data["target"].lstrip("#"))
        if number is None:
            raise ValidationError(_("Enter a ticket number, such as SKR-12."))
        try:
            return queries.access_ticket(self.viewer, int(number[1]))
        except Http404:
            raise ValidationError(_("No ticket has this number.")) from None

    def hide_target(self) -> None:
        """Send the chosen ticket along with a page that asks for confirmation."""
        self.fields["target"].widget = forms.HiddenInput()


class LinkForm(MergeForm):
    kind = forms.TypedChoiceField(
        label=gettext_lazy("This ticket"),
        choices=[
            (kind.value, kind.label)
            for kind in TicketLink.Kind
            if kind != TicketLink.Kind.SPLIT_FROM
        ],
        coerce=TicketLink.Kind,
    )
    field_order = ["kind", "target"]

    def __init__(self, data: Mapping[str, Any] | None = None, *, viewer: User) -> None:
        super().__init__(data, viewer=viewer)
        self.fields["target"].label = _("Ticket")


class SplitForm(IdempotentForm):
    subject = forms.CharField(label=gettext_lazy("Subject of the new ticket"), max_length=200)


def split_tag_names(text: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


class TagsForm(Form):
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        max_length=1000,
        required=False,
        help_text=gettext_lazy("Separated by commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def names(self) -> list[str]:
        return split_tag_names(self.cleaned_data["tags"])
