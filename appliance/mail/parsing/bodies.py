"""The content of an e-mail: its text, its HTML, its attachments, from whatever parts it has."""

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from appliance.mail.parsing import (
    calendars,
    charsets,
    flowed,
    html_text,
    smime,
    tnef,
)
from appliance.mail.parsing.limits import (
    MAX_CALENDAR_BYTES,
    MAX_DEPTH,
    MAX_TEXT_BYTES,
    MAX_TNEF_BYTES,
)
from appliance.mail.parsing.mime import Budget, Part, read_part
from appliance.mail.parsing.notes import Note, NoteKind

MB = 1024 * 1024
_SMIME_TYPES = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_SIGNATURE_TYPES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}
_TNEF_TYPES = {"application/ms-tnef", "application/vnd.ms-tnef"}
_PGP_ENCRYPTED, _PGP_SIGNED = "-----BEGIN PGP MESSAGE-----", "-----BEGIN PGP SIGNED MESSAGE-----"
_PGP_SIGNATURE, _PGP_END = "-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----"


@dataclass(frozen=True)
class Attachment:
    """A file of an e-mail; ``is_inline`` if the HTML shows it, by its ``content_id``."""

    name: str
    content_type: str  # as declared
    content: bytes = field(repr=False)
    is_inline: bool = False
    content_id: str = ""


@dataclass(frozen=True)
class Segment:
    """A piece of text, as plain text, as HTML or as both."""

    plain: str = ""
    html: str = ""


