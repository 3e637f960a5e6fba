"""A model artefact described by frozen data, and the checks it must pass before it is used.

A bundle is a folder ``<models>/<name>/<version>`` with ``bundle.json`` and the files it lists.
Nothing here runs the model: digests and paths are checked here, golden outputs in ``session.py``.
Needs nothing but the standard library: the launcher checks bundles before the libraries are there.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROLES = ("classifier", "sentiment", "encoder")
REQUIRED_FILES = ("model.onnx", "tokenizer.json", "labels.json", "golden.json")
REMEDY = "Restore this bundle from the release, or activate another version."
CALIBRATION = {
    "classifier": ("head_temperature", "similarity_tau", "threshold"),
    "sentiment": ("temperature",),
    "encoder": (),
}
MIXTURE_PARTS = ("head", "frozen", "similarity")  # of a classifier's "mixture"
# Optional files of an encoder: a model for English texts, and its tokenizer. See decision 40.
ENGLISH_MODEL, ENGLISH_TOKENIZER = "english.onnx", "english_tokenizer.json"
FROZEN_HEAD = "frozen_head.npz"  # optional file of a classifier: a regression on vectors
# Similarities to a text below which nothing is offered. scripts/bench/floors.py measures those of
# an encoder and writes them into its bundle.json; these, of encoder 2, hold for a bundle without.
DEFAULT_FLOORS: Mapping[str, float] = MappingProxyType(
    {
        "hit": 0.36,  # a hit of a search or a similar ticket: a person looks at several
        "article": 0.42,  # an article that is suggested
        "neighbour": 0.45,  # an earlier ticket whose article is suggested
        "duplicate": 0.6,  # an open ticket that may say the same as what is being typed
        # of a text without any word the encoder knows: random letters are near to everything
        "unknown_words": 0.5,
        "answer": 0.5,  # a published passage that answers a solved ticket: no content gap
        "same_question": 0.55,  # two solved tickets of one content gap
    }
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class InferenceError(Exception):
    """A text could not be processed by a bundle; the rest of the product works on."""


class BundleMissingError(InferenceError):
    """There is no models folder, no such bundle, or no active entry for the role."""


class BundleRefusedError(InferenceError):
    """A bundle must not be used; the message names it, the reason and the remedy."""


@dataclass(frozen=True)
class BundleRef:
    """Which artefact made a prediction; small enough to store with each of them."""

    role: str
    name: str
    version: str
    digest: str  # sha256 over the digests of the bundle's files and its calibration
    space: str = ""  # id of the embedding space; empty unless it is an encoder


@dataclass(frozen=True)
class Bundle:
    """One artefact on disk: its reference, its folder, its file digests and its settings."""

    ref: BundleRef
    folder: Path
    files: Mapping[str, str]  # file name -> sha256
    settings: Mapping[str, Any]  # bundle.json as it stands

    @property
    def max_tokens(self) -> int:
        """Longest input the bundle takes, special tokens included."""
        return int(self.settings["max_tokens"])

    @property
    def has_english_model(self) -> bool:
        """Whether an encoder has a model of its own for English texts, in the same space."""
        return ENGLISH_MODEL in self.files

    @property
    def model_files(self) -> tuple[str, ...]:
        """Names of its ONNX files."""
        return ("model.onnx", ENGLISH_MODEL) if self.has_english_model else ("model.onnx",)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the model's outputs; empty for an encoder."""
        return tuple(self.settings.get("labels") or ())

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages it was measured on, as ISO 639 codes; English unless bundle.json says so."""
        return tuple(self.settings.get("languages") or ("en",))

    @property
    def calibration(self) -> Mapping[str, Any]:
        """Temperatures, weights and thresholds chosen on held-out rows when it was built."""
        return self.settings.get("calibration") or {}

    @property
    def floors(self) -> Mapping[str, float]:
        """Cosines below which nothing is offered with this encoder, named as DEFAULT_FLOORS."""
        return {**DEFAULT_FLOORS, **(self.settings.get("floors") or {})}

    def read_json(self, name: str) -> Any:
        """Parse one JSON file of the bundle; raises BundleRefusedError when it cannot be read."""
        return read_json(self.folder / name, about=f"{self.ref.name}/{self.ref.version}")


def refuse(about: str, why: str) -> BundleRefusedError:
    """Return the error that names the bundle, the reason and the remedy."""
    return BundleRefusedError(f"Bundle {about} is refused: {why} {REMEDY}")


def read_json(path: Path, about: str) -> Any:
    """Parse a JSON file; BundleMissingError when absent, BundleRefusedError when broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleMissingError(f"Bundle {about}: {path.name} is not there. {REMEDY}") from error
    except (OSError, ValueError) as error:
        raise refuse(about, f"{path.name} cannot be read ({error}).") from error


def combined_digest(files: Mapping[str, str], calibration: Mapping[str, object]) -> str:
    """Return the sha256 that identifies the artefact: its files and its calibration.

    Over ``name:digest`` lines in name order, then the calibration as sorted JSON.
    """
    lines = "".join(f"{name}:{digest}\n" for name, digest in sorted(files.items()))
    lines += json.dumps(calibration, sort_keys=True)
    return hashlib.sha256(lines.encode()).hexdigest()


def find_active(models_dir: Path, role: str) -> Bundle:
    """Read active.json and the bundle.json it points to; opens no other file.

    Raises BundleMissingError (no folder, no entry) or BundleRefusedError (malformed).
    """
    active = read_json(models_dir / "active.json", about=f"for {role}")
    entry = active.get(role) if isinstance(active, dict) else None
    if entry is None:
        raise BundleMissingError(f"active.json names no bundle for {role}. {REMEDY}")
    return describe(folder_of(models_dir, entry), role)


