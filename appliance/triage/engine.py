"""The one engine of this process, made when it is first asked for."""

import threading
from functools import cache
from pathlib import Path

from django.conf import settings

from appliance.inference.bundle import ROLES, BundleRef
from appliance.inference.engine import Engine
from appliance.inference.errors import InferenceError

_making = threading.Lock()


def current() -> Engine:
    """The engine of ``settings.MODELS``. Cheap: a bundle is loaded when it is first used."""
    with _making:
        return _engine_of(settings.MODELS)


@cache
def _engine_of(folder: Path) -> Engine:
    return Engine(folder)


def refs() -> dict[str, BundleRef]:
    """The bundles that can be asked now, by role; one that is missing or refused is left out."""
    found = {}
    for role in ROLES:
        if ref := find_ref(role):
            found[role] = ref
    return found


def find_ref(role: str) -> BundleRef | None:
    """Which bundle answers for this role now; None when it is missing or refused."""
    try:
        return current().ref(role)
    except InferenceError:
        return None
