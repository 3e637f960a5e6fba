"""What a file is, read from its bytes, and a name that is safe to show."""

import unicodedata
from pathlib import PurePosixPath

import filetype

MAX_NAME = 200
UNKNOWN, TEXT = "application/octet-stream", "text/plain"


def type_of(head: bytes) -> str:
    """The content type its first bytes speak of; a page or a drawing in XML is plain text."""
    known = filetype.guess_mime(head)
    if known:
        return known
    return TEXT if _is_text(head) else UNKNOWN


def safe_name(name: str) -> str:
    """Without folders, control characters and marks that turn the reading direction."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    shown = shown.strip(" .") or "file"
    suffix = PurePosixPath(shown).suffix[:20]
    return shown if len(shown) <= MAX_NAME else shown[: MAX_NAME - len(suffix)] + suffix


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character cut in two where the head ends
    return True