def folder_of(models_dir: Path, entry: object) -> Path:
    """Return the folder of "name/version"; raises BundleRefusedError for any other entry."""
    parts = str(entry).split("/")
    if len(parts) != 2 or not all(_PLAIN_NAME.match(part) for part in parts):
        raise refuse(str(entry)[:80], 'active.json must say "name/version".')
    return models_dir / parts[0] / parts[1]


def describe(folder: Path, role: str) -> Bundle:
    """Read a folder's bundle.json as a Bundle; checks shape and paths, opens no weights."""
    about = f"{folder.parent.name}/{folder.name}"
    settings = read_json(folder / "bundle.json", about)
    if not isinstance(settings, dict):
        raise refuse(about, "bundle.json is not an object.")
    _check_identity(settings, folder, role, about)
    _check_outputs(settings, role, about)
    _check_calibration(settings, role, about)
    _check_floors(settings, about)
    files = _checked_files(settings.get("files"), about)
    space = settings["space"] if role == "encoder" else ""
    digest = combined_digest(files, settings["calibration"])
    ref = BundleRef(role, settings["name"], settings["version"], digest, space)
    return Bundle(ref, folder, MappingProxyType(files), MappingProxyType(settings))


def _check_identity(settings: Mapping[str, Any], folder: Path, role: str, about: str) -> None:
    """Refuse a bundle.json that disagrees with its folder or its role."""
    if settings.get("role") != role:
        raise refuse(about, f"its role is {settings.get('role')!r}, not {role!r}.")
    if (settings.get("name"), settings.get("version")) != (folder.parent.name, folder.name):
        raise refuse(about, "name and version in bundle.json differ from its folder.")
    tokens = settings.get("max_tokens")
    if not isinstance(tokens, int) or not 8 <= tokens <= 512:
        raise refuse(about, "max_tokens must be a number from 8 to 512.")
    if role == "encoder" and not isinstance(settings.get("space"), str):
        raise refuse(about, "an encoder must name its vector space.")


def _check_outputs(settings: Mapping[str, Any], role: str, about: str) -> None:
    """Refuse missing or inconsistent sizes and labels."""
    dims, labels = settings.get("dims"), settings.get("labels")
    if not isinstance(dims, int) or dims < 1:
        raise refuse(about, "dims must be a positive number.")
    if role != "encoder" and not (
        isinstance(labels, list) and len(set(map(str, labels))) == len(labels) == dims
    ):
        raise refuse(about, f"it must name {dims} different labels.")
    if role == "sentiment" and set(labels or ()) != {"negative", "neutral", "positive"}:
        raise refuse(about, "its labels must be negative, neutral and positive.")


def _check_calibration(settings: Mapping[str, Any], role: str, about: str) -> None:
    """Refuse a calibration without the positive numbers that predictions need."""
    numbers = settings.get("calibration") or {}
    for name in CALIBRATION[role]:
        if not _is_positive(numbers.get(name)):
            raise refuse(about, f"calibration lacks a positive {name}.")
    if role == "classifier":
        _check_mixture(numbers.get("mixture"), about)
    for name in ("sharpness", "new_desk_threshold"):
        if not _is_positive(numbers.get(name, 1)):
            raise refuse(about, f"calibration has a {name} that is not positive.")
    thresholds = numbers.get("thresholds", {})
    if not isinstance(thresholds, dict) or not all(map(_is_positive, thresholds.values())):
        raise refuse(about, "calibration has thresholds that are not positive.")


def _check_mixture(weights: object, about: str) -> None:
    """Refuse weights of the geometric mean that are missing, not positive or of unknown parts."""
    if not isinstance(weights, dict) or "head" not in weights:
        raise refuse(about, "calibration lacks a mixture with the weight of the head.")
    if not all(map(_is_positive, weights.values())):
        raise refuse(about, "calibration has a mixture with a weight that is not positive.")
    if set(weights) - set(MIXTURE_PARTS):
        raise refuse(about, f"calibration's mixture knows only {', '.join(MIXTURE_PARTS)}.")


def _check_floors(settings: Mapping[str, Any], about: str) -> None:
    """Refuse floors that are no cosines: nothing would be offered, or everything."""
    floors = settings.get("floors", {})
    if not isinstance(floors, dict) or not all(
        _is_positive(floor) and floor < 1 for floor in floors.values()
    ):
        raise refuse(about, "its floors must be numbers between 0 and 1.")


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and value > 0


def _checked_files(files: object, about: str) -> dict[str, str]:
    """Return file name → sha256; refuses absolute paths, ".." and sub-folders."""
    if not isinstance(files, dict):
        raise refuse(about, "bundle.json lists no files.")
    for name, digest in files.items():
        if not _PLAIN_NAME.match(name):
            raise refuse(about, f"file name {name[:80]!r} is not a plain name.")
        if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
            raise refuse(about, f"the digest of {name} is not a sha256.")
    missing = [name for name in REQUIRED_FILES if name not in files]
    if missing:
        raise refuse(about, f"bundle.json does not list {', '.join(missing)}.")
    if (ENGLISH_MODEL in files) != (ENGLISH_TOKENIZER in files):
        raise refuse(about, f"{ENGLISH_MODEL} and {ENGLISH_TOKENIZER} belong together.")
    return dict(files)


def verify_files(bundle: Bundle) -> None:
    """Compare the sha256 of every listed file, reading each once; raises BundleRefusedError."""
    about = f"{bundle.ref.name}/{bundle.ref.version}"
    for name, expected in bundle.files.items():
        try:
            with (bundle.folder / name).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise refuse(about, f"{name} cannot be read ({error.strerror}).") from error
        if digest != expected:
            raise refuse(about, f"{name} has sha256 {digest[:12]}…, expected {expected[:12]}….")
