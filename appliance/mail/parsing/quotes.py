"""The new text of an answer, apart from the quoted e-mail and from the signature.

Works line by line: mail-program regular expressions over whole texts take quadratic time. Folding
is a convenience, so a doubtful line stays in the text.
"""

import re
from dataclasses import dataclass

from appliance.mail.parsing.limits import MAX_QUOTE_LINES
from appliance.tickets.email_marks import REPLY_MARKERS

MAX_ATTRIBUTION_LINES, MAX_ATTRIBUTION = 3, 400
MAX_SIGNATURE_LINES, MAX_SIGNATURE_LINE = 12, 120

_QUOTE_MARKS = re.compile(r"^[>\s|*_-]+")
# "On 11 Nov 2026, Bob wrote:" in the languages of the common mail programs
_WROTE = re.compile(
    r"\b(wrote|schrieb|geschrieben|a écrit|escribió|escreveu|ha scritto|schreef|geschreven|skrev"
    r"|napisał\(a\)|napisał|napisała|napsal\(a\)|napsal|napísal|írta|kirjoitti|написал|пише|писал"
    r"|pisze|a scris|yazdı)\b|님이 작성|写道|寫道|のメール|さんは書きました|wrote",
    re.IGNORECASE,
)
_ATTRIBUTION_START = re.compile(
    r"(on|am|le|el|em|il|op|den|dnia|dne|dňa|w dniu|\w{2,4}\.?,|\d{1,4}[./年-])\b", re.IGNORECASE
)
# "-----Original Message-----"; forwarded messages are what the sender wants to show
_SEPARATOR = re.compile(
    r"[-_=\s]{2,20}(original message|original e-?mail|ursprüngliche nachricht|originalnachricht"
    r"|original-nachricht|ursprüngliche e-?mail|original appointment|ursprünglicher termin"
    r"|message d'origine|message d’origine|messaggio originale|mensaje original"
    r"|mensagem original|oorspronkelijk bericht|ursprungligt meddelande|oprindelig meddelelse"
    r"|opprinnelig melding|wiadomość oryginalna|oryginalna wiadomość|původní zpráva"
    r"|исходное сообщение|原始邮件|元のメッセージ)[-_=\s:]{2,20}",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"[*\s]*(from|von|de|od|da|van|från|fra|lähettäjä|от|发件人|寄件者|差出人"
    r"|보낸 사람)[*\s]*[:：]",
    re.IGNORECASE,
)
_OTHER_HEADER = re.compile(
    r"[*\s]*(sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|para|asunto"
    r"|fecha|assunto|data|inviato|oggetto|verzonden|aan|onderwerp|wysłano|do|temat|dw|odesláno|komu"
    r"|předmět|kopie|skickat|till|ämne|sendt|til|emne|lähetetty|aihe|отправлено|кому|тема"
    r"|发送时间|收件人|主题|抄送|日時|宛先|件名|送信日時|보낸 날짜|받는 사람|제목)[*\s]*[:：]",
    re.IGNORECASE,
)
_RULE = re.compile(r"[ *]*[_-]{10,}[ *]*")
_SIGNATURE_LINE = re.compile(r"--[ \xa0]?")
_DEVICE_LINE = re.compile(
    r"(sent from|get outlook for|gesendet von|gesendet mit|von meinem .{1,40} gesendet"
    r"|diese nachricht wurde von meinem|envoyé (de|depuis)|enviado desde|inviato da"
    r"|verzonden vanaf|wysłano z|skickat från|sendt fra"
    r"|holen sie sich outlook|outlook für (ios|android)).{0,100}",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"((mit )?(freundliche[nmr]?|beste[nr]?|viele[n]?|liebe[n]?|herzliche[nr]?|schöne[n]?"
    r"|kollegiale[nr]?) (gr(ü|ue)(ß|ss)e?n?|gru(ß|ss))|mfg|lg|vg|(kind|best|warm|many)? ?regards"
    r"|best wishes|yours (sincerely|faithfully|truly)|sincerely|cheers|cordialement|bien à vous"
    r"|saludos|un saludo|atentamente|cordiali saluti|met vriendelijke groet(en)?|z poważaniem"
    r"|pozdrawiam|s pozdravem|med vänliga? hälsning(ar)?|med venlig hilsen|mvh)"
    r"( (aus|vom|from|de) .{1,40})?[ ,.!/–-]*",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"p\.? ?s\b|nachtrag|edit:", re.IGNORECASE)
