"""Install the bundle and apply a model update on a minimal Debian without network.

This takes minutes and needs root, mmdebstrap and a package index (for the wheels of the bundle), so
.ci/run runs it separately after the suite. scratch_machine.py is what runs on that machine.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launcher.conftest import CODE


def can_isolate() -> bool:
    """Return whether root may create a network namespace (not in all containers)."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root; .ci/run runs it as root"),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
    pytest.mark.skipif(not can_isolate(), reason="root may not create a network namespace here"),
    pytest.mark.skipif(not (CODE / ".git").exists(), reason="a bundle is built from a clone"),
]
PASSPHRASE = "a rock alone in the sea"
ENTER = """\
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/tmp" &&
root="$1" && shift && exec chroot "$root" /usr/bin/python3 "$@"
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="scratch-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Path:
    """Build the bundle of the last commit, with its wheels."""
    command = [sys.executable, CODE / "scripts" / "build_bundle.py"]
    environment = {**os.environ, "SKERRY_KEY_PASSPHRASE": PASSPHRASE}
    subprocess.run([*command, "--make-key", folder / "publisher.pem"], env=environment, check=True)
    signed = ["--out", folder, "--key", folder / "publisher.pem"]
    subprocess.run([*command, *signed], env=environment, check=True)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def machine(folder: Path) -> Path:
    """Create the root file system of a Debian 12 with Python."""
    root = folder / "machine"
    include = "--include=python3"  # without ensurepip and pip: the bundle brings pip
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", include, "bookworm", root], check=True
    )
    return root


@pytest.fixture(scope="module")
def update_folder(folder: Path) -> Path:
    """Create a signed update with the sentiment bundle under its next version."""
    active = json.loads((CODE / "models" / "active.json").read_text())["sentiment"]
    bundle = folder / "sentiment" / "99"
    shutil.copytree(CODE / "models" / active, bundle)
    description = json.loads((bundle / "bundle.json").read_text())
    # An equal model would be refused because it is active already, so change a number.
    temperature = description["calibration"]["temperature"] * 1.01
    description["calibration"] |= {"temperature": temperature}
    description["version"] = "99"
    (bundle / "bundle.json").write_text(json.dumps(description))
    command = [sys.executable, CODE / "scripts" / "update_models.py"]
    environment = {**os.environ, "SKERRY_KEY_PASSPHRASE": PASSPHRASE}
    home, out = folder / "home", folder / "update"
    subprocess.run([*command, "keys", "init", home], env=environment, check=True)
    pack = ["pack", "--home", home, "--bundle", bundle, "--out", out]
    subprocess.run([*command, *pack], env=environment, check=True)
    return out


@pytest.fixture(scope="module")
def report(folder: Path, bundle: Path, update_folder: Path, machine: Path) -> dict:
    """Run scratch_machine.py in the machine and return its report; also print it, for the times."""
    shutil.copy(Path(__file__).with_name("scratch_machine.py"), machine / "root")
    os.link(bundle, machine / "root" / bundle.name)
    shutil.copytree(update_folder, machine / "media" / "update")
    shutil.copy(folder / "home" / "metadata" / "1.root.json", machine / "media" / "root.json")
    publisher = (folder / "publisher.pub").read_text().strip()
    script = ["/root/scratch_machine.py", f"/root/{bundle.name}", publisher]
    result = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            ENTER,
            "enter",
            machine,
            *script,
        ],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    print(f"{bundle.name}: {bundle.stat().st_size / 1e6:.0f} MB, {report}")
    return report


def test_bundle_installs_and_runs_on_a_machine_without_network(report: dict) -> None:
    assert report["isolated"]
    assert report["verified"] == 0
    assert (report["log_in"], report["style_sheet"]) == (200, 200)
    assert report["health"]["status"] == "ok"
    assert set(report["health"]["models"].values()) == {"ok"}
    assert report["has_bundled_static_files"]
    assert report["stopped"] == 0


def test_changed_wheel_is_named_before_anything_is_installed(report: dict) -> None:
    assert (
        "is not the file that was signed" in report["changed_wheel"]
        and "django" in report["changed_wheel"]
    )
    assert not report["partly_installed"]


def test_model_update_is_applied_from_a_folder(report: dict) -> None:
    update = report["update"]
    assert update["status"] == 0, update["output"]
    assert update["before"]["sentiment"] != update["after"]["sentiment"] == "sentiment 99"
    assert update["before"]["classifier"] == update["after"]["classifier"]
    assert set(report["health_after_update"]["models"].values()) == {"ok"}


def test_bundle_is_smaller_than_450_mb(bundle: Path) -> None:
    assert bundle.stat().st_size < 450_000_000
