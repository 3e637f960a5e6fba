"""Verbs on promises: what admins set, how clocks follow tickets, what happens when time is up."""

from appliance.sla.services.alarms import escalate_due, plan
from appliance.sla.services.clocks import catch_up, follow, tell_of_lines_crossed
from appliance.sla.services.policies import (
    add_escalation,
    add_policy,
    change_policy,
    move_policy,
    remove_escalation,
    remove_policy,
)

__all__ = [
    "add_escalation",
    "add_policy",
    "catch_up",
    "change_policy",
    "escalate_due",
    "follow",
    "move_policy",
    "plan",
    "remove_escalation",
    "remove_policy",
    "tell_of_lines_crossed",
]
