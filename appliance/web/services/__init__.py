"""Services that need more than one room."""

from appliance.web.services.anonymisation import anonymise_customer, anonymise_person
from appliance.web.services.bulk_changes import register_bulk_changes
from appliance.web.services.creation import create_ticket, ensure_requester
from appliance.web.services.export import export_customer, export_person
from appliance.web.services.guests import create_guest_ticket, reply_as_guest
from appliance.web.services.people import (
    deactivate_person,
    merge_customers,
    set_up,
    set_up_unattended,
)
