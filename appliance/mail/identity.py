"""By what the same e-mail is recognised when it comes twice, before it is parsed.

It may come again after a crash, through two mailboxes, or as a copy to two of our addresses.
"""

import hashlib
import re
from dataclasses import dataclass

from appliance.mail.models import MAX_MESSAGE_ID

MAX_HEADER_BYTES = 256 * 1024
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(
    rb"^(message-id|from|date|subject)[ \t]*:((?:[^\n]*(?:\n[ \t])?)*)",
    re.IGNORECASE | re.MULTILINE,
)
_IDENTIFYING = (b"message-id", b"date")


@dataclass(frozen=True)
class Identity:
    digest: str
    message_id: str  # without < and >, empty if there is none


def identify(source: bytes) -> Identity:
    """Return the digest and the Message-ID of an e-mail.

    Servers on the way add headers, so that the digest is that of Message-ID, From, Date, Subject
    and body. Of an e-mail with neither Message-ID nor Date it is that of the whole source: two
    equal alerts of a machine are two.
    """
    end = _HEADER_END.search(source, 0, MAX_HEADER_BYTES)
    header = source[: end.start() if end else MAX_HEADER_BYTES]
    fields: dict[bytes, bytes] = {}
    for match in _FIELD.finditer(header):
        fields.setdefault(match[1].lower(), b" ".join(match[2].split()))
    body = source[end.end() :] if end else b""
    message_id = clean_message_id(fields.get(b"message-id", b"").decode("ascii", "replace"))
    if not any(fields.get(name) for name in _IDENTIFYING):
        return Identity(hashlib.sha256(source).hexdigest(), message_id)
    parts = [name + b":" + fields.get(name, b"") for name in (*_IDENTIFYING, b"from", b"subject")]
    digest = hashlib.sha256(b"\n".join(parts) + b"\n")
    digest.update(body.replace(b"\r\n", b"\n").rstrip())
    return Identity(digest.hexdigest(), message_id)


def clean_message_id(text: str) -> str:
    """Return a Message-ID as it is stored and compared."""
    return text.strip().removeprefix("<").removesuffix(">").strip()[:MAX_MESSAGE_ID]
