"""A publisher with keys, a desk on tiny models, and sticks between them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.inference import bundle_holder
from appliance.model_updates import services
from appliance.model_updates.models import UpdateRun
from appliance.model_updates.tests import tiny
from appliance.tickets.models import TicketCategory
from scripts.updating import keys, repository

PASSPHRASE = "only the tests know"


def ask(name: str) -> str:
    return PASSPHRASE


@dataclass
class Publisher:
    """Makes sticks."""

    home: Path
    scratch: Path

    @property
    def root(self) -> bytes:
        return (self.home / "metadata" / "1.root.json").read_bytes()

    def pack(
        self, *bundles: Path, articles: tuple[Path, ...] = (), name: str = "stick", **terms: object
    ) -> Path:
        """A stick with these bundles. Its folder."""
        contents = repository.gather(bundles, articles)
        stick = repository.publish(self.home, contents, repository.Terms(**terms), [], ask)
        out = self.scratch / name
        repository.write_media(stick, out)
        return out

    def replace(self, name: str) -> str:
        return keys.replace_key(self.home, name, [], ask)


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("publisher") / "home"
    keys.make_keys(home, ask)
    return home


@pytest.fixture
def publisher(made_keys, tmp_path) -> Publisher:
    home = tmp_path / "home"
    shutil.copytree(made_keys, home)
    return Publisher(home, tmp_path)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> Path:
    return tiny.write_models(tmp_path_factory.mktemp("tiny") / "models")


@pytest.fixture
def desk(db, settings, tmp_path, tiny_models, monkeypatch) -> None:
    """Tiny models run, nothing was installed, and three categories are used."""
    monkeypatch.setattr(bundle_holder, "CHECK_SECONDS", 0)
    settings.MODELS = tiny_models
    settings.DATA = tmp_path / "data"
    settings.DATA.mkdir()
    for slug in tiny.CATEGORIES:
        TicketCategory.objects.create(
            slug=slug,
            name=slug.title(),
            examples=[f"{w} {v}" for w in tiny.WORDS[slug] for v in ("is broken", "please help")],
        )


@pytest.fixture
def trusting(desk, publisher) -> None:
    services.pin_root(publisher.root, by_name="Dan")


@pytest.fixture
def bundle(tmp_path) -> Callable[..., Path]:
    """A new bundle, better or worse than the one that runs."""

    def make(role: str = "classifier", version: str = "2", **more: object) -> Path:
        if not {"weights", "onnx"} & set(more):
            more["weights"] = 1.1 * tiny.weights_for(role)  # not the very same bundle
        return tiny.write_bundle(tmp_path / "new", role, version, **more)

    return make


@pytest.fixture
def apply(trusting, dan) -> Callable[..., UpdateRun]:
    """Carry out an update from a stick; by default Dan takes missing evidence all the same."""

    def do(stick: Path, accept: tuple[str, ...] = ("undecided",), kind: str = "apply") -> UpdateRun:
        run = services.start_run(
            kind=kind,
            source=str(stick),
            by=dan,
            accepted=list(accept),
            reason="Asked for by the head of the desk." if accept else "",
        )
        return services.carry_out(run)

    return do
