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


def register_bulk_changes() -> None:
    """Let bulk edits run macros, and train the classifier with a category that agents set."""
    bulk.register_bulk_change("category", _correct_category)
    bulk.register_bulk_change("macro", _run_macro, label=_describe_macro)


def _correct_category(
    *, ticket: Ticket, value: TicketCategory | None, by: User, key: uuid.UUID
) -> None:
    triage_services.correct_category(ticket=ticket, category=value, by=by)


def _run_macro(*, ticket: Ticket, value: int, by: User, key: uuid.UUID) -> None:
    macro = macros_queries.list_macros(by).filter(pk=value).first()
    if macro is None:
        raise BadInputError(_("This macro no longer exists. Choose another one."), field="macro")
    macros_services.run_macro(macro=macro, ticket=ticket, by=by, idempotency_key=key)


def _describe_macro(macro_id: object) -> str:
    macro = Macro.objects.filter(pk=macro_id).first() if isinstance(macro_id, int) else None
    return _("macro: %s") % (macro or macro_id)
