"""Writes to users, teams, customers, organisations and the site settings."""

from appliance.accounts.security import check_person_rate, check_rate_limit
from appliance.accounts.services.access import on_lost_access
from appliance.accounts.services.confirmations import (
    can_send_links,
    change_own_password,
    confirm_email,
    confirm_login,
    send_confirmation,
    send_confirmation_as_visitor,
    send_emails_by,
    send_login_notice,
    set_password_with_token,
)
from appliance.accounts.services.customers import (
    CONTACT_DETAILS,
    absorb_customer,
    add_customer,
    add_customer_as_agent,
    change_customer,
    clear_undeliverable,
    create_login,
    ensure_customer,
    ensure_customer_of,
    link_customer,
    mark_undeliverable,
    register_customer,
    unlink_customer,
)
from appliance.accounts.services.directory_people import (
    AccessChange,
    DirectoryPerson,
    change_directory_access,
    is_last_local_admin,
    release_directory_people,
    save_directory_people,
    set_managers,
)
from appliance.accounts.services.login_attempts import erase_login_attempts, record_login_attempt
from appliance.accounts.services.organisations import (
    add_organisation,
    change_organisation,
    ensure_organisation,
    merge_organisations,
    remove_organisation,
)
from appliance.accounts.services.people import (
    add_person,
    add_user,
    change_person,
    change_profile,
    consume_setup_link,
    create_setup_link,
    deactivate_person,
    end_sessions,
    erase_person,
    invite,
    reactivate_person,
    set_password,
    set_role,
)
from appliance.accounts.services.registration import (
    is_registration_by_email,
    register_as_visitor,
    register_by_email,
    request_own_address,
    request_password,
)
from appliance.accounts.services.second_factors import (
    may_remove,
    record_second_factor,
    reset_second_factor,
    use_code,
)
from appliance.accounts.services.sessions import end_all_sessions, end_session
from appliance.accounts.services.single_sign_on import (
    add_identity_provider,
    change_identity_provider,
    find_or_create_user,
    remove_identity_provider,
    try_identity_provider,
)
from appliance.accounts.services.site_settings import store_site_url, update_site_settings
from appliance.accounts.services.teams import (
    add_team,
    change_team,
    deactivate_team,
    reactivate_team,
)
