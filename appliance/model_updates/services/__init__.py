"""Verbs of model updates: inspect, apply, roll back, trust a publisher, monitor, clean up."""

from appliance.model_updates.services.activation import sync_active_json
from appliance.model_updates.services.monitoring import review_active_bundles
from appliance.model_updates.services.runs import (
    carry_out,
    clean_up_runs,
    request_apply,
    request_run,
    start_run,
)
from appliance.model_updates.services.trust_store import pin_root
