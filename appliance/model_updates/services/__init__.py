"""Verbs of updates: inspect, apply, go back, pin the root, watch, mend after a crash."""

from appliance.model_updates.services.activation import follow
from appliance.model_updates.services.runs import (
    carry_out,
    clear_away,
    request_again,
    request_run,
    start_run,
)
from appliance.model_updates.services.trial import watch
from appliance.model_updates.services.trust_store import pin_root
