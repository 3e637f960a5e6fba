"""Writes on SLA policies, business hours, timers and escalations."""

from appliance.sla.services.business_hours import (
    add_business_hours,
    add_holiday,
    change_business_hours,
    remove_business_hours,
    remove_holiday,
)
from appliance.sla.services.policies import (
    add_escalation,
    add_policy,
    change_policy,
    move_policy,
    remove_escalation,
    remove_policy,
)
from appliance.sla.services.timers import (
    escalate_due,
    notify_newly_overdue,
    on_ticket_event,
    recompute_outdated_timers,
)
