"""The publisher's commands of update_models.py."""

import argparse
import getpass
import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path

from scripts.updating import keys as keyring
from scripts.updating import repository
from scripts.updating.keys import PublishingError

MODELS = Path(__file__).resolve().parents[2] / "models"


def passphrase(name: str) -> str:
    """Return the passphrase of a key: SKERRY_KEY_PASSPHRASE, or from the terminal."""
    entered = os.environ.get("SKERRY_KEY_PASSPHRASE")
    if not entered and not sys.stdin.isatty():
        raise PublishingError(f"{name} has a passphrase: set SKERRY_KEY_PASSPHRASE.")
    return entered or getpass.getpass(f"Passphrase of {name}: ")


def keys(options: argparse.Namespace) -> None:
    """Run keys init, rotate, revoke or show."""
    home = options.home
    if options.what == "init":
        keyring.make_keys(home, passphrase)
        print(
            f"Created the keys in {home / 'keys'}: give each to a different person and keep copies."
        )
    elif options.what in ("rotate", "revoke"):
        new_name = keyring.replace_key(home, options.name, options.keys, passphrase)
        print(f"{options.name} is revoked; {new_name} replaces it.")
        print("Installations follow with the next update they install.")
    _show(home)


def _show(home: Path) -> None:
    metadata = home / "metadata"
    root = keyring.read_root(metadata).signed
    for role, role_keys in root.roles.items():
        names = ", ".join(keyring.name_of(root, keyid) for keyid in role_keys.keyids)
        print(f"  {role:<10} {role_keys.threshold} of {names}")
    first = metadata / "1.root.json"
    print(f"Root {root.version}, valid until {root.expires:%Y-%m-%d}. Installations pin {first}:")
    print(f"  {hashlib.sha256(first.read_bytes()).hexdigest()}")


def find_bundle(path: Path) -> Path:
    """Return the folder of a bundle, as named or below models/ of this checkout."""
    folders = (path, MODELS / path)
    for folder in folders:
        if (folder / "bundle.json").is_file():
            return folder
    places = " or ".join(map(str, folders))
    raise PublishingError(
        f"There is no bundle in {places}. Name a folder with a bundle.json, such as classifier/4."
    )


def pack(options: argparse.Namespace) -> None:
    """Collect, sign and write a release."""
    terms = repository.Terms(days=options.days, notes=options.notes, number=options.number)
    if options.least:
        terms = replace(terms, least=options.least)
    if options.below:
        terms = replace(terms, below=options.below)
    bundles = [find_bundle(path) for path in options.bundle]
    contents = repository.gather(bundles, options.articles)
    repository.ensure_free(options.out, contents)
    media_files = repository.publish(options.home, contents, terms, options.keys, passphrase)
    repository.write_media(media_files, options.out)
    total = sum(map(len, media_files.values())) / 1e6
    print(f"{options.out}: {len(media_files)} files, {total:.1f} MB, signed.")
