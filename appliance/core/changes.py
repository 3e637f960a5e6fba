"""The one place that writes down what was changed on the desk itself, and by whom."""

from django.db import models

from appliance.core.models import Change

SECRET = {"password"}


def record(
    *, by: models.Model | None, verb: str, subject: models.Model, data: dict | None = None
) -> None:
    """One row a change; call it in the transaction of the change. ``by=None``: the box itself."""
    Change.objects.create(
        actor=by,
        actor_name=str(by) if by else "Skerry",
        verb=verb,
        kind=str(subject._meta.verbose_name)[:40],
        subject=str(subject)[:200],
        subject_id=str(subject.pk or ""),
        data={key: value for key, value in (data or {}).items() if key not in SECRET},
    )
