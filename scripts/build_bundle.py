#!/usr/bin/env python3
"""One file to carry in: code, wheels, models, static files, documents, their list, its signature.

    build_bundle.py --out DIR         build the bundle of the last commit
    build_bundle.py --verify FILE     0 only when it is whole and signed; needs nothing installed
    build_bundle.py --make-key FILE   make the publisher's key somewhere else than in secrets/

``--out`` signs with ``--key``; without it, with secrets/publisher.pem, which the first build makes.
``--verify`` trusts the key of ``--publisher``; without it, the public half beside that file, or the
publisher of the bundle this script was unpacked from. Two builds of one commit are equal byte for
byte. The key's passphrase is read from SKERRY_KEY_PASSPHRASE, or asked for.
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
sys.dont_write_bytecode = True  # what is unpacked stays as it was signed

# ruff: noqa: E402
from appliance import VERSION
from appliance.launcher import manifest
from appliance.launcher.errors import LauncherError
from scripts.bundling import archive

NAME = f"skerry-{VERSION}"
MAX_BYTES = 450_000_000
LEFT_OUT = (".ci", ".gitignore", "requirements-test.lock", "requirements-models.lock")
OWN_KEY = CODE / "secrets" / "publisher.pem"


def build(out: Path, key_file: Path) -> Path:
    """Put the bundle together in a scratch folder and write it whole."""
    from scripts.bundling import sbom, signing, static, wheels

    key = signing.load_key(key_file, passphrase())
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        root = Path(scratch) / NAME
        export_commit(root)
        wheels.download(root / "requirements.lock", root / "wheels")
        static.collect(root)
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
        if made.stat().st_size > MAX_BYTES:
            raise LauncherError(
                f"The bundle has {made.stat().st_size:,} bytes; {MAX_BYTES:,} are most."
            )
        target = out / f"{NAME}-linux-x86_64.tar.gz"
        made.replace(target)
    return target


def export_commit(root: Path) -> None:
    """The files of the last commit, as git keeps them, without what only its builders need."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", "HEAD"))) as tar:
        archive.unpack(tar, root)
    for name in LEFT_OUT:
        shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink(True)


def _write_licences(folder: Path, texts: dict[str, bytes]) -> None:
    for name, content in texts.items():
        path = folder / name
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
            raise LauncherError(
                f"{file} cannot be read to its end ({error}): carry it again."
            ) from (error)
        root = next(Path(scratch).iterdir(), Path(scratch))
        listed = manifest.read_signed(root, key=bytes.fromhex(publisher))
        found = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
        if odd := sorted(found - set(listed) - manifest.ABOUT_ITSELF):
            raise LauncherError(f"{odd[0]} is in the bundle but was not signed: carry it again.")
        for path, digest in listed.items():
            manifest.ensure_same(root / path, path, digest)
    return len(listed)


def commit_time() -> int:
    return int(git("show", "-s", "--format=%ct", "HEAD"))


def git(*arguments: str) -> bytes:
    command = [shutil.which("git") or "git", "-C", str(CODE), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


# --- keys


def own_key() -> Path:
    """The key of this clone, made by the first build that is given none."""
    if not OWN_KEY.exists():
        OWN_KEY.parent.mkdir(mode=0o700, exist_ok=True)
        make_key(OWN_KEY)
    return OWN_KEY


def make_key(file: Path) -> None:
    """A new key, its public half beside it for ``--verify``, and the words to hand on."""
    from scripts.bundling import signing

    public = signing.make_key(file, passphrase())
    file.with_suffix(".pub").write_text(public + "\n")
    print(f"Made the publisher's key {file}: keep it and its passphrase, offline if you can.")
    print(f"Publisher: {public}")


def known_publisher() -> str:
    """The key this copy of the script has reason to trust."""
    for file in (OWN_KEY.with_suffix(".pub"), CODE / manifest.PUBLISHER):
        if file.is_file():
            return publisher_key(str(file))
    raise LauncherError(
        "Say whose bundle it should be: --publisher, the key its publisher told you."
    )


def passphrase() -> str:
    given = os.environ.get("SKERRY_KEY_PASSPHRASE")
    if not given and not sys.stdin.isatty():
        raise LauncherError("The key has a passphrase: put it into SKERRY_KEY_PASSPHRASE.")
    given = given or getpass.getpass("Passphrase of the publisher's key: ")
    if not given:
        raise LauncherError("The passphrase is empty: a key that signs bundles is never kept open.")
    return given


def publisher_key(text: str) -> str:
    """A public key as 64 hexadecimal digits, or the file that holds them."""
    words = Path(text).read_text().strip() if os.path.isfile(text) else text
    if len(words) != 64 or not all(digit in "0123456789abcdef" for digit in words):
        raise argparse.ArgumentTypeError("a public key is 64 hexadecimal digits, or a file of them")
    return words


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--out", type=Path, metavar="DIR", help="build the bundle into DIR")
    action.add_argument("--verify", type=Path, metavar="FILE", help="check a bundle")
    action.add_argument("--make-key", type=Path, metavar="FILE", help="make a publisher's key")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the key to sign with")
    parser.add_argument("--publisher", type=publisher_key, metavar="KEY", help="the key to trust")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    try:
        if options.make_key:
            make_key(options.make_key)
        elif options.out:
            made = build(options.out, options.key or own_key())
            print(f"{made}: {made.stat().st_size / 1e6:.0f} MB, sha256 {manifest.sha256_of(made)}")
        else:
            files = verify(options.verify, options.publisher or known_publisher())
            print(f"{files} files, whole and signed.")
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip()
        print(f"{error.cmd[0]} failed: {said or error}", file=sys.stderr)
        return 1
    except (LauncherError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
