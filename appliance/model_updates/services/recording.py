"""The one place that writes the log of updates."""

from typing import Any

from appliance.model_updates.models import UpdateEvent, UpdateRun


def record(
    step: str,
    outcome: str,
    *,
    run: UpdateRun | None = None,
    by_name: str = "",
    text: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """One row a step; without ``by_name`` it is whoever started the run, or the box itself."""
    UpdateEvent.objects.create(
        run=run,
        by_name=by_name or (run.by_name if run else "Skerry"),
        step=step,
        outcome=outcome,
        text=text,
        data=data or {},
    )
