"""Parse release.json, the description of a signed release, strictly."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.inference.bundle import ROLES
from appliance.model_updates.errors import Step, UpdateRejectedError

RELEASE = "release.json"
MAX_BYTES = 1_000_000
MAX_BUNDLES = 12
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")
_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}\Z")


@dataclass(frozen=True)
class ReleasedBundle:
    """A bundle of the release; its files are in ``bundles/NAME/VERSION/``."""

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
    """Articles of the release; they are in ``articles/PACK/``."""

    pack: str
    files: tuple[str, ...]

    def path(self, file: str) -> str:
        return f"articles/{self.pack}/{file}"


@dataclass(frozen=True)
class ReleaseNote:
    """The content of release.json."""

    made_at: datetime
    min_version: str
    below_version: str
    bundles: tuple[ReleasedBundle, ...]
    articles: tuple[ArticlePack, ...]
    notes: str

    def paths(self) -> list[str]:
        parts: list[ReleasedBundle | ArticlePack] = [*self.bundles, *self.articles]
        return [part.path(file) for part in parts for file in part.files]


def parse(content: bytes) -> ReleaseNote:
    """Parse release.json; raises UpdateRejectedError for a format this version does not know."""
    try:
        data = json.loads(content)
        if data["format"] != 1:
            raise ValueError(f"format {data['format']!r}")
        made_at = datetime.fromisoformat(data["made_at"])
        if made_at.tzinfo is None:
            raise ValueError("made_at has no time zone")
        return ReleaseNote(
            made_at=made_at,
            min_version=_version(data["application"]["least"]),
            below_version=_version(data["application"]["below"]),
            bundles=_bundles(data["bundles"]),
            articles=tuple(
                ArticlePack(_name(entry["pack"]), _files(entry)) for entry in data["articles"]
            ),
            notes=str(data.get("notes", ""))[:2000],
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        text = f"release.json is of a form this Skerry does not know ({error!r})."
        raise UpdateRejectedError(Step.COMPATIBILITY, text) from error


def _bundles(data: list[dict[str, Any]]) -> tuple[ReleasedBundle, ...]:
    bundles = tuple(
        ReleasedBundle(
            _role(entry["role"]), _name(entry["name"]), _name(entry["version"]), _files(entry)
        )
        for entry in data[: MAX_BUNDLES + 1]
    )
    if len(bundles) > MAX_BUNDLES or len({bundle.role for bundle in bundles}) != len(bundles):
        raise ValueError("more than one bundle for a role")
    return bundles


def _files(data: dict[str, Any]) -> tuple[str, ...]:
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


def is_within(version: str, *, min_version: str, below_version: str) -> bool:
    """Whether ``min_version`` <= ``version`` < ``below_version``."""
    return _numbers(min_version) <= _numbers(version) < _numbers(below_version)


def _numbers(version: str) -> tuple[int, ...]:
    parts = [int(part) for part in re.findall(r"\d+", version)[:4]]
    return tuple(parts + [0] * (4 - len(parts)))
