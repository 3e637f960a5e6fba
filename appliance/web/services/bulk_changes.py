"""Changes of many tickets that need rooms above tickets."""

import uuid

from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.macros import queries as macros_queries
from appliance.macros import services as macros_services
from appliance.macros.models import Macro
from appliance.tickets.models import Ticket, TicketCategory
from appliance.tickets.services import bulk
from appliance.triage import services as triage_services
from appliance.triage.category_suggestions import list_category_suggestions

CONFIRM_CATEGORY = "confirm_category"  # a bulk change: each ticket gets its first suggestion


def register_bulk_changes() -> None:
    """Let bulk edits run macros, confirm suggested categories, and record what agents chose."""
    bulk.register_bulk_change("category", _correct_category, restorer=_restore_category)
    bulk.register_bulk_change(
        CONFIRM_CATEGORY, _confirm_suggestion, label=lambda _value: _("suggested categories")
    )
    bulk.register_bulk_change("macro", _run_macro, label=_describe_macro)


def _correct_category(
    *, ticket: Ticket, value: TicketCategory | None, by: User, key: uuid.UUID
) -> None:
    triage_services.correct_category(ticket=ticket, category=value, by=by)


def _restore_category(
    *, ticket: Ticket, value: TicketCategory | None, by: User, key: uuid.UUID
) -> None:
    triage_services.undo_choice(ticket=ticket, category=value, by=by)


def _confirm_suggestion(*, ticket: Ticket, value: bool, by: User, key: uuid.UUID) -> None:
    """Give the ticket its first suggestion; one without any stays unchanged."""
    suggested = list_category_suggestions(by, ticket)
    if suggested:
        category = TicketCategory.objects.get(slug=suggested[0].slug)
        triage_services.confirm_category(ticket=ticket, category=category, by=by)


def _run_macro(*, ticket: Ticket, value: int, by: User, key: uuid.UUID) -> None:
    macro = macros_queries.list_macros(by).filter(pk=value).first()
    if macro is None:
        raise BadInputError(_("This macro no longer exists. Choose another one."), field="macro")
    macros_services.run_macro(macro=macro, ticket=ticket, by=by, idempotency_key=key)


def _describe_macro(macro_id: object) -> str:
    macro = Macro.objects.filter(pk=macro_id).first() if isinstance(macro_id, int) else None
    return _("macro: %s") % (macro or macro_id)
