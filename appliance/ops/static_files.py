"""Static files: collected and hashed once for each set of source files; Caddy serves them."""

import hashlib
import shutil
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command

SOURCES_DIGEST = "collected-from"  # file in STATIC_ROOT: the digest of the files it was made from
# Variants and source maps of the packaged browser libraries that no page uses.
UNUSED = [
    "*.map",
    "*.rtl.*",
    "bootstrap-grid*",
    "bootstrap-reboot*",
    "*utilities*",
    "*.esm.*",
    "*.scss",
    "bootstrap-icons.json",
    "bootstrap-icons/*.svg",
    "htmax*",
    "htmx-4*",
    "ext",
    "chartkick.js",
]


class HashedStaticFilesStorage(ManifestStaticFilesStorage):
    """Hashed names; does not look for the source maps that minified files name but do not ship."""

    hashed_files: dict[str, str]
    manifest_strict = True
    patterns = tuple(
        (glob, [rule for rule in rules if "sourceMappingURL" not in str(rule)])
        for glob, rules in ManifestStaticFilesStorage.patterns
    )

    def save_manifest(self) -> None:
        """Write the manifest sorted by name: the order of the files differs between disks."""
        self.hashed_files = dict(sorted(self.hashed_files.items()))
        super().save_manifest()


def ensure_collected() -> None:
    """Fill STATIC_ROOT unless it was made from the installed source files.

    A bundle carries the result. It is copied if it was made from the same source files; otherwise
    they are collected here.
    """
    digest = _digest_of_sources()
    if _stored_digest(settings.STATIC_ROOT) == digest:
        return
    (settings.STATIC_ROOT / SOURCES_DIGEST).unlink(missing_ok=True)
    if _stored_digest(settings.BUNDLED_STATIC_ROOT) == digest:
        shutil.copytree(
            settings.BUNDLED_STATIC_ROOT,
            settings.STATIC_ROOT,
            ignore=shutil.ignore_patterns(SOURCES_DIGEST),
            copy_function=shutil.copyfile,
            dirs_exist_ok=True,
        )
    else:
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED)
    (settings.STATIC_ROOT / SOURCES_DIGEST).write_text(digest)


def _stored_digest(folder: Path) -> str | None:
    try:
        return (folder / SOURCES_DIGEST).read_text()
    except OSError:
        return None


def _digest_of_sources() -> str:
    """Return a digest of names and contents: the same on the machine that built the bundle."""
    storages = {
        str(path): storage for finder in get_finders() for path, storage in finder.list(UNUSED)
    }
    digest = hashlib.sha256(settings.SKERRY_VERSION.encode())
    for path in sorted(storages):
        with storages[path].open(path) as stream:
            content = hashlib.sha256(stream.read()).hexdigest()
        digest.update(f"{content}  {path}\n".encode())
    return digest.hexdigest()
