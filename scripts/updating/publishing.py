"""The publisher's commands, as update_models.py calls them."""

import argparse
import getpass
import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path

from scripts.updating import keys as keyring
from scripts.updating import repository
from scripts.updating.errors import PublishingError


def passphrase(name: str) -> str:
    """Of one key: SKERRY_KEY_PASSPHRASE for all of them, or asked for."""
    given = os.environ.get("SKERRY_KEY_PASSPHRASE")
    if not given and not sys.stdin.isatty():
        raise PublishingError(f"{name} has a passphrase: put it into SKERRY_KEY_PASSPHRASE.")
    return given or getpass.getpass(f"Passphrase of {name}: ")


def keys(options: argparse.Namespace) -> None:
    """init, rotate, revoke, show."""
    home = options.home
    if options.what == "init":
        keyring.make_keys(home, passphrase)
        print(f"Made the keys in {home / 'keys'}: give each to another person, and keep copies.")
    elif options.what in ("rotate", "revoke"):
        fresh = keyring.replace_key(home, options.name, options.keys, passphrase)
        print(f"{options.name} signs nothing any more; {fresh} signs in its place.")
        print("Desks follow with the next update they take.")
    _show(home)


def _show(home: Path) -> None:
    metadata = home / "metadata"
    root = keyring.read_root(metadata).signed
    for role, held in root.roles.items():
        names = ", ".join(keyring.name_of(root, keyid) for keyid in held.keyids)
        print(f"  {role:<10} {held.threshold} of {names}")
    first = metadata / "1.root.json"
    print(f"Root {root.version}, good until {root.expires:%Y-%m-%d}. Desks pin {first}:")
    print(f"  {hashlib.sha256(first.read_bytes()).hexdigest()}")


def pack(options: argparse.Namespace) -> None:
    """Gather, sign, write."""
    terms = repository.Terms(days=options.days, notes=options.notes, number=options.number)
    if options.least:
        terms = replace(terms, least=options.least)
    if options.below:
        terms = replace(terms, below=options.below)
    contents = repository.gather(options.bundle, options.articles)
    repository.ensure_free(options.out, contents)
    stick = repository.publish(options.home, contents, terms, options.keys, passphrase)
    repository.write_stick(stick, options.out)
    total = sum(map(len, stick.values())) / 1e6
    print(f"{options.out}: {len(stick)} files, {total:.1f} MB, signed.")
