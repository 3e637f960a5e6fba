"""From the bundle to a working page and a model update, on Debian's least without a network.

It takes minutes, root, mmdebstrap and an index (the wheels are fetched), so .ci/run runs it by
itself after the suite, as it does test_root. What happens inside is in scratch_machine.py.
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


def can_cut_off() -> bool:
    """Whether this machine lets root make an empty network of its own (some containers do not)."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root; .ci/run runs it as root"),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
    pytest.mark.skipif(not can_cut_off(), reason="root may make no network namespace here"),
    pytest.mark.skipif(not (CODE / ".git").exists(), reason="a bundle is built from a clone"),
]
PASSPHRASE = "a rock alone in the sea"
ENTER = """\
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/tmp" &&
root="$1" && shift && exec chroot "$root" /usr/bin/python3 "$@"
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="scratch-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Path:
    """What build_bundle.py makes of the last commit, wheels and all."""
    command = [sys.executable, CODE / "scripts" / "build_bundle.py"]
    environment = {**os.environ, "SKERRY_KEY_PASSPHRASE": PASSPHRASE}
    subprocess.run([*command, "--make-key", folder / "publisher.pem"], env=environment, check=True)
    signed = ["--out", folder, "--key", folder / "publisher.pem"]
    subprocess.run([*command, *signed], env=environment, check=True)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def machine(folder: Path) -> Path:
    """The root of a Debian 12 that has Python and nothing else."""
    root = folder / "machine"
    include = "--include=python3,python3-venv"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", include, "bookworm", root], check=True
    )
    return root


@pytest.fixture(scope="module")
def stick(folder: Path) -> Path:
    """A signed update that brings the sentiment bundle under its next version."""
    active = json.loads((CODE / "models" / "active.json").read_text())["sentiment"]
    bundle = folder / "sentiment" / "99"
    shutil.copytree(CODE / "models" / active, bundle)
    card = json.loads((bundle / "bundle.json").read_text())
    # the same model under other numbers, or the desk would say that it runs already
    warmer = {"temperature": card["calibration"]["temperature"] * 1.01}
    card |= {"version": "99", "calibration": card["calibration"] | warmer}
    (bundle / "bundle.json").write_text(json.dumps(card))
    command = [sys.executable, CODE / "scripts" / "update_models.py"]
    environment = {**os.environ, "SKERRY_KEY_PASSPHRASE": PASSPHRASE}
    home, out = folder / "home", folder / "stick"
    subprocess.run([*command, "keys", "init", home], env=environment, check=True)
    packing = ["pack", "--home", home, "--bundle", bundle, "--out", out]
    subprocess.run([*command, *packing], env=environment, check=True)
    return out


@pytest.fixture(scope="module")
def seen(folder: Path, bundle: Path, stick: Path, machine: Path) -> dict:
    """What the operator saw; printed, because its times are worth knowing."""
    shutil.copy(Path(__file__).with_name("scratch_machine.py"), machine / "root")
    os.link(bundle, machine / "root" / bundle.name)
    shutil.copytree(stick, machine / "media" / "stick")
    shutil.copy(folder / "home" / "metadata" / "1.root.json", machine / "media" / "root.json")
    publisher = (folder / "publisher.pub").read_text().strip()
    inside = ["/root/scratch_machine.py", f"/root/{bundle.name}", publisher]
    done = subprocess.run(
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
            *inside,
        ],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    print(f"{bundle.name}: {bundle.stat().st_size / 1e6:.0f} MB, {report}")
    return report


def test_a_machine_without_network_gets_a_working_desk_from_the_bundle(seen: dict) -> None:
    assert seen["cut_off"]
    assert seen["verified"] == 0
    assert (seen["log_in"], seen["style_sheet"]) == (200, 200)
    assert seen["health"]["status"] == "ok"
    assert set(seen["health"]["models"].values()) == {"ok"}
    assert seen["static_files_were_carried"]
    assert seen["stopped"] == 0


def test_a_flipped_byte_is_refused_by_name_before_anything_runs(seen: dict) -> None:
    assert "is not the file that was signed" in seen["flipped"] and "django" in seen["flipped"]
    assert not seen["half_made"]


def test_the_machine_takes_a_model_update_from_a_folder(seen: dict) -> None:
    update = seen["update"]
    assert update["status"] == 0, update["said"]
    assert update["before"]["sentiment"] != update["after"]["sentiment"] == "sentiment 99"
    assert update["before"]["classifier"] == update["after"]["classifier"]
    assert set(seen["health_after_update"]["models"].values()) == {"ok"}


def test_the_bundle_is_small_enough_to_carry(bundle: Path) -> None:
    assert bundle.stat().st_size < 450_000_000
