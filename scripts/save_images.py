#!/usr/bin/env python3
"""Carry the container image to a machine without a registry, and create its secrets there.

    save_images.py save skerry-images.tar     on the machine that built the image
    save_images.py load skerry-images.tar     on the offline machine
    save_images.py secrets                    four secrets in secrets/, for compose.offline.yml

The archive holds the image and a list of digests. Before the engine loads the image its digest is
checked, and afterwards the digest that the engine reports. It needs docker, podman or buildah, and
no Python packages.
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
DIGESTS, PAYLOAD = "DIGESTS.json", "image.tar"
SECRETS = ("database_owner_password", "database_password", "cache_password", "secret_key")
SECRETS_FOLDER = Path(__file__).resolve().parents[1] / "secrets"
CHUNK = 1 << 20


class ImageError(Exception):
    """An error message with its remedy, in one sentence."""


class Engine:
    """A container engine. docker and podman have the same commands; buildah uses push and pull."""

    def __init__(self, name: str | None) -> None:
        self.name = name or next(filter(shutil.which, ("docker", "podman", "buildah")), None)
        if not self.name:
            raise ImageError("Neither docker, podman nor buildah is installed: install one.")

    def image_id(self, image: str) -> str:
        """Return the sha256 of the image configuration, which is equal on every machine."""
        field = "{{.FromImageID}}" if self.name == "buildah" else "{{.Id}}"
        inspect = ["inspect", "--type", "image"] if self.name == "buildah" else ["image", "inspect"]
        return self._run(*inspect, "--format", field, image).strip().removeprefix("sha256:")

    def save(self, image: str, path: Path) -> None:
        """Write the image to a docker archive."""
        if self.name == "buildah":
            self._run("push", image, f"docker-archive:{path}:{image}")
        else:
            self._run("save", "-o", str(path), image)

    def load(self, path: Path) -> None:
        """Load an image from a docker archive."""
        if self.name == "buildah":
            self._run("pull", f"docker-archive:{path}")
        else:
            self._run("load", "-i", str(path))

    def _run(self, *arguments: str) -> str:
        command = [self.name, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ImageError(f"{self.name} refused: {result.stderr.strip().splitlines()[-1:]}")
        return result.stdout


def save(engine: Engine, archive: Path, image: str) -> None:
    """Write the archive with its digests; it is renamed at the end, so it is always complete."""
    image_id = engine.image_id(image)
    with tempfile.TemporaryDirectory(dir=archive.resolve().parent) as scratch:
        payload = Path(scratch) / PAYLOAD
        engine.save(image, payload)
        digests = {"image": image, "id": image_id, "sha256": sha256_of(payload)}
        listing = Path(scratch) / DIGESTS
        listing.write_text(json.dumps(digests, indent=2) + "\n")
        complete = Path(scratch) / "complete.tar"
        with tarfile.open(complete, "w") as tar:
            tar.add(listing, DIGESTS)
            tar.add(payload, PAYLOAD)
        complete.replace(archive)
    print(f"{archive}: {image} {digests['id'][:12]}, {archive.stat().st_size >> 20} MB")


def load(engine: Engine, archive: Path) -> None:
    """Load the image from an archive whose digests match."""
    with tempfile.TemporaryDirectory() as scratch, open_archive(archive) as tar:
        digests = read_digests(tar)
        payload = Path(scratch) / PAYLOAD
        if extract(tar, payload) != digests["sha256"]:
            raise ImageError(f"{archive} was damaged or changed on the way: carry it again.")
        engine.load(payload)
    loaded_id = engine.image_id(digests["image"])
    if loaded_id != digests["id"]:
        raise ImageError(
            f"The engine holds another {digests['image']} ({loaded_id[:12]}): remove it."
        )
    print(f"{digests['image']} {loaded_id[:12]} is loaded.")


def open_archive(archive: Path) -> tarfile.TarFile:
    """Open the archive, or raise an ImageError."""
    try:
        return tarfile.open(archive)
    except (OSError, tarfile.TarError) as error:
        raise ImageError(f"{archive} is not an image archive: {error}.") from error


def read_digests(tar: tarfile.TarFile) -> dict[str, str]:
    """Return the digests of the archive: image, id, sha256."""
    try:
        digests = json.load(tar.extractfile(DIGESTS))
        return {name: str(digests[name]) for name in ("image", "id", "sha256")}
    except (KeyError, TypeError, ValueError, tarfile.TarError) as error:
        raise ImageError(
            "The archive has no digests: it was not created by this script."
        ) from error


def extract(tar: tarfile.TarFile, target: Path) -> str:
    """Copy the image to ``target``; return its sha256."""
    try:
        member = tar.extractfile(PAYLOAD)
    except KeyError:
        member = None
    if member is None:
        raise ImageError("The archive holds no image: carry it again.")
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for block in iter(lambda: member.read(CHUNK), b""):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()


def make_secrets(folder: Path) -> Iterator[Path]:
    """Create the missing ones of four random secrets; yield their paths.

    Existing secrets are kept, because an installation cannot change them later. The files are
    readable by everybody who can open the folder: the containers run as another user, and compose
    mounts the files unchanged. The folder itself is accessible to its owner only.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in SECRETS:
        path = folder / name
        if not path.exists():
            path.write_text(secrets.token_urlsafe(48) + "\n")
            path.chmod(0o444)
            yield path


def main() -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("save", "write the image to ARCHIVE"),
        ("load", "load the image from ARCHIVE"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("archive", type=Path, help="tar file")
        command.add_argument(
            "--engine", help="docker, podman or buildah; default: the first installed"
        )
    commands.add_parser("secrets", help="create the secrets of compose.offline.yml").add_argument(
        "--folder", type=Path, default=SECRETS_FOLDER, help="folder of the secrets"
    )
    options = parser.parse_args()
    try:
        if options.command == "secrets":
            created = [str(path) for path in make_secrets(options.folder)]
            print(
                "Created " + ", ".join(created)
                if created
                else f"{options.folder} has all four already."
            )
        elif options.command == "save":
            save(Engine(options.engine), options.archive, IMAGE)
        else:
            load(Engine(options.engine), options.archive)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
