"""The one engine of this process, made when it is first asked for."""

import threading
from functools import cache
from pathlib import Path

from django.conf import settings

from appliance.inference.bundle import ROLES, BundleRef, InferenceError
from appliance.inference.bundle_store import BundleStore
from appliance.inference.engine import Engine

_making = threading.Lock()


def current() -> Engine:
    """The engine of ``settings.MODELS`` and of what was installed since. Cheap: a bundle is loaded
    when it is first used, and another one taken up within seconds of an update.
    """
    with _making:
        return _engine_of(settings.MODELS, settings.DATA / "models")


@cache
def _engine_of(shipped: Path, installed: Path) -> Engine:
    return Engine(shipped, installed_dir=installed)


def refs() -> dict[str, BundleRef]:
    """The bundles that can be asked now, by role; one that is missing or refused is left out."""
    values = {}
    for role in ROLES:
        if ref := find_ref(role):
            values[role] = ref
    return values


def find_ref(role: str) -> BundleRef | None:
    """Which bundle answers for this role now; None when it is missing or refused."""
    try:
        return current().ref(role)
    except InferenceError:
        return None


def find_next_encoder() -> BundleRef | None:
    """The encoder whose vectors are being written beside the old ones; None while there is none.

    ``current().embed(text, space=ref.space)`` asks it; ``find_ref("encoder")`` stays the one reads
    go by until all its vectors are there.
    """
    return current().next_encoder()


def reading_space() -> str | None:
    """The vector space the desk reads now; None while there is no encoder."""
    encoder = find_ref("encoder")
    return encoder.space if encoder else None


def spaces_at_hand() -> set[str] | None:
    """The spaces of every encoder that lies here, whether it runs, ran before or comes next; None
    when one of them does not say.
    """
    store = BundleStore(settings.MODELS, settings.DATA / "models")
    rows = [*store.candidates("encoder")]
    try:
        rows.append(store.find_next("encoder"))
    except InferenceError:
        return None
    if any(isinstance(bundle, InferenceError) for bundle in rows):
        return None
    return {bundle.ref.space for bundle in rows if bundle}
