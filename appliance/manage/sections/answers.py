"""What agents keep at hand. Every agent has their own; sharing is a right."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.macros import queries as macros_queries
from appliance.macros import services as macros_services
from appliance.macros import variables
from appliance.macros.forms import CannedForm, MacroForm
from appliance.macros.models import Audience, Macro, Shortcut
from appliance.manage.sections import lists
from appliance.manage.sections.section import Column, Section


def agents(person: User) -> bool:
    return person.is_agent


def _for(shortcut: Shortcut) -> str:
    return shortcut.team.name if shortcut.team else Audience(shortcut.audience).label


def _macro_form(data: Mapping | None, viewer: User, macro: Macro | None) -> MacroForm:
    """What it does first, then whom it is for."""
    form = MacroForm(data, viewer=viewer, macro=macro)
    names = [name for name in form.fields if name not in ("audience", "team")]
    form.order_fields(names)
    return form


CANNED = Section(
    slug="canned-replies",
    one="canned",
    title=gettext_lazy("Canned replies"),
    icon="bi-chat-square-text",
    about=gettext_lazy("Texts used again and again, found by typing while answering."),
    rows=lists.canned,
    access=macros_queries.access_canned_to_edit,
    columns=(
        Column(gettext_lazy("Name"), lambda canned: canned.name),
        Column(gettext_lazy("Shortcut"), lambda canned: canned.shortcut),
        Column(gettext_lazy("For"), _for),
        Column(gettext_lazy("Used"), lambda canned: canned.uses),
    ),
    form=lambda data, viewer, row: CannedForm(data, viewer=viewer, canned=row),
    add=macros_services.add_canned,
    add_words=gettext_lazy("Add a canned reply"),
    change=macros_services.change_canned,
    remove=macros_services.remove_canned,
    remove_words=gettext_lazy("Remove"),
    affects=lambda canned: [_("It is offered no more. Answers written with it stay as they are.")],
    admits=agents,
    more="manage/_canned.html",
    more_of=lambda request, row: {
        "variables": variables.VARIABLES,
        "preview": variables.preview(row.body) if row else "",
    },
)

MACROS = Section(
    slug="macros",
    one="macro",
    title=gettext_lazy("Macros"),
    icon="bi-lightning",
    about=gettext_lazy("Several steps at once on a ticket: answer, tag, hand over, solve."),
    help=gettext_lazy("What is left as it is, the macro does not touch. All or nothing is done."),
    rows=lists.macros,
    access=macros_queries.access_macro_to_edit,
    columns=(
        Column(gettext_lazy("Name"), lambda macro: macro.name),
        Column(gettext_lazy("Does"), lambda macro: "; ".join(macros_queries.describe(macro)), True),
        Column(gettext_lazy("For"), _for),
        Column(gettext_lazy("Used"), lambda macro: macro.uses),
    ),
    form=_macro_form,
    add=macros_services.add_macro,
    add_words=gettext_lazy("Add a macro"),
    change=macros_services.change_macro,
    remove=macros_services.remove_macro,
    remove_words=gettext_lazy("Remove"),
    affects=lambda macro: [_("It is offered no more. Tickets stay as it left them.")],
    admits=agents,
)
