"""Verbs of updates: inspect, apply, go back, pin the root, watch, mend after a crash."""

from appliance.model_updates.services.anchoring import pin_root
from appliance.model_updates.services.requesting import request_again, request_run
from appliance.model_updates.services.runs import carry_out, clear_away, start_run
from appliance.model_updates.services.swapping import follow
from appliance.model_updates.services.watching import watch
