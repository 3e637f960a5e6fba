"""Let one user pass through a closed directory: a POSIX access list, written by hand.

Debian has no setfacl out of the box, and chmod would open the directory to everybody. The format
is the kernel's own (linux/posix_acl_xattr.h): a version, then (tag, permissions, id) entries.
"""

import errno
import os
import struct
from pathlib import Path

ATTRIBUTE = "system.posix_acl_access"
VERSION = 2
OWNER, USER, GROUP_OWNER, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
EXECUTE = 1
NO_ID = 0xFFFFFFFF

Entry = tuple[int, int, int]  # tag, permissions, id


def grant_traverse(directory: Path, uid: int) -> None:
    """Add ``user:<uid>:--x`` and keep every other entry as effective as it was.

    Raises OSError when the filesystem keeps no access lists.
    """
    entries = _read(directory)
    if not any(tag == MASK for tag, _, _ in entries):
        entries.append((MASK, _permissions(entries, GROUP_OWNER), NO_ID))
    entries = _with_mask_for_execute(entries)
    mine = next((p for tag, p, who in entries if (tag, who) == (USER, uid)), 0)
    entries = [entry for entry in entries if (entry[0], entry[2]) != (USER, uid)]
    entries.append((USER, mine | EXECUTE, uid))
    packed = b"".join(struct.pack("<HHI", *entry) for entry in _in_order(entries))
    os.setxattr(directory, ATTRIBUTE, struct.pack("<I", VERSION) + packed)


def _read(directory: Path) -> list[Entry]:
    try:
        raw = os.getxattr(directory, ATTRIBUTE)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = directory.stat().st_mode
        triples = ((OWNER, mode >> 6), (GROUP_OWNER, mode >> 3), (OTHER, mode))
        return [(tag, bits & 7, NO_ID) for tag, bits in triples]
    return [struct.unpack_from("<HHI", raw, at) for at in range(4, len(raw), 8)]


def _permissions(entries: list[Entry], required: int) -> int:
    return next(permissions for tag, permissions, _ in entries if tag == required)


def _with_mask_for_execute(entries: list[Entry]) -> list[Entry]:
    """The mask caps named users and groups: widen it for us, and cap the others themselves."""
    mask = _permissions(entries, MASK)
    if mask & EXECUTE:
        return entries
    capped = [
        (tag, permissions & mask if tag in (USER, GROUP_OWNER, GROUP) else permissions, who)
        for tag, permissions, who in entries
        if tag != MASK
    ]
    return [*capped, (MASK, mask | EXECUTE, NO_ID)]


def _in_order(entries: list[Entry]) -> list[Entry]:
    """The kernel wants them by tag; by id within a tag is the custom."""
    return sorted(entries, key=lambda entry: (entry[0], entry[2]))
