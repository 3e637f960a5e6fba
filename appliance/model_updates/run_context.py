"""The state that the steps of one run share, and its folders."""

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
    """One run while it is carried out. All folders are below DATA, so files move by rename."""

    run: UpdateRun
    now: datetime
    folder: Path  # quarantine of this run
    bundles: list[Bundle] = field(default_factory=list)  # new ones, in quarantine
    sandbox_results: dict[str, dict[str, Any]] = field(default_factory=dict)  # by role
    accepted_findings: list[str] = field(default_factory=list)  # of the step at work
    _verified: Verified | None = None
    _note: ReleaseNote | None = None

    @property
    def verified(self) -> Verified:
        """The verified metadata. Available once the step ``signatures`` has passed."""
        if self._verified is None:
            raise RuntimeError("The signatures are not verified yet.")
        return self._verified

    @property
    def note(self) -> ReleaseNote:
        """The content of release.json. Available once the step ``signatures`` has passed."""
        if self._note is None:
            raise RuntimeError("The release note is not read yet.")
        return self._note

    def set_release(self, verified: Verified, note: ReleaseNote) -> None:
        self._verified, self._note = verified, note

    @property
    def is_inspection(self) -> bool:
        return self.run.kind == UpdateRun.Kind.INSPECT

    def reject_unless_accepted(
        self, finding: str, step: Step, text: str, *, code: int | None = None
    ) -> None:
        """Raise UpdateRejectedError unless a named admin accepted this finding."""
        if finding not in self.run.accepted:
            raise UpdateRejectedError(step, text, code=code, accept=finding)
        self.accepted_findings.append(finding)


def quarantine_of(run: UpdateRun) -> Path:
    return Path(settings.DATA) / "quarantine" / str(run.pk)


def upload_of(run: UpdateRun) -> Path:
    """Return the path of the file uploaded for this run."""
    return Path(settings.DATA) / "quarantine" / f"{run.pk}.tar"


def installed_folder() -> Path:
    return Path(settings.DATA) / "models"
