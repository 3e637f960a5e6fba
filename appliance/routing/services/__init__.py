"""Verbs on who gets a ticket: the rules that admins set, and what they do."""

from appliance.routing.services.placing import follow, place_waiting
from appliance.routing.services.rules import add_rule, change_rule, move_rule, remove_rule

__all__ = ["add_rule", "change_rule", "follow", "move_rule", "place_waiting", "remove_rule"]
