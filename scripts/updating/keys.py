"""The publisher's keys: made, kept encrypted, replaced. The public halves stand in root.json.

A folder of keys holds ``NAME.pem`` files; what each key may sign is written in the root. Keys of
one role belong to different people: move the files apart, and name each folder when signing.
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

from scripts.updating.errors import PublishingError

# Role → (keys, how many of them must sign).
ROLES = {"root": (3, 2), "targets": (2, 2), "snapshot": (1, 1), "timestamp": (1, 1)}
NAME = "x-skerry-name"  # of a key, inside the root: it travels and is signed
ROOT_DAYS = 3 * 365
Ask = Callable[[str], str]  # the name of a key → its passphrase


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def make_keys(folder: Path, ask: Ask) -> bytes:
    """A whole new set of keys and the first root, in ``folder``. The bytes of 1.root.json."""
    metadata = folder / "metadata"
    if metadata.exists():
        raise PublishingError(f"{folder} holds keys already: rotate or revoke them instead.")
    root = Root(consistent_snapshot=True, expires=now() + timedelta(days=ROOT_DAYS))
    signers = []
    for role, (count, threshold) in ROLES.items():
        root.roles[role] = Role([], threshold)
        for number in range(1, count + 1):
            signer = make_key(folder / "keys", f"{role}-{number}", ask)
            root.add_key(signer.public_key, role)
            signers += [signer] if role == "root" else []
    metadata.mkdir(parents=True)
    return _write_root(metadata, Metadata(root), signers)


def make_key(folder: Path, name: str, ask: Ask) -> CryptoSigner:
    """Write ``name.pem``: PKCS8 under a passphrase, 0600, never over another file."""
    private = Ed25519PrivateKey.generate()
    passphrase = ask(name)
    if not passphrase:
        raise PublishingError("The passphrase is empty: a key that signs is never kept open.")
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
        raise PublishingError(f"{path} is there already and is not written over.") from error
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return _signer(private, name)


def _signer(private: Ed25519PrivateKey, name: str) -> CryptoSigner:
    public = SSlibKey.from_crypto(private.public_key())
    public.unrecognized_fields[NAME] = name
    return CryptoSigner(private, public)


def find_signers(root: Root, role: str, folders: Iterable[Path], ask: Ask) -> list[CryptoSigner]:
    """The keys of a role that lie in the folders, as many as must sign."""
    wanted = root.roles[role]
    found: list[CryptoSigner] = []
    for keyid in wanted.keyids:
        name = name_of(root, keyid)
        path = next((f / f"{name}.pem" for f in folders if (f / f"{name}.pem").exists()), None)
        if path is None or len(found) == wanted.threshold:
            continue
        signer = _load(path, name, ask)
        if signer.public_key.keyid != keyid:
            raise PublishingError(f"{path} is not the {name} that the root names.")
        found.append(signer)
    if len(found) < wanted.threshold:
        names = ", ".join(name_of(root, keyid) for keyid in wanted.keyids)
        raise PublishingError(
            f"{wanted.threshold} of these keys must sign for {role}: {names}. Found {len(found)}: "
            "name the folders they lie in with --keys."
        )
    return found


def _load(path: Path, name: str, ask: Ask) -> CryptoSigner:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), ask(name).encode())
    except (ValueError, TypeError) as error:
        raise PublishingError(f"{path} does not open: the passphrase is wrong.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise PublishingError(f"{path} holds no Ed25519 key.")
    return _signer(private, name)


def replace_key(folder: Path, name: str, folders: Iterable[Path], ask: Ask) -> str:
    """A new root without this key and with a fresh one in its place; the new key's name.

    Signed by enough keys of the old root and of the new one, so desks follow it. The old key is
    not needed, and signs nothing any more once a desk has seen this root.
    """
    metadata = folder / "metadata"
    old = read_root(metadata)
    role, keyid = _find(old.signed, name)
    new = Metadata(copy.deepcopy(old.signed))
    new.signed.version += 1
    new.signed.expires = now() + timedelta(days=ROOT_DAYS)
    new.signed.revoke_key(keyid, role)
    fresh = make_key(folder / "keys", _next_name(folder, old.signed, role), ask)
    new.signed.add_key(fresh.public_key, role)
    places = [*folders, folder / "keys"]
    signers = find_signers(_without(old.signed, keyid), "root", places, ask)
    signers += [fresh] if role == "root" else []
    _write_root(metadata, new, signers)
    return fresh.public_key.unrecognized_fields[NAME]


def _without(root: Root, keyid: str) -> Root:
    """The root as if it had never named this key: what a lost key signs is not asked for."""
    reduced = copy.deepcopy(root)
    for role in reduced.roles.values():
        role.keyids = [known for known in role.keyids if known != keyid]
    return reduced


def _find(root: Root, name: str) -> tuple[str, str]:
    for role, held in root.roles.items():
        for keyid in held.keyids:
            if name_of(root, keyid) == name:
                return role, keyid
    names = ", ".join(sorted(name_of(root, keyid) for keyid in root.keys))
    raise PublishingError(f"The root names no key {name!r}; it names {names}.")


def _next_name(folder: Path, root: Root, role: str) -> str:
    taken = {name_of(root, keyid) for keyid in root.keys}
    taken |= {path.stem for path in (folder / "keys").glob("*.pem")}
    number = 1
    while f"{role}-{number}" in taken:
        number += 1
    return f"{role}-{number}"


def name_of(root: Root, keyid: str) -> str:
    return str(root.keys[keyid].unrecognized_fields.get(NAME, keyid[:12]))


def read_root(metadata: Path) -> Metadata[Root]:
    """The newest root of a folder; its numbers run from 1 without a gap."""
    if not (metadata / "1.root.json").exists():
        raise PublishingError(f"{metadata} holds no root: make one with keys init.")
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
    """Write a file that is not there yet, and make sure that it stays."""
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
