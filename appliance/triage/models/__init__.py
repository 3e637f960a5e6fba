"""What the bundles said, what was offered for it, and what people made of both."""

from appliance.triage.models.looking import LookedThrough, Touched
from appliance.triage.models.reading import (
    DIMENSIONS,
    NOT_SURE,
    Annotation,
    Attempt,
    Correction,
    Passage,
    TicketVector,
)
from appliance.triage.models.suggesting import Gap, GapTicket, Suggestion
