"""Predictions and vectors of texts, labels, suggestions, model quality, and the work queue."""

from appliance.triage.models.drift import DriftSettings, DriftValue, Measure
from appliance.triage.models.incidents import Incident, IncidentTicket
from appliance.triage.models.learning import CategoryHead, CategoryLabel, LearningSettings
from appliance.triage.models.predictions import (
    DIMENSIONS,
    NOT_SURE,
    Correction,
    Passage,
    Prediction,
    TicketVector,
)
from appliance.triage.models.solutions import COMPLETED_STATUSES, Solution
from appliance.triage.models.suggestions import Gap, GapTicket, Suggestion
from appliance.triage.models.work_queue import AnnotationLease, BackfillState, PendingText, TextKind
