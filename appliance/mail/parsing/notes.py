"""Notes on an e-mail for the people who read it: what was left out, and what they should know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class NoteKind(StrEnum):
    """What a note says; stored with the e-mail, so values stay as they are."""

    LARGE_ATTACHMENTS = "large-attachments"  # count, limit_mb
    HEADERS_CUT = "headers-cut"
    ADDRESSES_CUT = "addresses-cut"  # limit
    PARTS_CUT = "parts-cut"
    TEXT_CUT = "text-cut"
    HTML_TOO_COMPLEX = "html-too-complex"
    REMOTE_CONTENT = "remote-content"  # count
    UNKNOWN_CHARSET = "unknown-charset"  # name
    BROKEN_TNEF = "broken-tnef"
    BROKEN_SMIME = "broken-smime"
    SIGNED = "signed"
    CUT = "cut"  # size_mb, limit_mb
    UNVERIFIED_AGENT = "unverified-agent"
    OTHER_RECIPIENT = "other-recipient"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True)
class Note:
    """One note; ``text`` says it in the active language."""

    kind: NoteKind
    values: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return _describe(self.kind, self.values)

    def as_json(self) -> list:
        return [str(self.kind), dict(self.values)]

    @classmethod
    def from_json(cls, stored: list) -> "Note":
        kind, values = stored
        return cls(NoteKind(kind), values)


def _describe(kind: NoteKind, values: Mapping[str, int | str]) -> str:
    match kind:
        case NoteKind.LARGE_ATTACHMENTS:
            return ngettext(
                "%(count)d attachment larger than %(limit_mb)d MB was left out. It is in the "
                "source of the e-mail.",
                "%(count)d attachments larger than %(limit_mb)d MB were left out. They are in "
                "the source of the e-mail.",
                int(values["count"]),
            ) % dict(values)
        case NoteKind.HEADERS_CUT:
            return _("The e-mail has very long headers. Only their beginning was read.")
        case NoteKind.ADDRESSES_CUT:
            return _("The e-mail has very many recipients. Only the first %(limit)d were read.") % (
                dict(values)
            )
        case NoteKind.PARTS_CUT:
            return _("The e-mail has very many or deeply nested parts. Some were left out.")
        case NoteKind.TEXT_CUT:
            return _("The text is very long. Its end was left out.")
        case NoteKind.HTML_TOO_COMPLEX:
            return _("The HTML of the e-mail is too large or too deeply nested to be shown.")
        case NoteKind.REMOTE_CONTENT:
            return ngettext(
                "%(count)d picture on another server is not loaded.",
                "%(count)d pictures on other servers are not loaded.",
                int(values["count"]),
            ) % dict(values)
        case NoteKind.UNKNOWN_CHARSET:
            return _(
                "The character set “%(name)s” is not known. Some characters may be wrong."
            ) % dict(values)
        case NoteKind.BROKEN_TNEF:
            return _("The file winmail.dat of Outlook could not be read. It is attached as it is.")
        case NoteKind.BROKEN_SMIME:
            return _("The S/MIME message could not be read. It is attached as it is.")
        case NoteKind.CUT:
            return _(
                "The e-mail has %(size_mb)d MB, the limit is %(limit_mb)d MB. Its files were left "
                "out, and its text may be incomplete. The whole e-mail is on the mail server."
            ) % dict(values)
        case NoteKind.UNVERIFIED_AGENT:
            return _(
                "The sender's address is that of an agent, but this is not verified: it does not "
                "answer an e-mail that was sent to this agent."
            )
        case NoteKind.OTHER_RECIPIENT:
            return _("The sender is not the person to whom the e-mail it answers was sent.")
        case NoteKind.SIGNED:
            return _("The e-mail is signed. The signature was not verified.")
        case NoteKind.ENCRYPTED:
            return _(
                "The e-mail is encrypted, and the help desk has no key for it. "
                "Ask the sender to send it unencrypted."
            )
