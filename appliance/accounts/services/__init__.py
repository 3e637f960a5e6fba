"""Verbs on people and on the desk's rules: every write goes through here."""

from appliance.accounts.security import check_rate_limit
from appliance.accounts.services.customers import (
    add_customer,
    add_customer_as_agent,
    add_organisation,
    change_customer,
    change_organisation,
    ensure_customer,
    ensure_customer_of,
    ensure_organisation,
    link_customer,
    merge_organisations,
    create_login,
    register_customer,
    register_as_visitor,
    remove_organisation,
    unlink_customer,
)
from appliance.accounts.services.people import (
    add_person,
    add_user,
    change_own_password,
    change_person,
    change_profile,
    deactivate,
    end_sessions,
    invite,
    create_setup_link,
    reactivate,
    set_password,
    set_password_with_token,
    set_role,
    consume_setup_link,
)
from appliance.accounts.services.site_settings import update_site_settings
from appliance.accounts.services.teams import (
    add_team,
    change_team,
    deactivate_team,
    reactivate_team,
)
