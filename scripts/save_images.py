#!/usr/bin/env python3
"""Carry the desk's image to a machine that reaches no registry, and make its secrets there.

    save_images.py save skerry-images.tar     on the machine that built it
    save_images.py load skerry-images.tar     behind the fence
    save_images.py secrets                    three random ones in secrets/, for compose.offline.yml

The archive holds the image and a list of digests. Loading compares both before the engine sees
anything, and the engine's own digest of the image afterwards. Needs docker, podman or buildah, and
no Python package.
"""

import argparse
import hashlib
import json
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

IMAGE = "skerry:0.1.0"
LIST, PAYLOAD = "DIGESTS.json", "image.tar"
SECRETS = ("database_password", "cache_password", "secret_key")
SECRETS_FOLDER = Path(__file__).resolve().parents[1] / "secrets"
CHUNK = 1 << 20


class CarryError(Exception):
    """What is wrong and what to do about it, in a sentence."""


class Engine:
    """docker and podman speak alike; buildah calls the same things push and pull."""

    def __init__(self, name: str | None) -> None:
        self.name = name or next(filter(shutil.which, ("docker", "podman", "buildah")), None)
        if not self.name:
            raise CarryError("Neither docker, podman nor buildah is installed: install one.")

    def image_id(self, image: str) -> str:
        """sha256 of the image's configuration, the same on every machine."""
        field = "{{.FromImageID}}" if self.name == "buildah" else "{{.Id}}"
        kind = ["inspect", "--type", "image"] if self.name == "buildah" else ["image", "inspect"]
        return self._run(*kind, "--format", field, image).strip().removeprefix("sha256:")

    def save(self, image: str, path: Path) -> None:
        if self.name == "buildah":
            self._run("push", image, f"docker-archive:{path}:{image}")
        else:
            self._run("save", "-o", str(path), image)

    def load(self, path: Path) -> None:
        if self.name == "buildah":
            self._run("pull", f"docker-archive:{path}")
        else:
            self._run("load", "-i", str(path))

    def _run(self, *arguments: str) -> str:
        command = [self.name, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise CarryError(f"{self.name} refused: {result.stderr.strip().splitlines()[-1:]}")
        return result.stdout


def save(engine: Engine, archive: Path, image: str) -> None:
    """Write the archive beside its place and rename it, so that half of one is never carried."""
    image_id = engine.image_id(image)
    with tempfile.TemporaryDirectory(dir=archive.resolve().parent) as scratch:
        payload = Path(scratch) / PAYLOAD
        engine.save(image, payload)
        digests = {"image": image, "id": image_id, "sha256": sha256_of(payload)}
        listing = Path(scratch) / LIST
        listing.write_text(json.dumps(digests, indent=2) + "\n")
        whole = Path(scratch) / "whole.tar"
        with tarfile.open(whole, "w") as tar:
            tar.add(listing, LIST)
            tar.add(payload, PAYLOAD)
        whole.replace(archive)
    print(f"{archive}: {image} {digests['id'][:12]}, {archive.stat().st_size >> 20} MB")


def load(engine: Engine, archive: Path) -> None:
    """Hand the image to the engine, once it is the one that was saved."""
    with tempfile.TemporaryDirectory() as scratch, opened(archive) as tar:
        digests = read_list(tar)
        payload = Path(scratch) / PAYLOAD
        if extract(tar, payload) != digests["sha256"]:
            raise CarryError(f"{archive} was damaged or changed on the way: carry it again.")
        engine.load(payload)
    found = engine.image_id(digests["image"])
    if found != digests["id"]:
        raise CarryError(f"The engine holds another {digests['image']} ({found[:12]}): remove it.")
    print(f"{digests['image']} {found[:12]} is loaded.")


def opened(archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(archive)
    except (OSError, tarfile.TarError) as error:
        raise CarryError(f"{archive} is no archive of images: {error}.") from error


def read_list(tar: tarfile.TarFile) -> dict[str, str]:
    try:
        digests = json.load(tar.extractfile(LIST))
        return {name: str(digests[name]) for name in ("image", "id", "sha256")}
    except (KeyError, TypeError, ValueError, tarfile.TarError) as error:
        raise CarryError("The archive lists no digests: it was not made by this script.") from error


def extract(tar: tarfile.TarFile, target: Path) -> str:
    """Copy the image out, by its fixed name only; its sha256."""
    try:
        member = tar.extractfile(PAYLOAD)
    except KeyError:
        member = None
    if member is None:
        raise CarryError("The archive holds no image: carry it again.")
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for block in iter(lambda: member.read(CHUNK), b""):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()


def make_secrets(folder: Path) -> Iterator[Path]:
    """Three random secrets. What is there already stays: a desk cannot change its own later.

    Readable by all who reach the folder: the containers run as a user of their own, and compose
    hands files over as they are. The folder itself is closed to everybody but its owner.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in SECRETS:
        path = folder / name
        if not path.exists():
            path.write_text(secrets.token_urlsafe(48) + "\n")
            path.chmod(0o444)
            yield path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="command", required=True)
    for name, text in (("save", "write the image to ARCHIVE"), ("load", "take it from ARCHIVE")):
        kind = kinds.add_parser(name, help=text)
        kind.add_argument("archive", type=Path)
        kind.add_argument("--engine", help="docker, podman or buildah; else the first found")
    kinds.add_parser("secrets", help="make the secrets compose.offline.yml asks for").add_argument(
        "--folder", type=Path, default=SECRETS_FOLDER
    )
    options = parser.parse_args()
    try:
        if options.command == "secrets":
            made = [str(path) for path in make_secrets(options.folder)]
            print("Made " + ", ".join(made) if made else f"{options.folder} has all three already.")
        elif options.command == "save":
            save(Engine(options.engine), options.archive, IMAGE)
        else:
            load(Engine(options.engine), options.archive)
    except CarryError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
