"""Checks of Dockerfile and compose.offline.yml that need no container engine.

tests/launcher/test_servers.py runs their commands in their environments.
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


def test_dockerfile_passes_hadolint():
    result = run(tool("hadolint"), "--no-color", "Dockerfile")
    assert (result.returncode, result.stdout) == (0, "")


def test_compose_file_follows_its_schema():
    schema = ["--builtin-schema", "vendor.compose-spec"]
    assert run(tool("check-jsonschema"), *schema, "compose.offline.yml").returncode == 0


def test_compose_file_has_four_services():
    assert set(SERVICES) == {"db", "redis", "web", "worker"}


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_not_pulled_and_have_minimal_privileges(name):
    service = SERVICES[name]
    assert service["pull_policy"] == "never"
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["user"].split(":")[0] == re.search(r"^USER (\d+)$", DOCKERFILE, re.M)[1] != "0"
    assert service["mem_limit"] and service["pids_limit"]
    assert not any("PASSWORD" in key and "FILE" not in key for key in service["environment"])


def test_only_the_web_service_is_published():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert COMPOSE["networks"]["backend"]["internal"]
    assert {name for name, service in SERVICES.items() if service["networks"] != ["backend"]} == {
        "web"
    }


def test_image_tag_matches_the_version():
    images = {service["image"] for service in SERVICES.values()}
    assert images == {f"${{SKERRY_IMAGE:-skerry:{VERSION}}}"}
    assert f'IMAGE = "skerry:{VERSION}"' in SCRIPT.read_text()


def test_secrets_are_created_once(tmp_path):
    folder = tmp_path / "secrets"
    make = [sys.executable, SCRIPT, "secrets", "--folder", folder]
    assert run(*make).returncode == 0
    secrets = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(secrets) == set(COMPOSE["secrets"])
    assert len(set(secrets.values())) == 4 and min(map(len, secrets.values())) > 40
    assert (
        "has all four already" in run(sys.executable, SCRIPT, "secrets", "--folder", folder).stdout
    )
    assert secrets == {path.name: path.read_text() for path in folder.iterdir()}


def archive(folder: Path, **parts: bytes) -> Path:
    path = folder / "images.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in parts.items():
            (folder / name).write_bytes(content)
            tar.add(folder / name, name.replace("_", "."))
    return path


DIGESTS = json.dumps({"image": "skerry", "id": "0", "sha256": "0" * 64}).encode()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "has no digests"),
        ({"DIGESTS_json": b"[]"}, "has no digests"),
        ({"DIGESTS_json": DIGESTS}, "holds no image"),
        ({"DIGESTS_json": DIGESTS, "image_tar": b"changed"}, "damaged or changed on the way"),
    ],
)
def test_incomplete_archive_is_not_loaded(tmp_path, parts, message):
    no_engine = ["--engine", "an-engine-that-must-not-be-called"]
    result = run(sys.executable, SCRIPT, "load", archive(tmp_path, **parts), *no_engine)
    assert result.returncode == 1 and message in result.stderr
