"""The publisher's keys: created, stored encrypted, replaced. Their public keys are in root.json.

A folder of keys holds ``NAME.pem`` files; the root lists what each key may sign. Keys of one role
belong to different people: store the files apart, and name each folder when signing.
"""

import copy
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, Role, Root
from tuf.api.serialization.json import JSONSerializer

# Role → (keys, how many of them must sign).
ROLES = {"root": (3, 2), "targets": (2, 2), "snapshot": (1, 1), "timestamp": (1, 1)}
NAME = "x-skerry-name"  # field of a key in the signed root
ROOT_DAYS = 3 * 365
AskPassphrase = Callable[[str], str]  # name of a key → its passphrase


class PublishingError(ValueError):
    """An error message with its remedy, for the publisher of updates."""


def now() -> datetime:
    """Return the current time without microseconds, as TUF metadata has it."""
    return datetime.now(UTC).replace(microsecond=0)


def make_keys(folder: Path, ask_passphrase: AskPassphrase) -> bytes:
    """Create all keys and the first root in ``folder``; return the content of 1.root.json."""
    metadata = folder / "metadata"
    if metadata.exists():
        raise PublishingError(f"{folder} already has keys: rotate or revoke them instead.")
    root = Root(consistent_snapshot=True, expires=now() + timedelta(days=ROOT_DAYS))
    signers = []
    for role, (count, threshold) in ROLES.items():
        root.roles[role] = Role([], threshold)
        for number in range(1, count + 1):
            signer = make_key(folder / "keys", f"{role}-{number}", ask_passphrase)
            root.add_key(signer.public_key, role)
            signers += [signer] if role == "root" else []
    metadata.mkdir(parents=True)
    return _write_root(metadata, Metadata(root), signers)


def make_key(folder: Path, name: str, ask_passphrase: AskPassphrase) -> CryptoSigner:
    """Create ``name.pem``: PKCS8 with a passphrase, mode 0600; an existing file is an error."""
    private = Ed25519PrivateKey.generate()
    passphrase = ask_passphrase(name)
    if not passphrase:
        raise PublishingError("The passphrase is empty: a signing key must be encrypted.")
    content = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.pem"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise PublishingError(f"{path} already exists and is not overwritten.") from error
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return _signer(private, name)


def _signer(private: Ed25519PrivateKey, name: str) -> CryptoSigner:
    public = SSlibKey.from_crypto(private.public_key())
    public.unrecognized_fields[NAME] = name
    return CryptoSigner(private, public)


def find_signers(
    root: Root, role: str, folders: Iterable[Path], ask_passphrase: AskPassphrase
) -> list[CryptoSigner]:
    """Return as many keys of a role from the folders as must sign; raise PublishingError."""
    role_keys = root.roles[role]
    signers: list[CryptoSigner] = []
    for keyid in role_keys.keyids:
        name = name_of(root, keyid)
        path = next((f / f"{name}.pem" for f in folders if (f / f"{name}.pem").exists()), None)
        if path is None or len(signers) == role_keys.threshold:
            continue
        signer = _load(path, name, ask_passphrase)
        if signer.public_key.keyid != keyid:
            raise PublishingError(f"{path} is not the key {name} of the root.")
        signers.append(signer)
    if len(signers) < role_keys.threshold:
        names = ", ".join(name_of(root, keyid) for keyid in role_keys.keyids)
        raise PublishingError(
            f"{role_keys.threshold} of these keys must sign for {role}: {names}."
            f" Found {len(signers)}: name their folders with --keys."
        )
    return signers


def _load(path: Path, name: str, ask_passphrase: AskPassphrase) -> CryptoSigner:
    try:
        private = serialization.load_pem_private_key(
            path.read_bytes(), ask_passphrase(name).encode()
        )
    except (ValueError, TypeError) as error:
        raise PublishingError(f"{path} cannot be opened: the passphrase is wrong.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise PublishingError(f"{path} is not an Ed25519 key.")
    return _signer(private, name)


def replace_key(
    folder: Path, name: str, folders: Iterable[Path], ask_passphrase: AskPassphrase
) -> str:
    """Write a new root with a new key instead of this one; return the name of the new key.

    Enough keys of the old and of the new root sign it, so installations accept it. The old key is
    not needed. Once an installation has seen this root, it rejects what the old key signs.
    """
    metadata = folder / "metadata"
    old = read_root(metadata)
    role, keyid = _find(old.signed, name)
    new = Metadata(copy.deepcopy(old.signed))
    new.signed.version += 1
    new.signed.expires = now() + timedelta(days=ROOT_DAYS)
    new.signed.revoke_key(keyid, role)
    new_key = make_key(folder / "keys", _next_name(folder, old.signed, role), ask_passphrase)
    new.signed.add_key(new_key.public_key, role)
    key_folders = [*folders, folder / "keys"]
    signers = find_signers(_without(old.signed, keyid), "root", key_folders, ask_passphrase)
    signers += [new_key] if role == "root" else []
    _write_root(metadata, new, signers)
    return new_key.public_key.unrecognized_fields[NAME]


def _without(root: Root, keyid: str) -> Root:
    """Return a copy of the root without this key, so that a lost key is not required to sign."""
    reduced = copy.deepcopy(root)
    for role in reduced.roles.values():
        role.keyids = [known for known in role.keyids if known != keyid]
    return reduced


def _find(root: Root, name: str) -> tuple[str, str]:
    for role, role_keys in root.roles.items():
        for keyid in role_keys.keyids:
            if name_of(root, keyid) == name:
                return role, keyid
    names = ", ".join(sorted(name_of(root, keyid) for keyid in root.keys))
    raise PublishingError(f"The root has no key {name!r}; its keys are {names}.")


def _next_name(folder: Path, root: Root, role: str) -> str:
    used_names = {name_of(root, keyid) for keyid in root.keys}
    used_names |= {path.stem for path in (folder / "keys").glob("*.pem")}
    number = 1
    while f"{role}-{number}" in used_names:
        number += 1
    return f"{role}-{number}"


def name_of(root: Root, keyid: str) -> str:
    """Return the name of a key, such as targets-1."""
    return str(root.keys[keyid].unrecognized_fields.get(NAME, keyid[:12]))


def read_root(metadata: Path) -> Metadata[Root]:
    """Return the newest root of a folder; versions are numbered from 1 without gaps."""
    if not (metadata / "1.root.json").exists():
        raise PublishingError(f"{metadata} has no root: create one with keys init.")
    version = 1
    while (metadata / f"{version + 1}.root.json").exists():
        version += 1
    return Metadata[Root].from_file(str(metadata / f"{version}.root.json"))


def _write_root(metadata: Path, root: Metadata[Root], signers: Iterable[CryptoSigner]) -> bytes:
    root.signatures.clear()
    for signer in signers:
        root.sign(signer, append=True)
    content = root.to_bytes(JSONSerializer())
    path = metadata / f"{root.signed.version}.root.json"
    write_new(path, content)
    return content


def write_new(path: Path, content: bytes) -> None:
    """Write and flush a new file; an existing file is an error."""
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
