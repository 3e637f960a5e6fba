"""Writes to directories and to everybody who comes from them."""

from appliance.directory.services.directories import (
    add_directory,
    add_mapping,
    change_directory,
    forget_people,
    record_answer,
    record_problem,
    remove_directory,
    remove_mapping,
    send_alarms,
)
from appliance.directory.services.login import log_in
from appliance.directory.services.runs import (
    approve_run,
    carry_out_run,
    check_accounts,
    purge,
    resume_runs,
    start_nightly_runs,
    start_run,
)
