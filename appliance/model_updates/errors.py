"""The steps of an update, its exit codes, and the error that rejects it."""

from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from appliance.core.errors import SkerryError


class Step(StrEnum):
    """The steps of an update, in order."""

    PREFLIGHT = "preflight"
    QUARANTINE = "quarantine"
    SIGNATURES = "signatures"
    VERSIONS = "versions"
    COMPATIBILITY = "compatibility"
    LOAD = "load"
    GOLDEN = "golden"
    BUDGET = "budget"
    EVALUATION = "evaluation"
    SWAP = "swap"


# Exit codes of update_models.py: 0 success, 1 a wrong command line, the rest by step.
EXIT_CODES = {step: 10 + number for number, step in enumerate(Step)}
BUSY, NO_TRUST, EXPIRED, UNDECIDED, NOTHING_TO_DO = 30, 31, 32, 33, 34

# Findings a named admin may accept with a reason; never an unsigned, changed or older update.
ACCEPTABLE_FINDINGS = ("expired", "budget", "undecided", "worse")


class UpdateRejectedError(SkerryError):
    """A step rejected the update. ``accept`` names the finding an admin may accept to go on."""

    status = 409
    title = _("The update was rejected")

    def __init__(self, step: Step, text: str, *, code: int | None = None, accept: str = "") -> None:
        super().__init__(text)
        self.step, self.text, self.accept = step, text, accept
        self.details: dict[str, Any] = {}  # results so far
        self.code = EXIT_CODES[step] if code is None else code