_MARKERS = tuple(" ".join(text.lower().split()) for text in REPLY_MARKERS.values())


@dataclass(frozen=True)
class Reply:
    """A text in three parts; ``text`` is empty only if the whole is."""

    text: str
    quoted_text: str = ""
    signature: str = ""


def split_reply(text: str, *, is_forward: bool = False) -> Reply:
    """Separate new text, quoted text and signature. A forwarded e-mail is all new text."""
    lines = [line.rstrip() for line in text.split("\n")]
    if is_forward:
        return Reply(_join(lines))
    searched, rest = lines[:MAX_QUOTE_LINES], lines[MAX_QUOTE_LINES:]
    start = _find_unmarked_quote(searched)
    above, below = searched[:start], searched[start:]
    new, quoted = _separate_marked_quote(above)
    quoted_text = _join([*quoted, *below, *rest]) if start < len(searched) or not rest else ""
    if start == len(searched) and rest:  # nothing was cut: what is beyond the limit is text
        new, quoted_text = [*new, *rest], _join(quoted)
    new, signature = _separate_signature(new)
    if not _join(new):
        return Reply(_join(lines))
    return Reply(_join(new), quoted_text, _join(signature))


def _join(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip()


def _is_quoted(line: str) -> bool:
    return line.lstrip()[:1] == ">"


# --- quoted text without marks: everything below a separator


def _find_unmarked_quote(lines: list[str]) -> int:
    """Return where a quotation begins that is not marked with ``>``, or the number of lines."""
    for number, line in enumerate(lines):
        if _is_quoted(line) or not line.strip():
            continue
        if _SEPARATOR.fullmatch(line.strip()[:100]) or _is_header_block(lines, number):
            return _include_rule(lines, number)
        if _is_marker(lines, number):
            return _include_attribution(lines, number)
        if size := _attribution_size(lines, number, needs_mark=False):
            following = _next_text(lines, number + size)
            if following is not None and not _is_quoted(lines[following]):
                return number
    return len(lines)


def _is_header_block(lines: list[str], number: int) -> bool:
    """Return whether "From: …" stands here, with two more headers in the lines below."""
    if not _FROM.match(lines[number][:200]):
        return False
    others = {
        match[1].lower()
        for line in lines[number + 1 : number + 8]
        if (match := _OTHER_HEADER.match(line[:200]))
    }
    return len(others) >= 2


def _is_marker(lines: list[str], number: int) -> bool:
    """Return whether the line "reply above this line" begins here, perhaps wrapped."""
    window = " ".join(lines[number : number + 2])[:300]
    start = " ".join(_QUOTE_MARKS.sub("", window).lower().split())
    return start.startswith(_MARKERS)


def _include_rule(lines: list[str], number: int) -> int:
    """Return the line of the rule above the headers of a quoted e-mail, if there is one."""
    before = _text_before(lines, number)
    return before if before is not None and _RULE.fullmatch(lines[before][:300]) else number


def _include_attribution(lines: list[str], number: int) -> int:
    """Return the first line of what introduces a quotation, if it stands directly above."""
    before = _text_before(lines, number)
    if before is None or not lines[before].endswith((":", "：")):
        return number
    start = before
    while start and lines[start - 1].strip() and before - start < MAX_ATTRIBUTION_LINES - 1:
        start -= 1
    is_attribution = _attribution_size(lines, start, needs_mark=False) == before - start + 1
    return start if is_attribution else before


def _next_text(lines: list[str], number: int) -> int | None:
    return next((i for i in range(number, min(number + 5, len(lines))) if lines[i].strip()), None)


def _text_before(lines: list[str], number: int) -> int | None:
    return next((i for i in range(number - 1, max(number - 5, -1), -1) if lines[i].strip()), None)


def _attribution_size(lines: list[str], number: int, *, needs_mark: bool) -> int:
    """Return over how many lines "On … wrote:" extends that begins here; 0 if none does.

    Without ``>`` below it, only a whole one with a date counts.
    """
    for size in range(1, MAX_ATTRIBUTION_LINES + 1):
        part = lines[number : number + size]
        if len(part) < size or not part[-1].strip() or _is_quoted(part[-1]):
            return 0
        if part[-1].endswith((":", "：", ":>")):
            text = " ".join(line.strip() for line in part)[:MAX_ATTRIBUTION]
            has_verb = bool(_WROTE.search(text)) and any(c.isdigit() or c in "@<" for c in text)
            is_whole = bool(_ATTRIBUTION_START.match(text)) or "@" in text
            return size if has_verb and (needs_mark or is_whole) else 0
    return 0


# --- quoted text marked with ">"


def _separate_marked_quote(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return new and quoted lines. Quotations between answers stay with them."""
    blocks = _find_blocks(lines)
    if not blocks:
        return lines, []
    first_start = blocks[0][0]
    last_start, last_end = blocks[-1]
    has_text_above = bool(_join(lines[:first_start]))
    has_text_below = bool(_join(_separate_signature(lines[last_end:])[0]))
    if not has_text_below:  # top posting, or answers between quotations and a rest
        return [*lines[:last_start], *lines[last_end:]], lines[last_start:last_end]
    if len(blocks) == 1 and not has_text_above:  # bottom posting
        return lines[last_end:], lines[first_start:last_end]
    return lines, []


def _find_blocks(lines: list[str]) -> list[tuple[int, int]]:
    """Return where each quotation begins, with its introduction, and where it ends."""
    blocks: list[tuple[int, int]] = []
    number = 0
    while number < len(lines):
        if not _is_quoted(lines[number]):
            number += 1
            continue
        end = number
        while end < len(lines) and (_is_quoted(lines[end]) or _is_gap(lines, end)):
            end += 1
        blocks.append((_start_with_introduction(lines, number), end))
        number = end
    return blocks


def _is_gap(lines: list[str], number: int) -> bool:
    """Return whether it is a blank line between two quoted ones."""
    following = _next_text(lines, number)
    return not lines[number].strip() and following is not None and _is_quoted(lines[following])


def _start_with_introduction(lines: list[str], number: int) -> int:
    before = _text_before(lines, number)
    if before is None:
        return number
    for start in range(before, max(before - MAX_ATTRIBUTION_LINES, -1), -1):
        if _attribution_size(lines, start, needs_mark=True) == before - start + 1:
            longer = start - 1
            is_wrapped = longer >= 0 and bool(_ATTRIBUTION_START.match(lines[longer]))
            if is_wrapped and _attribution_size(lines, longer, needs_mark=True):
                return longer
            return start
    return number


# --- signature


def _separate_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the lines before and from the signature on."""
    for number, line in enumerate(lines):
        if _SIGNATURE_LINE.fullmatch(line) and _join(lines[:number]):
            return lines[:number], lines[number + 1 :]
    last = _text_before([*lines, ""], len(lines))
    if last is None:
        return lines, []
    if _DEVICE_LINE.fullmatch(lines[last].strip()[:200]):
        above, signature = _separate_closing(lines[:last])
        return above, [*signature, *lines[last:]]
    return _separate_closing(lines)


def _separate_closing(lines: list[str]) -> tuple[list[str], list[str]]:
    """Cut at "Kind regards" if only a few short lines, such as names and numbers, follow."""
    count = 0
    for number in range(len(lines) - 1, 0, -1):
        line = lines[number].strip()
        if not line:
            continue
        if _CLOSING.fullmatch(line[:100]) and _join(lines[:number]):
            return lines[:number], lines[number:]
        count += 1
        is_short = len(line) <= MAX_SIGNATURE_LINE and not line.endswith("?")
        if count > MAX_SIGNATURE_LINES or not is_short or _POSTSCRIPT.match(line):
            break
    return lines, []
