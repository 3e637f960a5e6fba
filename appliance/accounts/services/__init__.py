"""Verbs on people and on the desk's rules: every write goes through here."""

from appliance.accounts.services.customers import (
    add_customer,
    add_known_customer,
    change_customer,
    ensure_customer,
    ensure_customer_of,
    link_customer,
    open_log_in,
    register_customer,
    register_oneself,
    unlink_customer,
)
from appliance.accounts.services.desk import change_desk
from appliance.accounts.services.doorstep import knock
from appliance.accounts.services.invitations import invite, set_password_by_link
from appliance.accounts.services.organisations import (
    add_organisation,
    change_organisation,
    ensure_organisation,
    merge_organisations,
    remove_organisation,
)
from appliance.accounts.services.passwords import change_own_password, set_password
from appliance.accounts.services.people import (
    add_person,
    add_user,
    change_person,
    deactivate,
    end_sessions,
    reactivate,
    set_role,
)
from appliance.accounts.services.profile import change_profile
from appliance.accounts.services.setup_links import make_setup_link, use_setup_link
from appliance.accounts.services.teams import (
    add_team,
    change_team,
    deactivate_team,
    reactivate_team,
)

__all__ = [
    "add_customer",
    "add_known_customer",
    "add_organisation",
    "add_person",
    "add_team",
    "add_user",
    "change_customer",
    "change_desk",
    "change_organisation",
    "change_own_password",
    "change_person",
    "change_profile",
    "change_team",
    "deactivate",
    "deactivate_team",
    "end_sessions",
    "ensure_customer",
    "ensure_customer_of",
    "ensure_organisation",
    "invite",
    "knock",
    "link_customer",
    "make_setup_link",
    "merge_organisations",
    "open_log_in",
    "reactivate",
    "reactivate_team",
    "register_customer",
    "register_oneself",
    "remove_organisation",
    "set_password",
    "set_password_by_link",
    "set_role",
    "unlink_customer",
    "use_setup_link",
]
