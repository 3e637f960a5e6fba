"""Verbs of triage: read a ticket, read an article, correct a category, catch up.

The models run outside any transaction; what they said is written in one short one, and only
when the text is still the one they read.
"""

from appliance.triage.services.articles import refresh_article
from appliance.triage.services.at_once import annotate_soon, warm
from appliance.triage.services.catching_up import catch_up
from appliance.triage.services.corrections import correct_category, reconsider_unsure
from appliance.triage.services.filling import fill_space
from appliance.triage.services.gaps import (
    dismiss_gap,
    find_gaps,
    take_back_dismissal,
    write_for_gap,
)
from appliance.triage.services.indexing import index_space
from appliance.triage.services.queueing import (
    queue_annotation,
    queue_article,
    queue_catch_up,
    queue_filling,
    queue_forgetting,
    queue_gaps,
)
from appliance.triage.services.spaces import forget_space, tend_spaces
from appliance.triage.services.suggesting import (
    note_sent,
    refuse,
    remember_offered,
    take_back_refusal,
)
from appliance.triage.services.tickets import annotate
