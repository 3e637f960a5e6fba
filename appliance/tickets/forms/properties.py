"""The form of what a ticket is: status, priority, category, team, assignee, how long on hold."""

from datetime import date, datetime, time

from django import forms
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import Team, User
from appliance.core.forms import Form
from appliance.tickets import queries
from appliance.tickets.forms.custom_fields import DateInput
from appliance.tickets.models import Priority, Status, Ticket, TicketCategory

CONFLICT_FIELDS = ("status", "priority", "category", "assignee", "team")


def default_resume_time(day: date) -> datetime:
    """When the day begins for whoever chose it."""
    return timezone.make_aware(datetime.combine(day, time.min))


class PropertiesForm(Form):
    """Only what was changed on the page is written."""

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
    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"),
        choices=Priority.choices,
        coerce=lambda value: Priority(int(value)),
        show_hidden_initial=True,
    )
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"),
        queryset=None,
        required=False,
        empty_label=gettext_lazy("Uncategorised"),
        show_hidden_initial=True,
    )
    team = forms.ModelChoiceField(
        label=gettext_lazy("Team"),
        queryset=None,
        required=False,
        empty_label=gettext_lazy("No team"),
        show_hidden_initial=True,
    )
    assignee = forms.ModelChoiceField(
        label=gettext_lazy("Assignee"),
        queryset=None,
        required=False,
        empty_label=gettext_lazy("Nobody"),
        show_hidden_initial=True,
    )

    def __init__(self, data: object = None, *, ticket: Ticket, viewer: User) -> None:
        super().__init__(data, initial=_initial(ticket))
        if self.is_bound or not self._set_choices(ticket, viewer):
            self._add_choice(ticket, viewer)

    def _set_choices(self, ticket: Ticket, viewer: User) -> bool:
        """For a page that is only shown: names that are kept. False when what the ticket has is
        none of them.
        """
        offered = {
            "category": queries.list_category_choices(),
            "team": queries.list_team_choices(viewer),
            "assignee": queries.list_assignee_choices(ticket),
        }
        if not all(self.initial[name] in (None, *dict(pairs)) for name, pairs in offered.items()):
            return False
        for name, pairs in offered.items():
            field = self.fields[name]
            field.choices = [("", field.empty_label), *pairs]
        return True

    def _add_choice(self, ticket: Ticket, viewer: User) -> None:
        """What the ticket has stays on offer, though it was switched off since."""
        rows = {
            "category": _with(queries.list_categories(), TicketCategory, ticket.category_id),
            "team": _with(queries.list_teams(viewer), Team, ticket.team_id),
            "assignee": _with(queries.list_assignable(ticket), User, ticket.assignee_id),
        }
        for name, offered in rows.items():
            self.set_queryset(name, offered)

    def clean(self) -> dict:
        data = super().clean()
        held = data.get("status") == Status.HOLD
        if held and not data.get("resume_at") and "resume_at" not in self.errors:
            self.add_error("resume_at", _("Enter the date until which the ticket is on hold."))
        return data

    def hold_until(self) -> datetime | None:
        """When the ticket is to come back, if it is to go on hold or to stay there longer."""
        day = self.cleaned_data.get("resume_at")
        is_new = {"status", "resume_at"} & set(self.changed_data)
        return default_resume_time(day) if is_new and day and self.is_hold() else None

    def is_hold(self) -> bool:
        return self.cleaned_data.get("status") == Status.HOLD

    def seen(self) -> dict[str, object]:
        """What the page had shown of what was changed on it, for ``refuse_if_changed``."""
        return {name: self._shown(name) for name in self.changed_data if name in CONFLICT_FIELDS}

    def changed_values(self) -> dict[str, object]:
        return {name: self.cleaned_data[name] for name in self.seen()}

    def accept_current(self) -> None:
        """After a refusal: what the page now compares with is the ticket as it is."""
        self.data = self.data.copy()
        for name in CONFLICT_FIELDS:
            self.data[f"initial-{name}"] = "" if (now := self.initial[name]) is None else str(now)

    def _shown(self, name: str) -> object:
        """The value of the hidden field, in the type the ticket has it."""
        field = self.fields[name]
        text = self.data.get(f"initial-{name}", "")
        try:
            value = field.clean(text)
        except forms.ValidationError:  # was on offer when the page was made
            return text
        return value


def _initial(ticket: Ticket) -> dict[str, object]:
    held = ticket.resume_at and timezone.localtime(ticket.resume_at).date()
    return {
        "status": ticket.status,
        "resume_at": held,
        "priority": ticket.priority,
        "category": ticket.category_id,
        "team": ticket.team_id,
        "assignee": ticket.assignee_id,
    }


def _with(rows: QuerySet, model: type[Model], pk: int | None) -> QuerySet:
    """Those on offer and the one that is there."""
    if pk is None:
        return rows
    order = rows.query.order_by or model._meta.ordering
    return model.objects.filter(Q(pk=pk) | Q(pk__in=rows.order_by().values("pk"))).order_by(*order)
