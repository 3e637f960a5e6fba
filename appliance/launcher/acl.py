"""Let one user traverse a closed directory, with a POSIX access control list.

    python3 appliance/launcher/acl.py USER DIRECTORY        take it back, as root

Debian does not install setfacl by default, and chmod would open the directory to all users. The
format is the kernel's (linux/posix_acl_xattr.h): a version, then (tag, permissions, id) entries.
"""

import errno
import os
import pwd
import struct
import sys
from pathlib import Path

ATTRIBUTE = "system.posix_acl_access"
VERSION = 2
OWNER, USER, GROUP_OWNER, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
EXECUTE = 1
NO_ID = 0xFFFFFFFF

Entry = tuple[int, int, int]  # tag, permissions, id


def grant_traverse(directory: Path, uid: int) -> None:
    """Add ``user:<uid>:--x`` without changing what any other entry permits.

    Raises OSError when the filesystem has no access control lists.
    """
    entries = read(directory)
    if not any(tag == MASK for tag, _, _ in entries):
        entries.append((MASK, _permissions(entries, GROUP_OWNER), NO_ID))
    entries = _with_mask_for_execute(entries)
    current = next((bits for tag, bits, entry_id in entries if (tag, entry_id) == (USER, uid)), 0)
    entries = [entry for entry in entries if (entry[0], entry[2]) != (USER, uid)]
    entries.append((USER, current | EXECUTE, uid))
    write(directory, entries)


def revoke(directory: Path, uid: int) -> None:
    """Remove the entries of this user; without other users or groups, the whole list."""
    entries = [entry for entry in read(directory) if (entry[0], entry[2]) != (USER, uid)]
    if not any(tag in (USER, GROUP) for tag, _, _ in entries):
        entries = [entry for entry in entries if entry[0] != MASK]
    write(directory, entries)


def write(directory: Path, entries: list[Entry]) -> None:
    """Write the list. Three entries are only the mode; the kernel then removes the list."""
    packed = b"".join(struct.pack("<HHI", *entry) for entry in _sorted(entries))
    os.setxattr(directory, ATTRIBUTE, struct.pack("<I", VERSION) + packed)


def read(directory: Path) -> list[Entry]:
    """Return the entries of the list, or those that the mode of the directory means."""
    try:
        packed = os.getxattr(directory, ATTRIBUTE)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = directory.stat().st_mode
        tags = ((OWNER, mode >> 6), (GROUP_OWNER, mode >> 3), (OTHER, mode))
        return [(tag, bits & 7, NO_ID) for tag, bits in tags]
    return [struct.unpack_from("<HHI", packed, offset) for offset in range(4, len(packed), 8)]


def _permissions(entries: list[Entry], tag: int) -> int:
    return next(bits for entry_tag, bits, _ in entries if entry_tag == tag)


def _with_mask_for_execute(entries: list[Entry]) -> list[Entry]:
    """Add execute to the mask, which limits all entries, and limit the other entries instead."""
    mask = _permissions(entries, MASK)
    if mask & EXECUTE:
        return entries
    limited = [
        (tag, bits & mask if tag in (USER, GROUP_OWNER, GROUP) else bits, entry_id)
        for tag, bits, entry_id in entries
        if tag != MASK
    ]
    return [*limited, (MASK, mask | EXECUTE, NO_ID)]


def _sorted(entries: list[Entry]) -> list[Entry]:
    """Sort by tag, as the kernel requires, and by id within a tag."""
    return sorted(entries, key=lambda entry: (entry[0], entry[2]))


if __name__ == "__main__":
    revoke(Path(sys.argv[2]), pwd.getpwnam(sys.argv[1]).pw_uid)
