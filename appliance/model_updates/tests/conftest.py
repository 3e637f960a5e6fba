"""A publisher with keys, an installation with tiny bundles, and media with updates."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.inference import bundle_holder
from appliance.model_updates import services
from appliance.model_updates.models import UpdateRun
from appliance.model_updates.tests import tiny_bundles
from appliance.tickets.models import TicketCategory
from scripts.updating import keys, repository

PASSPHRASE = "only the tests know"


def ask(name: str) -> str:
    return PASSPHRASE


@dataclass
class Publisher:
    """Writes media with updates."""

    home: Path
    scratch: Path

    @property
    def root(self) -> bytes:
        return (self.home / "metadata" / "1.root.json").read_bytes()

    def pack(
        self, *bundles: Path, articles: tuple[Path, ...] = (), name: str = "medium", **terms: object
    ) -> Path:
        """Write a medium with these bundles. Its folder."""
        contents = repository.gather(bundles, articles)
        files = repository.publish(self.home, contents, repository.Terms(**terms), [], ask)
        out = self.scratch / name
        repository.write_media(files, out)
        return out

    def replace(self, name: str) -> str:
        return keys.replace_key(self.home, name, [], ask)


@pytest.fixture(scope="session")
def publisher_home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("publisher") / "home"
    keys.make_keys(home, ask)
    return home


@pytest.fixture
def publisher(publisher_home, tmp_path) -> Publisher:
    home = tmp_path / "home"
    shutil.copytree(publisher_home, home)
    return Publisher(home, tmp_path)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> Path:
    return tiny_bundles.write_models(tmp_path_factory.mktemp("tiny") / "models")


@pytest.fixture
def installation(db, settings, tmp_path, tiny_models, monkeypatch) -> None:
    """Tiny bundles are active, none is installed, and there are three categories."""
    monkeypatch.setattr(bundle_holder, "CHECK_SECONDS", 0)
    settings.MODELS = tiny_models
    settings.DATA = tmp_path / "data"
    settings.DATA.mkdir()
    for slug in tiny_bundles.CATEGORIES:
        TicketCategory.objects.create(
            slug=slug,
            name=slug.title(),
            examples=[
                f"{word} {phrase}"
                for word in tiny_bundles.WORDS[slug]
                for phrase in ("is broken", "please help")
            ],
        )


@pytest.fixture
def trusted_publisher(installation, publisher) -> None:
    services.pin_root(publisher.root, by_name="Dan")


@pytest.fixture
def bundle(tmp_path) -> Callable[..., Path]:
    """Write a new bundle, better or worse than the active one."""

    def make(role: str = "classifier", version: str = "2", **more: object) -> Path:
        if not {"weights", "onnx"} & set(more):
            more["weights"] = 1.1 * tiny_bundles.weights_for(
                role
            )  # another digest than the active one
        return tiny_bundles.write_bundle(tmp_path / "new", role, version, **more)

    return make


@pytest.fixture
def apply(trusted_publisher, dan) -> Callable[..., UpdateRun]:
    """Carry out an update from a medium; by default Dan accepts missing evidence."""

    def carry_out(
        medium: Path, accept: tuple[str, ...] = ("undecided",), kind: str = "apply"
    ) -> UpdateRun:
        run = services.start_run(
            kind=kind,
            source=str(medium),
            by=dan,
            accepted=list(accept),
            reason="Asked for by the head of the desk." if accept else "",
        )
        return services.carry_out(run)

    return carry_out
