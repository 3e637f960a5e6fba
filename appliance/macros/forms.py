"""Forms for canned responses and macros. ``values()`` returns the services' arguments."""

from typing import Any

from django import forms
from django.core.validators import validate_slug
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.core.forms import Form
from appliance.macros import actions, queries, variables
from appliance.macros.models import AgentTemplate, Audience, CannedResponse, Macro
from appliance.tickets import queries as tickets_queries
from appliance.tickets.forms import tag_names
from appliance.tickets.models import Priority, Status


class _AgentTemplateForm(Form):
    """The fields both have: name and audience."""

    name = forms.CharField(label=_("Name"), max_length=80)
    audience = forms.ChoiceField(
        label=_("Visibility"), choices=Audience.choices, initial=Audience.OWN
    )
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=None, required=False, empty_label=_("None")
    )

    def __init__(self, *args: object, viewer: User, template: AgentTemplate | None, **more: object):
        initial = self.initial_of(template) if template else {}
        super().__init__(*args, initial=initial, **more)
        can_share = queries.can_share(viewer)
        teams = Team.objects.filter(is_active=True)
        if not viewer.is_admin:
            teams = teams.filter(memberships__user=viewer)
        self.set_queryset("team", teams)
        if not can_share:
            self.set_choices("audience", [(Audience.OWN.value, Audience.OWN.label)])
            del self.fields["team"]

    def initial_of(self, template: AgentTemplate) -> dict[str, Any]:
        return {"name": template.name, "audience": template.audience, "team": template.team_id}

    def audience_values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"audience": data["audience"], "team": data.get("team")}


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
        *args: object,
        viewer: User,
        canned_response: CannedResponse | None = None,
        **more: object,
    ) -> None:
        super().__init__(*args, viewer=viewer, template=canned_response, **more)

    def initial_of(self, template: CannedResponse) -> dict[str, Any]:
        own = {"shortcut": template.shortcut, "body": template.body}
        return super().initial_of(template) | own

    @property
    def variables(self) -> dict[str, variables.Variable]:
        """The table, to be shown beside the text."""
        return variables.VARIABLES

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        texts = {name: data[name] for name in ("name", "shortcut", "body")}
        return texts | self.audience_values()


AS_IT_IS = ("", _("No change"))


class MacroForm(_AgentTemplateForm):
    """What is left empty stays as it is on the ticket."""

    description = forms.CharField(label=_("Purpose"), max_length=200, required=False)
    canned_response = forms.ModelChoiceField(
        label=_("Send canned response"), queryset=None, required=False, empty_label=_("None")
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
        choices=[AS_IT_IS, *(c for c in Status.choices if c[0] != Status.NEW)],
    )
    hold_days = forms.IntegerField(
        label=_("Days on hold"), min_value=1, max_value=actions.MAX_HOLD_DAYS, required=False
    )
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        required=False,
        choices=[AS_IT_IS, *Priority.choices],
        coerce=int,
        empty_value=None,
    )
    category = forms.ModelChoiceField(
        label=_("Category"), queryset=None, required=False, empty_label=_("No change")
    )
    to_team = forms.ModelChoiceField(
        label=_("Assign to team"), queryset=None, required=False, empty_label=_("No change")
    )
    assignee = forms.ChoiceField(label=_("Assign to"), required=False)
    add_tags = forms.CharField(
        label=_("Add tags"), max_length=400, required=False, help_text=_("Separated by commas.")
    )
    remove_tags = forms.CharField(label=_("Remove tags"), max_length=400, required=False)
    field_order = ["name", "description", "canned_response", "note"]

    def __init__(
        self, *args: object, viewer: User, macro: Macro | None = None, **more: object
    ) -> None:
        super().__init__(*args, viewer=viewer, template=macro, **more)
        self.set_queryset("canned_response", queries.list_canned_responses(viewer))
        self.set_queryset("category", tickets_queries.list_categories())
        # the team that is there stays on offer to whoever may change the macro
        there = Q(pk=macro.actions.get("team") if macro else None)
        seen = Q(pk__in=tickets_queries.list_teams(viewer).values("pk"))
        self.set_queryset("to_team", Team.objects.filter(seen | there, is_active=True))
        agents = [(str(agent.pk), str(agent)) for agent in accounts_queries.list_agents()]
        special = [(actions.ME, _("the current agent")), (actions.NOBODY, _("unassigned"))]
        self.set_choices("assignee", [AS_IT_IS, *special, *agents])

    def initial_of(self, template: Macro) -> dict[str, Any]:
        done = dict(template.actions)
        tags = {name: ", ".join(done.get(name) or []) for name in ("add_tags", "remove_tags")}
        own = {"description": template.description, "to_team": done.pop("team", None)}
        return done | tags | own | super().initial_of(template)

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        texts = {name: data[name] for name in ("name", "description")}
        return texts | {"actions": self.actions()} | self.audience_values()

    def actions(self) -> dict[str, Any]:
        """Only what was chosen, as Macro.actions holds it."""
        data = self.cleaned_data
        rows = {"canned_response": "canned_response", "category": "category", "team": "to_team"}
        chosen = {name: data[key].pk for name, key in rows.items() if data[key]}
        plain = ("note", "status", "hold_days", "priority")
        chosen |= {name: data[name] for name in plain if data[name]}
        who = data["assignee"]
        chosen |= {"assignee": int(who) if who.isdigit() else who} if who else {}
        for name in ("add_tags", "remove_tags"):
            words = tag_names(data[name])
            chosen |= {name: words} if words else {}
        return chosen
