"""The steps of an update and the errors that end one."""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from appliance.core.errors import SkerryError


class Step(StrEnum):
    """The steps of an update, in their order."""

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


# What update_models.py ends with. 0 went well, 1 is a wrong command line; the rest names the step.
EXIT_CODES = {step: 10 + number for number, step in enumerate(Step)}
BUSY, NO_TRUST, EXPIRED, UNDECIDED, NOTHING_TO_DO = 30, 31, 32, 33, 34

# What a named admin may accept with a reason. Never: unsigned, changed, or older than seen.
MAY_BE_ACCEPTED = ("expired", "budget", "undecided", "worse")


class UpdateRejectedError(SkerryError):
    """A step that says no. ``accept`` names what an admin would have to accept to go on."""

    status = 409
    title = _("The update was rejected")

    def __init__(self, step: Step, text: str, *, code: int | None = None, accept: str = "") -> None:
        super().__init__(text)
        self.step, self.text, self.accept = step, text, accept
        self.data: dict = {}  # what was found so far
        self.code = EXIT_CODES[step] if code is None else code
