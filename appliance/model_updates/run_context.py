"""What the steps of one run hand to each other."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from appliance.core.errors import SkerryError
from appliance.inference.bundle import Bundle
from appliance.model_updates.models import UpdateRun
from appliance.model_updates.release import ReleaseNote
from appliance.model_updates.trust import Verified


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


@dataclass
class RunContext:
    """One run while it is carried out. Folders are below DATA: a rename moves what is in them."""

    run: UpdateRun
    now: datetime
    folder: Path  # quarantine, of this run alone
    verified: Verified | None = None
    note: ReleaseNote | None = None
    bundles: list[Bundle] = field(default_factory=list)  # new ones, in quarantine
    tried: dict[str, dict[str, Any]] = field(default_factory=dict)  # role → what the child found
    accepted_findings: list[str] = field(default_factory=list)

    @property
    def is_inspection(self) -> bool:
        return self.run.kind == UpdateRun.Kind.INSPECT

    def refuse_unless_accepted(
        self, what: str, step: Step, text: str, *, code: int | None = None
    ) -> None:
        """Raises, unless a named admin said that this is to be taken all the same."""
        if what not in self.run.accepted:
            raise UpdateRejectedError(step, text, code=code, accept=what)
        self.accepted_findings.append(what)


def quarantine_of(run: UpdateRun) -> Path:
    return settings.DATA / "quarantine" / str(run.pk)


def upload_of(run: UpdateRun) -> Path:
    """Where what was sent for this run lies."""
    return settings.DATA / "quarantine" / f"{run.pk}.tar"


def installed() -> Path:
    return settings.DATA / "models"
