"""What the steps of one run hand to each other."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from appliance.inference.bundle import Bundle
from appliance.model_updates.errors import Step, UpdateRejectedError
from appliance.model_updates.models import UpdateRun
from appliance.model_updates.release import ReleaseNote
from appliance.model_updates.trust import Verified


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
