"""Dockerfile and compose.offline.yml: what can be said of them without an engine.

Their commands and environments are started for real in tests/launcher/test_servers.py.
"""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from appliance import VERSION

CODE = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((CODE / "compose.offline.yml").read_text())
DOCKERFILE = (CODE / "Dockerfile").read_text()
SERVICES = COMPOSE["services"]
SCRIPT = CODE / "scripts" / "save_images.py"


def run(*command: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, cwd=CODE, check=False)


def tool(name: str) -> Path:
    return Path(sys.executable).parent / name


def test_the_dockerfile_is_clean():
    found = run(tool("hadolint"), "--no-color", "Dockerfile")
    assert (found.returncode, found.stdout) == (0, "")


def test_the_compose_file_follows_its_schema():
    schema = ["--builtin-schema", "vendor.compose-spec"]
    assert run(tool("check-jsonschema"), *schema, "compose.offline.yml").returncode == 0


def test_the_compose_file_has_the_four_services():
    assert set(SERVICES) == {"db", "redis", "web", "worker"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_pulled_or_may_do_more_than_it_must(name):
    service = SERVICES[name]
    assert service["pull_policy"] == "never"
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["user"].split(":")[0] == re.search(r"^USER (\d+)$", DOCKERFILE, re.M)[1] != "0"
    assert service["mem_limit"] and service["pids_limit"]
    assert not any("PASSWORD" in key and "FILE" not in key for key in service["environment"])


def test_only_the_pages_can_be_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert COMPOSE["networks"]["inside"]["internal"]
    assert {name for name, one in SERVICES.items() if one["networks"] != ["inside"]} == {"web"}


def test_image_and_version_agree():
    named = {service["image"] for service in SERVICES.values()}
    assert named == {f"${{SKERRY_IMAGE:-skerry:{VERSION}}}"}
    assert f'IMAGE = "skerry:{VERSION}"' in SCRIPT.read_text()


def test_secrets_are_made_once(tmp_path):
    folder = tmp_path / "secrets"
    make = [sys.executable, SCRIPT, "secrets", "--folder", folder]
    assert run(*make).returncode == 0
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(made) == set(COMPOSE["secrets"])
    assert len(set(made.values())) == 3 and min(map(len, made.values())) > 40
    assert (
        "has all three already" in run(sys.executable, SCRIPT, "secrets", "--folder", folder).stdout
    )
    assert made == {path.name: path.read_text() for path in folder.iterdir()}


def archive(folder: Path, **parts: bytes) -> Path:
    made = folder / "images.tar"
    with tarfile.open(made, "w") as tar:
        for name, content in parts.items():
            (folder / name).write_bytes(content)
            tar.add(folder / name, name.replace("_", "."))
    return made


DIGESTS = json.dumps({"image": "skerry", "id": "0", "sha256": "0" * 64}).encode()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "has no digests"),
        ({"DIGESTS_json": b"[]"}, "has no digests"),
        ({"DIGESTS_json": DIGESTS}, "holds no image"),
        ({"DIGESTS_json": DIGESTS, "image_tar": b"changed"}, "damaged or changed on the way"),
    ],
)
def test_an_archive_that_is_not_whole_never_reaches_the_engine(tmp_path, parts, said):
    no_engine = ["--engine", "an-engine-that-must-not-be-called"]
    loaded = run(sys.executable, SCRIPT, "load", archive(tmp_path, **parts), *no_engine)
    assert loaded.returncode == 1 and said in loaded.stderr
