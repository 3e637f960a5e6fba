"""Who may change people and what belongs to them."""

from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.models import Right, User
from appliance.core.errors import RefusedError


def refuse_unless_admin(by: User) -> None:
    if not (by.is_active and by.is_admin):
        raise RefusedError(_("Only an admin may do this."))


def refuse_unless_keeper_of_customers(by: User) -> None:
    """Admins, and agents whom the desk or a team lets edit customers."""
    if not queries.has_right(by, Right.CUSTOMERS):
        raise RefusedError(_("Your role does not let you edit customers and organisations."))
