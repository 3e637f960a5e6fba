"""Verbs of triage: read a ticket, read an article, correct a category, catch up.

The models run outside any transaction; what they said is written in one short one, and only
when the text is still the one they read.
"""

from appliance.triage.services.annotation import annotate, annotate_soon, catch_up, warm
from appliance.triage.services.articles import refresh_article
from appliance.triage.services.feedback import (
    correct_category,
    note_sent,
    reconsider_unsure,
    record_shown_suggestions,
    refuse,
    undo_dismissal,
)
from appliance.triage.services.gaps import (
    dismiss_gap,
    find_gaps,
    restore_gap,
    write_for_gap,
)
from appliance.triage.services.queueing import (
    queue_annotation,
    queue_article,
    queue_catch_up,
    queue_filling,
    queue_forgetting,
    queue_gaps,
)
from appliance.triage.services.spaces import fill_space, forget_space, index_space, tend_spaces
