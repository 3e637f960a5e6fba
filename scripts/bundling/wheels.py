"""The locked wheels for every Python version of the bundle, and their metadata."""

import email.message
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
# glibc 2.28 and older: Debian 10 and everything since
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)] + [
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
    "linux_x86_64",
    "any",
]


@dataclass(frozen=True)
class Package:
    """A wheel with the metadata of the parts list."""

    name: str
    version: str
    licence: str
    licence_is_expression: bool  # an SPDX expression; otherwise free text
    file: Path


def download(lock: Path, folder: Path) -> None:
    """Download exactly the wheels of the lock file, with hashes, into the folder."""
    for python in PYTHONS:
        platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--require-hashes", "--implementation", "cp"]
        command += ["--python-version", python, *platforms, "-r", str(lock), "-d", str(folder)]
        subprocess.run(command, check=True)


def packages(folder: Path) -> list[Package]:
    """Return every wheel of a folder, sorted by file name."""
    return [_read(path) for path in sorted(folder.glob("*.whl"))]


def licence_files(package: Package) -> dict[str, bytes]:
    """Return the licence texts of a wheel: those with its metadata or at the top of a package."""
    with zipfile.ZipFile(package.file) as wheel:
        return {
            name.partition(".dist-info/")[2] or name: wheel.read(name)
            for name in sorted(wheel.namelist())
            if _is_licence(name)
        }


def _is_licence(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    prefixes = ("LICEN", "COPYING", "NOTICE", "THIRDPARTY", "THIRD_PARTY", "AUTHORS")
    is_text = not file.endswith((".py", ".pyi", ".so"))
    is_near = ".dist-info" in folder or folder.count("/") == 0
    return is_near and is_text and file.upper().startswith(prefixes)


def _read(path: Path) -> Package:
    with zipfile.ZipFile(path) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(wheel.read(name))
    is_expression = bool(metadata["License-Expression"])
    return Package(metadata["Name"], metadata["Version"], _licence(metadata), is_expression, path)


def _licence(metadata: email.message.Message) -> str:
    """Return the SPDX expression of a package, or its licence in other words."""
    if metadata["License-Expression"]:
        return metadata["License-Expression"]
    classifiers = [c for c in metadata.get_all("Classifier", []) if c.startswith("License ::")]
    if classifiers:
        return classifiers[0].rpartition(" :: ")[2]
    return (metadata["License"] or "see its licence file").splitlines()[0][:120]
