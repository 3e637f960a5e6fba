"""Whose turn it is to read a text: taken before, given back after."""

from appliance.triage import backlog, claims
from appliance.triage.models import Attempt


def take(kind: Attempt.Kind, object_id: int, text: str, refs: backlog.Refs) -> bool:
    """False while another reads the text, or when it broke these bundles three times."""
    bundles = backlog.identity(refs)
    return claims.claim(kind, object_id, text_sha256=text, bundles=bundles)


def give_back(kind: Attempt.Kind, object_id: int, broken: list[str]) -> None:
    if broken:
        claims.fail(kind, object_id, error="; ".join(broken))
    else:
        claims.release(kind, object_id)
