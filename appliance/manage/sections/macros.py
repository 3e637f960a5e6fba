"""Sections of canned responses and macros: every agent has their own; sharing is a right."""

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.macros import queries as macros_queries
from appliance.macros import services as macros_services
from appliance.macros import variables
from appliance.macros.forms import CannedResponseForm, MacroForm
from appliance.macros.models import AgentTemplate, Audience, CannedResponse, Macro
from appliance.manage.sections.section import Column, Section, filter_by_name


def is_agent(user: User) -> bool:
    return user.is_agent


def _list_canned_responses(viewer: User, text: str) -> QuerySet[CannedResponse]:
    return filter_by_name(macros_queries.list_editable_canned_responses(viewer), text)


def _list_macros(viewer: User, text: str) -> QuerySet[Macro]:
    return filter_by_name(macros_queries.list_editable_macros(viewer), text)


def _audience(template: AgentTemplate) -> str:
    return template.team.name if template.team else str(Audience(template.audience).label)


def _macro_form(data: QueryDict | None, viewer: User, macro: Macro | None) -> MacroForm:
    """Return the form with the actions before the audience."""
    form = MacroForm(data, viewer=viewer, macro=macro)
    names = [name for name in form.fields if name not in ("audience", "team")]
    form.order_fields(names)
    return form


CANNED_RESPONSES: Section[CannedResponse] = Section(
    slug="canned-responses",
    object_slug="canned-response",
    title=gettext_lazy("Canned responses"),
    icon="bi-chat-square-text",
    about=gettext_lazy("Reusable texts, inserted by shortcut while replying."),
    list_entries=_list_canned_responses,
    access_entry=macros_queries.access_editable_canned_response,
    columns=(
        Column(gettext_lazy("Name"), lambda canned_response: canned_response.name),
        Column(gettext_lazy("Shortcut"), lambda canned_response: canned_response.shortcut),
        Column(gettext_lazy("Visibility"), _audience),
        Column(gettext_lazy("Used"), lambda canned_response: canned_response.uses),
    ),
    form=lambda data, viewer, entry: CannedResponseForm(data, viewer=viewer, canned_response=entry),
    add=macros_services.add_canned_response,
    add_label=gettext_lazy("Add canned response"),
    change=macros_services.change_canned_response,
    remove=macros_services.remove_canned_response,
    remove_label=gettext_lazy("Remove"),
    consequences=lambda canned_response: [
        _("It is no longer offered. Replies written with it are not changed.")
    ],
    is_open_to=is_agent,
    aside_template="manage/_canned_response.html",
    aside_context=lambda request, entry: {
        "variables": variables.VARIABLES,
        "preview": variables.preview(entry.body) if entry else "",
    },
)

MACROS: Section[Macro] = Section(
    slug="macros",
    object_slug="macro",
    title=gettext_lazy("Macros"),
    icon="bi-lightning",
    about=gettext_lazy("Several actions on a ticket in one step: reply, tag, reassign, solve."),
    help=gettext_lazy(
        "Fields set to “No change” are not touched. Either all actions are applied or none."
    ),
    list_entries=_list_macros,
    access_entry=macros_queries.access_editable_macro,
    columns=(
        Column(gettext_lazy("Name"), lambda macro: macro.name),
        Column(
            gettext_lazy("Actions"), lambda macro: "; ".join(macros_queries.describe(macro)), True
        ),
        Column(gettext_lazy("Visibility"), _audience),
        Column(gettext_lazy("Used"), lambda macro: macro.uses),
    ),
    form=_macro_form,
    add=macros_services.add_macro,
    add_label=gettext_lazy("Add macro"),
    change=macros_services.change_macro,
    remove=macros_services.remove_macro,
    remove_label=gettext_lazy("Remove"),
    consequences=lambda macro: [
        _("It is no longer offered. Tickets it was applied to are not changed.")
    ],
    is_open_to=is_agent,
)
