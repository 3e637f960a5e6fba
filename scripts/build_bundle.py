#!/usr/bin/env python3
"""Build the signed release bundle: code, wheels, models, static files, documents, manifest.

    build_bundle.py --out DIR         build the bundle of the last commit
    build_bundle.py --verify FILE     exit with 0 only if the bundle is complete and signed
    build_bundle.py --make-key FILE   create the publisher's key outside secrets/

``--out`` signs with ``--key``; default: secrets/publisher.pem, which the first build creates.
``--verify`` trusts the key of ``--publisher``; default: the public key in secrets/, or the
publisher of the bundle that contains this script. It needs no installed packages. Two builds of
one commit are equal byte for byte. The passphrase of the key is read from SKERRY_KEY_PASSPHRASE,
or from the terminal.
"""

import argparse
import getpass
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CODE))
sys.dont_write_bytecode = True  # an unpacked bundle must not change

# ruff: noqa: E402
from appliance import VERSION
from appliance.launcher import manifest
from appliance.launcher.terminal import LauncherError
from scripts.bundling import archive

NAME = f"skerry-{VERSION}"
MAX_BYTES = 450_000_000
EXCLUDED = (".ci", ".gitignore", "requirements-test.lock", "requirements-models.lock")
OWN_KEY = CODE / "secrets" / "publisher.pem"


def build(out: Path, key_file: Path) -> Path:
    """Build the bundle in a scratch folder and move it to ``out``; return its path."""
    from scripts.bundling import sbom, signing, static, wheels

    key = signing.load_key(key_file, passphrase())
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        root = Path(scratch) / NAME
        export_commit(root)
        for lock in ("requirements.lock", "requirements-pip.lock"):
            wheels.download(root / lock, root / "wheels")
        static.collect(root)
        packages = wheels.packages(root / "wheels")
        for package in packages:
            _write_licences(root / "licences" / package.file.stem, wheels.licence_files(package))
        (root / "sbom.json").write_text(sbom.document(packages, root / "models"))
        (root / manifest.PUBLISHER).write_text(signing.public_hex(key) + "\n")
        listing = list_files(root)
        (root / manifest.MANIFEST).write_text(listing)
        (root / manifest.SIGNATURE).write_text(key.sign(listing.encode()).hex() + "\n")
        bundle_file = Path(scratch) / "bundle.tar.gz"
        archive.pack(root, bundle_file, commit_time())
        if bundle_file.stat().st_size > MAX_BYTES:
            raise LauncherError(
                f"The bundle has {bundle_file.stat().st_size:,} bytes; the limit is {MAX_BYTES:,}."
            )
        target = out / f"{NAME}-linux-x86_64.tar.gz"
        bundle_file.replace(target)
    return target


def export_commit(root: Path) -> None:
    """Copy the files of the last commit, without those needed for development only."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", "HEAD"))) as tar:
        archive.unpack(tar, root)
    for name in EXCLUDED:
        shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink(True)


def _write_licences(folder: Path, texts: dict[str, bytes]) -> None:
    for name, content in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def list_files(root: Path) -> str:
    """Return the manifest: digest and path of every file, sorted by path."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return "".join(f"{manifest.sha256_of(root / path)}  {path}\n" for path in paths)


def verify(file: Path, publisher: str) -> int:
    """Return the number of files of a complete archive signed by this key, else raise."""
    with tempfile.TemporaryDirectory(dir=file.resolve().parent) as scratch:
        try:
            with tarfile.open(file) as tar:
                archive.unpack(tar, Path(scratch))
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            raise LauncherError(
                f"{file} cannot be read to its end ({error}): carry it again."
            ) from error
        root = next(Path(scratch).iterdir(), Path(scratch))
        listed = manifest.read_signed(root, key=bytes.fromhex(publisher))
        paths = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
        if unsigned := sorted(paths - set(listed) - manifest.OWN_FILES):
            raise LauncherError(
                f"{unsigned[0]} is in the bundle but was not signed: carry it again."
            )
        for path, digest in listed.items():
            manifest.ensure_digest(root / path, path, digest)
    return len(listed)


def commit_time() -> int:
    """Return the time of the last commit in seconds."""
    return int(git("show", "-s", "--format=%ct", "HEAD"))


def git(*arguments: str) -> bytes:
    """Run git in this clone; return its output."""
    command = [shutil.which("git") or "git", "-C", str(CODE), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


# --- keys


def own_key() -> Path:
    """Return the key file of this clone; the first call creates it."""
    if not OWN_KEY.exists():
        OWN_KEY.parent.mkdir(mode=0o700, exist_ok=True)
        make_key(OWN_KEY)
    return OWN_KEY


def make_key(file: Path) -> None:
    """Create a key, write its public key beside it, and print it for the operators."""
    from scripts.bundling import signing

    public = signing.make_key(file, passphrase())
    file.with_suffix(".pub").write_text(public + "\n")
    print(f"Made the publisher's key {file}: store it and its passphrase offline if you can.")
    print(f"Publisher: {public}")


def known_publisher() -> str:
    """Return the public key that this copy of the script trusts."""
    for file in (OWN_KEY.with_suffix(".pub"), CODE / manifest.PUBLISHER):
        if file.is_file():
            return publisher_key(str(file))
    raise LauncherError("The publisher is unknown: pass the publisher's key with --publisher.")


def passphrase() -> str:
    """Return the passphrase of the key from the environment or the terminal."""
    entered = os.environ.get("SKERRY_KEY_PASSPHRASE")
    if not entered and not sys.stdin.isatty():
        raise LauncherError("The key has a passphrase: set SKERRY_KEY_PASSPHRASE.")
    entered = entered or getpass.getpass("Passphrase of the publisher's key: ")
    if not entered:
        raise LauncherError("The passphrase is empty: a signing key must be encrypted.")
    return entered


def publisher_key(text: str) -> str:
    """Return a public key from 64 hexadecimal digits or from a file with them."""
    digits = Path(text).read_text().strip() if os.path.isfile(text) else text
    if len(digits) != 64 or not all(digit in "0123456789abcdef" for digit in digits):
        raise argparse.ArgumentTypeError(
            "a public key is 64 hexadecimal digits, or a file with them"
        )
    return digits


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--out", type=Path, metavar="DIR", help="build the bundle into DIR")
    action.add_argument("--verify", type=Path, metavar="FILE", help="check a bundle")
    action.add_argument("--make-key", type=Path, metavar="FILE", help="create a publisher's key")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the key to sign with")
    parser.add_argument("--publisher", type=publisher_key, metavar="KEY", help="the key to trust")
    return parser.parse_args()


def main() -> int:
    """Run the command; return the exit status."""
    options = arguments()
    try:
        if options.make_key:
            make_key(options.make_key)
        elif options.out:
            bundle_file = build(options.out, options.key or own_key())
            size, digest = bundle_file.stat().st_size, manifest.sha256_of(bundle_file)
            print(f"{bundle_file}: {size / 1e6:.0f} MB, sha256 {digest}")
        else:
            files = verify(options.verify, options.publisher or known_publisher())
            print(f"{files} files, complete and signed.")
    except subprocess.CalledProcessError as error:
        output = (error.stderr or b"").decode(errors="replace").strip()
        print(f"{error.cmd[0]} failed: {output or error}", file=sys.stderr)
        return 1
    except (LauncherError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
