"""What agents keep at hand. Every agent has their own; sharing is a right."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.macros import queries as macros_queries
from appliance.macros import services as macros_services
from appliance.macros import variables
from appliance.macros.forms import CannedResponseForm, MacroForm
from appliance.macros.models import AgentTemplate, Audience, Macro
from appliance.manage.sections import section
from appliance.manage.sections.section import Column, Section


def agents(person: User) -> bool:
    return person.is_agent


def _for(template: AgentTemplate) -> str:
    return template.team.name if template.team else Audience(template.audience).label


def _macro_form(data: Mapping | None, viewer: User, macro: Macro | None) -> MacroForm:
    """What it does first, then whom it is for."""
    form = MacroForm(data, viewer=viewer, macro=macro)
    names = [name for name in form.fields if name not in ("audience", "team")]
    form.order_fields(names)
    return form


CANNED = Section(
    slug="canned-responses",
    object_slug="canned-response",
    title=gettext_lazy("Canned responses"),
    icon="bi-chat-square-text",
    about=gettext_lazy("Reusable texts, inserted by shortcut while replying."),
    rows=section.canned_responses,
    access=macros_queries.access_editable_canned_response,
    columns=(
        Column(gettext_lazy("Name"), lambda canned_response: canned_response.name),
        Column(gettext_lazy("Shortcut"), lambda canned_response: canned_response.shortcut),
        Column(gettext_lazy("Visibility"), _for),
        Column(gettext_lazy("Used"), lambda canned_response: canned_response.uses),
    ),
    form=lambda data, viewer, row: CannedResponseForm(data, viewer=viewer, canned_response=row),
    add=macros_services.add_canned_response,
    add_words=gettext_lazy("Add canned response"),
    change=macros_services.change_canned_response,
    remove=macros_services.remove_canned_response,
    remove_words=gettext_lazy("Remove"),
    affects=lambda canned_response: [
        _("It is no longer offered. Replies written with it are not changed.")
    ],
    admits=agents,
    more="manage/_canned.html",
    more_of=lambda request, row: {
        "variables": variables.VARIABLES,
        "preview": variables.preview(row.body) if row else "",
    },
)

MACROS = Section(
    slug="macros",
    object_slug="macro",
    title=gettext_lazy("Macros"),
    icon="bi-lightning",
    about=gettext_lazy("Several actions on a ticket in one step: reply, tag, reassign, solve."),
    help=gettext_lazy(
        "Fields set to “No change” are not touched. Either all actions are applied or none."
    ),
    rows=section.macros,
    access=macros_queries.access_editable_macro,
    columns=(
        Column(gettext_lazy("Name"), lambda macro: macro.name),
        Column(
            gettext_lazy("Actions"), lambda macro: "; ".join(macros_queries.describe(macro)), True
        ),
        Column(gettext_lazy("Visibility"), _for),
        Column(gettext_lazy("Used"), lambda macro: macro.uses),
    ),
    form=_macro_form,
    add=macros_services.add_macro,
    add_words=gettext_lazy("Add macro"),
    change=macros_services.change_macro,
    remove=macros_services.remove_macro,
    remove_words=gettext_lazy("Remove"),
    affects=lambda macro: [
        _("It is no longer offered. Tickets it was applied to are not changed.")
    ],
    admits=agents,
)
