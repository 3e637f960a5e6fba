#!/usr/bin/env python3
"""One file to carry in: code, wheels, models, documents, their list and its signature.

    build_bundle.py make-key publisher.pem       once; keep the file and its passphrase offline
    build_bundle.py build --out DIR --key publisher.pem
    build_bundle.py verify FILE --publisher HEX  on any machine, with nothing installed

``build`` takes the files of the last commit, so two builds of one commit are equal byte for byte.
The passphrase is read from SKERRY_KEY_PASSPHRASE, or asked for.
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
sys.path[:0] = [str(CODE), str(CODE / "scripts")]

# ruff: noqa: E402
from bundling import archive

from appliance import VERSION
from appliance.box import manifest
from appliance.box.errors import BoxError

NAME = f"skerry-{VERSION}"
MOST_BYTES = 450_000_000
LEFT_OUT = (".ci", ".gitignore", "requirements-test.lock", "requirements-models.lock")


def build(out: Path, key_file: Path) -> Path:
    """Put the bundle together in a scratch folder and write it whole."""
    from bundling import sbom, signing, wheels

    key = signing.load_key(key_file, passphrase())
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        root = Path(scratch) / NAME
        export_commit(root)
        wheels.download(root / "requirements.lock", root / "wheels")
        packages = wheels.packages(root / "wheels")
        for package in packages:
            _write_licences(root / "licences" / package.file.stem, wheels.licence_files(package))
        (root / "sbom.json").write_text(sbom.document(packages, root / "models"))
        (root / manifest.PUBLISHER).write_text(signing.public_hex(key) + "\n")
        listing = list_files(root)
        (root / manifest.MANIFEST).write_text(listing)
        (root / manifest.SIGNATURE).write_text(key.sign(listing.encode()).hex() + "\n")
        made = Path(scratch) / "bundle.tar.gz"
        archive.pack(root, made, commit_time())
        target = out / f"{NAME}-linux-x86_64.tar.gz"
        made.replace(target)
    if target.stat().st_size > MOST_BYTES:
        raise BoxError(f"{target} is larger than {MOST_BYTES >> 20} MB: it would not be carried.")
    return target


def export_commit(root: Path) -> None:
    """The files of the last commit, as git keeps them, without what only its builders need."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", "HEAD"))) as tar:
        archive.unpack(tar, root)
    for name in LEFT_OUT:
        shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink(True)


def _write_licences(folder: Path, texts: dict[str, bytes]) -> None:
    for name, content in texts.items():
        path = folder / name.partition(".dist-info/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def list_files(root: Path) -> str:
    """The manifest: digest and path of every file, in order of path."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return "".join(f"{manifest.sha256_of(root / path)}  {path}\n" for path in paths)


def verify(file: Path, publisher: str) -> int:
    """The number of files, once the archive is whole and signed by that key."""
    with tempfile.TemporaryDirectory(dir=file.resolve().parent) as scratch:
        try:
            with tarfile.open(file) as tar:
                archive.unpack(tar, Path(scratch))
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            raise BoxError(f"{file} cannot be read to its end ({error}): carry it again.") from (
                error
            )
        root = next(Path(scratch).iterdir(), Path(scratch))
        listed = manifest.read_signed(root, key=bytes.fromhex(publisher))
        found = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
        if odd := sorted(found - set(listed) - manifest.ABOUT_ITSELF):
            raise BoxError(f"{odd[0]} is in the bundle but was not signed: carry it again.")
        for path, digest in listed.items():
            manifest.ensure_same(root / path, path, digest)
    return len(listed)


def commit_time() -> int:
    return int(git("show", "-s", "--format=%ct", "HEAD"))


def git(*arguments: str) -> bytes:
    command = [shutil.which("git") or "git", "-C", str(CODE), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def passphrase() -> str:
    return os.environ.get("SKERRY_KEY_PASSPHRASE") or getpass.getpass("Passphrase of the key: ")


def publisher_key(text: str) -> str:
    """A public key as 64 hexadecimal digits, or the file that holds them."""
    words = Path(text).read_text().strip() if os.path.isfile(text) else text
    if len(words) != 64 or not all(digit in "0123456789abcdef" for digit in words):
        raise argparse.ArgumentTypeError("a public key is 64 hexadecimal digits, or a file of them")
    return words


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="command", required=True)
    one = kinds.add_parser("make-key", help="make the publisher's key")
    one.add_argument("file", type=Path)
    one = kinds.add_parser("build", help="build the bundle of the last commit")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--key", type=Path, required=True, help="the file make-key wrote")
    one = kinds.add_parser("verify", help="0 only when the bundle is whole and signed")
    one.add_argument("file", type=Path)
    one.add_argument("--publisher", type=publisher_key, required=True, help="the key to trust")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    try:
        if options.command == "make-key":
            from bundling import signing

            print(f"Publisher: {signing.make_key(options.file, passphrase())}")
        elif options.command == "build":
            made = build(options.out, options.key)
            print(f"{made}: {made.stat().st_size / 1e6:.0f} MB, sha256 {manifest.sha256_of(made)}")
        else:
            print(f"{verify(options.file, options.publisher)} files, whole and signed.")
    except (BoxError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
