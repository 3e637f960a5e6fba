"""What the bundles said, what was offered for it, and what people made of both."""

from appliance.triage.models.predictions import (
    DIMENSIONS,
    NOT_SURE,
    AnnotationLease,
    Correction,
    Passage,
    Prediction,
    TicketVector,
)
from appliance.triage.models.suggestions import Gap, GapTicket, Suggestion
from appliance.triage.models.work import BackfillState, PendingText
