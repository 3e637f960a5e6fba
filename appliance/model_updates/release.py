"""What a signed release says of itself: release.json, read strictly."""

import json
import re
from dataclasses import dataclass
from datetime import datetime

from appliance.inference.bundle import ROLES
from appliance.model_updates.errors import Step, UpdateRejectedError

RELEASE = "release.json"
MAX_BYTES = 1_000_000
MAX_BUNDLES = 12
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")
_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}\Z")


@dataclass(frozen=True)
class NamedBundle:
    """A bundle of the release; its files lie in ``bundles/NAME/VERSION/``."""

    role: str
    name: str
    version: str
    files: tuple[str, ...]

    @property
    def about(self) -> str:
        return f"{self.name}/{self.version}"

    def path(self, file: str) -> str:
        return f"bundles/{self.name}/{self.version}/{file}"


@dataclass(frozen=True)
class ArticlePack:
    """Articles from headquarters; they lie in ``articles/PACK/``."""

    pack: str
    files: tuple[str, ...]

    def path(self, file: str) -> str:
        return f"articles/{self.pack}/{file}"


@dataclass(frozen=True)
class ReleaseNote:
    """The whole of release.json."""

    made_at: datetime
    least: str
    below: str
    bundles: tuple[NamedBundle, ...]
    articles: tuple[ArticlePack, ...]
    notes: str

    def paths(self) -> list[str]:
        parts = [*self.bundles, *self.articles]
        return [part.path(file) for part in parts for file in part.files]


def parse(content: bytes) -> ReleaseNote:
    """Raises UpdateRefusedError: a signed release of a form this version does not know."""
    try:
        data = json.loads(content)
        if data["format"] != 1:
            raise ValueError(f"format {data['format']!r}")
        made_at = datetime.fromisoformat(data["made_at"])
        if made_at.tzinfo is None:
            raise ValueError("made_at has no time zone")
        return ReleaseNote(
            made_at=made_at,
            least=_version(data["application"]["least"]),
            below=_version(data["application"]["below"]),
            bundles=_bundles(data["bundles"]),
            articles=tuple(ArticlePack(_name(p["pack"]), _files(p)) for p in data["articles"]),
            notes=str(data.get("notes", ""))[:2000],
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        text = f"release.json is of a form this Skerry does not know ({error!r})."
        raise UpdateRejectedError(Step.COMPATIBILITY, text) from error


def _bundles(data: list) -> tuple[NamedBundle, ...]:
    bundles = tuple(
        NamedBundle(_role(b["role"]), _name(b["name"]), _name(b["version"]), _files(b))
        for b in data[: MAX_BUNDLES + 1]
    )
    if len(bundles) > MAX_BUNDLES or len({bundle.role for bundle in bundles}) != len(bundles):
        raise ValueError("more than one bundle for a role")
    return bundles


def _files(data: dict) -> tuple[str, ...]:
    return tuple(_name(name) for name in data["files"][:5000])


def _role(value: object) -> str:
    if value not in ROLES:
        raise ValueError(f"role {value!r}")
    return str(value)


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.match(value):
        raise ValueError(f"name {value!r}")
    return value


def _version(value: object) -> str:
    if not isinstance(value, str) or not _VERSION.match(value):
        raise ValueError(f"version {value!r}")
    return value


def is_within(version: str, *, least: str, below: str) -> bool:
    """Whether a version of Skerry lies in [least, below)."""
    return _numbers(least) <= _numbers(version) < _numbers(below)


def _numbers(version: str) -> tuple[int, ...]:
    parts = [int(part) for part in re.findall(r"\d+", version)[:4]]
    return tuple(parts + [0] * (4 - len(parts)))
