"""The inference engine of this process, created on first use."""

import threading
from functools import cache
from pathlib import Path

from django.conf import settings

from appliance.inference.bundle import ROLES, BundleRef, InferenceError
from appliance.inference.bundle_store import BundleStore
from appliance.inference.engine import Engine

_lock = threading.Lock()


def current() -> Engine:
    """Return the engine of the release's and the installed bundles.

    Cheap: a bundle is loaded on first use, and swapped within seconds of an update.
    """
    with _lock:
        return _engine_of(settings.MODELS, settings.DATA / "models")


@cache
def _engine_of(shipped: Path, installed: Path) -> Engine:
    return Engine(shipped, installed_dir=installed)


def refs() -> dict[str, BundleRef]:
    """Return the usable bundles by role."""
    return {role: ref for role in ROLES if (ref := find_ref(role))}


def find_ref(role: str) -> BundleRef | None:
    """Return the active bundle of a role; None when it is missing or refused."""
    try:
        return current().ref(role)
    except InferenceError:
        return None


def supports(role: str, text: str) -> bool:
    """Return whether the active bundle of a role was measured on the language of the text.

    True without a bundle, of which nothing needs to be said.
    """
    try:
        return current().supports(role, text)
    except InferenceError:
        return True


def find_languages(role: str) -> tuple[str, ...]:
    """Return the languages that the active bundle of a role was measured on; empty without one."""
    try:
        return current().bundle(role).languages
    except InferenceError:
        return ()


def find_next_encoder() -> BundleRef | None:
    """Return the encoder whose vectors are being written beside the active ones; None without one.

    ``current().embed(text, space=ref.space)`` calls it. Searches use ``find_ref("encoder")`` until
    its space is complete.
    """
    return current().next_encoder()


def active_space() -> str | None:
    """Return the embedding space that searches use; None without an encoder."""
    encoder = find_ref("encoder")
    return encoder.space if encoder else None


def usable_spaces() -> set[str] | None:
    """Return the spaces of every encoder on disk: active, previous, shipped and next.

    None when an encoder's description cannot be read.
    """
    store = BundleStore(settings.MODELS, settings.DATA / "models")
    try:
        encoders = [*store.candidates("encoder"), store.find_next("encoder")]
    except InferenceError:
        return None
    spaces: set[str] = set()
    for encoder in encoders:
        if isinstance(encoder, InferenceError):
            return None
        if encoder is not None:
            spaces.add(encoder.ref.space)
    return spaces