@dataclass
class BodyReader:
    """Collects the content of a part and of the parts in it."""

    max_attachment_bytes: int
    budget: Budget = field(default_factory=Budget)
    text_bytes: int = MAX_TEXT_BYTES  # that may still be decoded
    segments: list[Segment] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    appointments: list[str] = field(default_factory=list)
    notes: dict[NoteKind, Note] = field(default_factory=dict)
    large_attachments: int = 0
    is_signed: bool = False
    is_encrypted: bool = False

    def add_note(self, kind: NoteKind, **values: int | str) -> None:
        self.notes.setdefault(kind, Note(kind, values))

    def read(self, part: Part, depth: int = 0) -> None:
        kind = part.content_type
        if kind == "multipart/alternative":
            self._read_alternatives(part.parts, depth)
        elif kind == "multipart/signed":
            self._read_signed(part.parts, depth)
        elif kind.startswith("multipart/"):
            if kind == "multipart/encrypted":
                self.is_encrypted = True
            for child in part.parts:
                self.read(child, depth + 1)
        elif kind == "text/calendar":
            self._read_appointment(part)
        elif kind in _TNEF_TYPES or part.file_name.lower() == "winmail.dat":
            self._read_tnef(part)
        elif kind in _SMIME_TYPES:
            self._read_smime(part, depth)
        elif kind.startswith("text/") and not part.is_attachment and not part.file_name:
            self._read_text(part)
        else:
            self._attach(part)

    def _read_alternatives(self, parts: Iterable[Part], depth: int) -> None:
        """Take the plain text and the HTML, of which each says the same; and all files."""
        plain = html = ""
        before = self.segments
        for part in parts:
            self.segments = []
            self.read(part, depth + 1)
            plain = plain or _join(segment.plain for segment in self.segments)
            html = "\n".join(s.html for s in self.segments if s.html) or html
        self.segments = [*before, Segment(plain, html)]

    def _read_signed(self, parts: tuple[Part, ...], depth: int) -> None:
        self.is_signed = True
        for part in parts:
            if part.content_type not in _SIGNATURE_TYPES:
                self.read(part, depth + 1)

    def _read_text(self, part: Part) -> None:
        if part.size > self.text_bytes:
            self.add_note(NoteKind.TEXT_CUT)
        text = part.text(self.text_bytes)
        self.text_bytes = max(0, self.text_bytes - part.size)
        charset = part.parameters.get("charset")
        if charset and not charsets.find_codec(charset) and not text.isascii():
            self.add_note(NoteKind.UNKNOWN_CHARSET, name=charset[:40])
        if part.content_type == "text/html":
            self.segments.append(Segment(html=text))
            return
        if part.parameters.get("format").lower() == "flowed":
            drops_blank = part.parameters.get("delsp").lower() == "yes"
            text = flowed.join_lines(text, drops_blank=drops_blank)
        self.segments.append(Segment(plain=self._unwrap_pgp(text)))

    def _unwrap_pgp(self, text: str) -> str:
        if _PGP_ENCRYPTED in text:
            self.is_encrypted = True
        if _PGP_SIGNED not in text:
            return text
        self.is_signed = True
        before, _begin, rest = text.partition(_PGP_SIGNED)
        _hash, _blank, rest = rest.partition("\n\n")
        signed, _begin, rest = rest.partition(_PGP_SIGNATURE)
        _signature, _end, after = rest.partition(_PGP_END)
        return before + re.sub(r"^- ", "", signed, flags=re.MULTILINE) + after.lstrip("\n")

    def _read_appointment(self, part: Part) -> None:
        appointment = calendars.describe(part.text(MAX_CALENDAR_BYTES))
        if appointment and appointment not in self.appointments:
            self.appointments.append(appointment)
        self._attach(part)

    def _read_smime(self, part: Part, depth: int) -> None:
        if depth >= MAX_DEPTH or part.size > smime.MAX_BYTES:
            self._attach(part)
            return
        try:
            signed = smime.find_signed_content(part.content())
        except ValueError:
            self.add_note(NoteKind.BROKEN_SMIME)
            self._attach(part)
            return
        if signed is None:
            self.is_encrypted = True
            self._attach(part)
            return
        self.is_signed = True
        self.read(read_part(signed, self.budget, depth + 1), depth + 1)

    def _read_tnef(self, part: Part) -> None:
        try:
            if part.size > MAX_TNEF_BYTES:
                raise tnef.BrokenTnefError
            message = tnef.read(part.content())
        except tnef.BrokenTnefError:
            self.add_note(NoteKind.BROKEN_TNEF)
            self._attach(part)
            return
        if not any(segment.plain or segment.html for segment in self.segments):
            plain, html = message.text[:MAX_TEXT_BYTES], message.html[:MAX_TEXT_BYTES]
            self.segments.append(Segment(plain.replace("\r\n", "\n"), html))
        for file in message.attachments:
            if file.content:
                self._keep(file.name, file.content_type, file.content, file.content_id)

    def _attach(self, part: Part) -> None:
        if part.size > self.max_attachment_bytes + MB:  # decoding it would cost for nothing
            self.large_attachments += 1
            return
        name = part.file_name
        if part.content_type == "message/rfc822" and not name:
            name = f"{_subject_of(part) or 'e-mail'}.eml"
        self._keep(name, part.content_type, part.content(), part.content_id)

    def _keep(self, name: str, content_type: str, content: bytes, content_id: str = "") -> None:
        if len(content) > self.max_attachment_bytes:
            self.large_attachments += 1
            return
        if not name:
            suffix = mimetypes.guess_extension(content_type) or ".bin"
            name = f"attachment-{len(self.attachments) + 1}{suffix}"
        file = Attachment(name, content_type, content, content_id=content_id)
        self.attachments.append(file)

    # --- what was collected

    def html(self) -> html_text.CleanHtml:
        """Return the HTML of all segments, plain ones between them as paragraphs, made safe."""
        if not any(segment.html for segment in self.segments):
            return html_text.CleanHtml()
        return html_text.read(
            "\n".join(s.html or html_text.from_text(s.plain) for s in self.segments)
        )

    def plain(self, clean: html_text.CleanHtml) -> str:
        """Return the plain text; from HTML where a segment has no other."""
        if not any(segment.plain.strip() for segment in self.segments):
            return clean.text
        return _join(
            segment.plain if segment.plain.strip() else html_text.read(segment.html).text
            for segment in self.segments
        )

    def attachments_shown_in(self, clean: html_text.CleanHtml) -> tuple[Attachment, ...]:
        """Return the attachments, those the HTML shows marked as inline."""
        shown = html_text.content_ids(clean.html)
        return tuple(
            replace(file, is_inline=bool(file.content_id) and file.content_id in shown)
            for file in self.attachments
        )


def _join(texts: Iterable[str]) -> str:
    return "\n\n".join(text.strip("\n") for text in texts if text.strip())


def _subject_of(part: Part) -> str:
    data = part.content(64 * 1024).lstrip(b"\r\n")
    subject = read_part(data, Budget(1)).headers.text("subject")
    return re.sub(r"[/\\:*?\"<>|]", "_", subject)[:100].strip(" .")
