"""Verbs of triage: annotate, index, record feedback, find gaps, compute drift, keep spaces."""

from appliance.triage.services.annotation import annotate, annotate_soon, catch_up, warm_up
from appliance.triage.services.articles import recognise_languages, refresh_article
from appliance.triage.services.backlog import reclassify_backlog
from appliance.triage.services.drift import (
    change_drift_settings,
    request_drift_update,
    update_drift,
)
from appliance.triage.services.feedback import (
    confirm_category,
    correct_category,
    dismiss_suggestion,
    reconsider_unsure,
    record_inserted_suggestions,
    record_shown_suggestions,
    undo_choice,
    undo_dismissal,
)
from appliance.triage.services.feedback_replay import replay_feedback, set_feedback_use
from appliance.triage.services.gaps import detect_gaps, dismiss_gap, draft_article, restore_gap
from appliance.triage.services.incidents import (
    accept_incident,
    decline_offer,
    detect_incidents,
    dismiss_incident,
    join_incident,
    publish_notice,
    undo_acceptance,
)
from appliance.triage.services.labels import record_kept_categories, record_label
from appliance.triage.services.learning import (
    activate_head,
    learn_nightly,
    load_settings,
    pass_labels_on,
    relearn_for_new_space,
    request_training,
    roll_back_head,
    set_nightly,
    train_head,
)
from appliance.triage.services.queueing import (
    queue_annotation,
    queue_article,
    queue_backlog,
    queue_catch_up,
    queue_drift_update,
    queue_gap_detection,
    queue_incident_detection,
    queue_solution_extraction,
    queue_space_deletion,
    queue_space_filling,
)
from appliance.triage.services.solutions import (
    extract_solutions,
    schedule_missing_solutions,
    schedule_solution,
)
from appliance.triage.services.spaces import delete_space, fill_space, index_space, maintain_spaces
