"""Forms for canned responses and macros. ``values()`` returns the services' arguments."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import validate_slug
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.core.forms import Form
from appliance.macros import actions, queries
from appliance.macros.models import AgentTemplate, Audience, CannedResponse, Macro
from appliance.tickets import queries as tickets_queries
from appliance.tickets.forms import split_tag_names
from appliance.tickets.models import Priority, Status


class _AgentTemplateForm(Form):
    """Base of both forms: name and audience."""

    name = forms.CharField(label=_("Name"), max_length=80)
    audience = forms.ChoiceField(
        label=_("Visibility"), choices=Audience.choices, initial=Audience.OWN
    )
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.none(), required=False, empty_label=_("No team")
    )

    def __init__(
        self, data: Mapping[str, object] | None, *, viewer: User, initial: dict[str, object]
    ) -> None:
        super().__init__(data, initial=initial)
        teams = Team.objects.filter(is_active=True)
        if not viewer.is_admin:
            teams = teams.filter(memberships__user=viewer)
        self.set_queryset("team", teams)
        if not queries.can_share(viewer):
            self.set_choices("audience", [(Audience.OWN.value, Audience.OWN.label)])
            del self.fields["team"]

    def audience_values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"audience": data["audience"], "team": data.get("team")}


def _initial(template: AgentTemplate) -> dict[str, object]:
    return {"name": template.name, "audience": template.audience, "team": template.team_id}


class CannedResponseForm(_AgentTemplateForm):
    shortcut = forms.CharField(
        label=_("Shortcut"),
        max_length=30,
        required=False,
        validators=[validate_slug],
        help_text=_("Type it after a colon in a reply: letters, digits, - and _."),
    )
    body = forms.CharField(
        label=_("Text"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown. Variables in braces are replaced for each ticket."),
    )
    field_order = ["name", "shortcut", "body", "audience", "team"]

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        viewer: User,
        canned_response: CannedResponse | None = None,
    ) -> None:
        initial = _initial_canned_response(canned_response) if canned_response else {}
        super().__init__(data, viewer=viewer, initial=initial)

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        texts = {name: data[name] for name in ("name", "shortcut", "body")}
        return texts | self.audience_values()


def _initial_canned_response(canned_response: CannedResponse) -> dict[str, object]:
    texts = {"shortcut": canned_response.shortcut, "body": canned_response.body}
    return _initial(canned_response) | texts


NO_CHANGE = ("", _("No change"))


class MacroForm(_AgentTemplateForm):
    """The actions as fields; an empty field leaves the ticket's property unchanged."""

    description = forms.CharField(label=_("Purpose"), max_length=200, required=False)
    canned_response = forms.ModelChoiceField(
        label=_("Send canned response"),
        queryset=CannedResponse.objects.none(),
        required=False,
        empty_label=_("No canned response"),
    )
    note = forms.CharField(
        label=_("Add internal note"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[NO_CHANGE, *(choice for choice in Status.choices if choice[0] != Status.NEW)],
    )
    hold_days = forms.IntegerField(
        label=_("Days on hold"), min_value=1, max_value=actions.MAX_HOLD_DAYS, required=False
    )
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        required=False,
        choices=[NO_CHANGE, *Priority.choices],
        coerce=int,
        empty_value=None,
    )
    category = forms.ModelChoiceField(
        label=_("Category"),
        queryset=tickets_queries.list_categories(),
        required=False,
        empty_label=_("No change"),
    )
    to_team = forms.ModelChoiceField(
        label=_("Assign to team"),
        queryset=Team.objects.none(),
        required=False,
        empty_label=_("No change"),
    )
    assignee = forms.ChoiceField(label=_("Assign to"), required=False)
    add_tags = forms.CharField(
        label=_("Add tags"), max_length=400, required=False, help_text=_("Separated by commas.")
    )
    remove_tags = forms.CharField(label=_("Remove tags"), max_length=400, required=False)
    field_order = ["name", "description", "canned_response", "note"]

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        viewer: User,
        macro: Macro | None = None,
    ) -> None:
        super().__init__(data, viewer=viewer, initial=_initial_macro(macro) if macro else {})
        self.set_queryset("canned_response", queries.list_canned_responses(viewer))
        # the team the macro has now stays on offer to an agent who does not see that team
        current = Q(pk=macro.actions.get("team") if macro else None)
        visible = Q(pk__in=tickets_queries.list_teams(viewer).values("pk"))
        self.set_queryset("to_team", Team.objects.filter(visible | current, is_active=True))
        agents = [(str(agent.pk), str(agent)) for agent in accounts_queries.list_agents()]
        special = [(actions.ME, _("the current agent")), (actions.NOBODY, _("unassigned"))]
        self.set_choices("assignee", [NO_CHANGE, *special, *agents])

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        texts = {name: data[name] for name in ("name", "description")}
        return texts | {"actions": self.actions()} | self.audience_values()

    def actions(self) -> dict[str, Any]:
        """Return the actions that were chosen, as Macro.actions stores them."""
        data = self.cleaned_data
        assignee = data["assignee"]
        chosen = {
            "canned_response": data["canned_response"] and data["canned_response"].pk,
            "note": data["note"],
            "status": data["status"],
            "hold_days": data["hold_days"],
            "priority": data["priority"],
            "category": data["category"] and data["category"].pk,
            "team": data["to_team"] and data["to_team"].pk,
            "assignee": int(assignee) if assignee.isdigit() else assignee,
            "add_tags": split_tag_names(data["add_tags"]),
            "remove_tags": split_tag_names(data["remove_tags"]),
        }
        return {name: value for name, value in chosen.items() if value}


def _initial_macro(macro: Macro) -> dict[str, object]:
    stored = dict(macro.actions)
    tags = {name: ", ".join(stored.get(name) or []) for name in ("add_tags", "remove_tags")}
    texts = {"description": macro.description, "to_team": stored.pop("team", None)}
    return stored | tags | texts | _initial(macro)
