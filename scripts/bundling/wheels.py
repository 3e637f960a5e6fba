"""The locked wheels for every Python the bundle serves, and what they say of themselves."""

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
    """One wheel as the SBOM lists it."""

    name: str
    version: str
    licence: str
    licence_is_expression: bool  # SPDX, as newer packages give it; else words of their own
    file: Path


def download(lock: Path, folder: Path) -> None:
    """Fill the folder with exactly what the lock names, each file with its hash."""
    for python in PYTHONS:
        platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--require-hashes", "--implementation", "cp"]
        command += ["--python-version", python, *platforms, "-r", str(lock), "-d", str(folder)]
        subprocess.run(command, check=True)


def packages(folder: Path) -> list[Package]:
    """Every wheel, by file name."""
    return [_read(path) for path in sorted(folder.glob("*.whl"))]


def licence_files(package: Package) -> dict[str, bytes]:
    """The licence texts a wheel carries, beside its metadata or at the top of a package."""
    with zipfile.ZipFile(package.file) as wheel:
        return {
            name.partition(".dist-info/")[2] or name: wheel.read(name)
            for name in sorted(wheel.namelist())
            if _is_licence(name)
        }


def _is_licence(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    wanted = ("LICEN", "COPYING", "NOTICE", "THIRDPARTY", "THIRD_PARTY", "AUTHORS")
    is_text = not file.endswith((".py", ".pyi", ".so"))
    is_near = ".dist-info" in folder or folder.count("/") == 0
    return is_near and is_text and file.upper().startswith(wanted)


def _read(path: Path) -> Package:
    with zipfile.ZipFile(path) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        said = email.message_from_bytes(wheel.read(name))
    is_expression = bool(said["License-Expression"])
    return Package(said["Name"], said["Version"], _licence(said), is_expression, path)


def _licence(said: email.message.Message) -> str:
    """An SPDX expression where the package gives one, else the words it uses."""
    if said["License-Expression"]:
        return said["License-Expression"]
    classifiers = [c for c in said.get_all("Classifier", []) if c.startswith("License ::")]
    if classifiers:
        return classifiers[0].rpartition(" :: ")[2]
    return (said["License"] or "see its licence file").splitlines()[0][:120]
