"""Split a reply into sentences, and decide which may be offered on other tickets. Pure.

Nine languages without a dependency: a sentence ends at a sign and a capital letter, unless an
abbreviation, an initial or an ordinal stands before it, and with its line unless the next goes on.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from appliance.triage import sentence_phrases as phrases

MAX_CHARACTERS = 8_000  # of a reply; the rest is not read
MAX_SENTENCES = 40  # of a reply
MIN_OFFERED_WORDS, MAX_OFFERED_WORDS = 4, 60
MAX_OFFERED_CHARACTERS = 400

_END = re.compile(r"[.!?…]+[\"'”’»)\]*_`]*\s+")
_LIST_MARK = re.compile(r"\s*(?:[-*+•–—]|\(?\d{1,2}[.)])\s+")
_NUMBER_ONLY = re.compile(r"[(*_\s]*\d{1,2}[.)]\s*")
_LAST_WORDS = re.compile(r"(\S+)\s+(\S+)$|(\S+)$")
_HEADING = re.compile(r"\s*#{1,6}\s+")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_LINE_END = re.compile(r"[.!?…:;][\"'”’»)\]*_`]*$")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SIGNATURE_LINE = re.compile(r"--\s?$")

# What belongs to one person or one case. A sentence with any of it is not offered.
_PRIVATE = re.compile(
    r"""
      [^\s@<>]+ @ [^\s@<>]+ \. \w{2,}                       # an e-mail address
    | \b (?: SKR - \d+ | [A-Z]{2,6} - \d{3,} ) \b          # a ticket number
    | [#]\d{3,}                                             # one of another system
    | \b (?: \d{1,3} \. ){3} \d{1,3} \b                     # an IP address
    | \b (?: [0-9A-Fa-f]{2} [:-] ){5} [0-9A-Fa-f]{2} \b     # a MAC address
    | \b [A-Z]{2} \d{2} (?: [ ]? [0-9A-Z]{4} ){3,}          # an IBAN
    | (?<![\w.]) [+(]? (?: \d [ ()/-]{0,2} ){6,} \d         # a phone number, or a long number
    | (?<!\d) (?: \d{2} [.] ){4} \d{2} (?!\d)               # a French phone number
    | \b \d{1,3} (?: [.,] \d{3} )+ [.,] \d{2} \b | [€$£] \s? \d | \d \s? [€£]  # an amount
    | \b \d{1,2} : \d{2} \b                                # a time of day
    | [\\]{2} [\w.-]+ [\\]                                  # a share of a server
    | https?:// \S* (?: [?&=@] | /tickets?/ \S )            # an address with a key, or of a ticket
    | /tickets/ \d
    """,
    re.VERBOSE,
)
_ADDRESS = re.compile(r"https?://\S+|\bwww\.\S+")
# Letters and digits in one word, as in serial numbers and passwords.
_MIXED = re.compile(r"(?<![\w-])(?=[\w-]*\d[\w-]*[^\W\d])(?=[\w-]*[^\W\d])[\w-]{8,}(?![\w-])")


@dataclass(frozen=True)
class Sentence:
    """A sentence as it was written, with single spaces, and where it stood in its reply."""

    text: str
    position: int  # 0 is the first of the reply
    is_step: bool = False  # an item of a list


def split(text: str) -> list[Sentence]:
    """Return the sentences of a reply in Markdown, without quotations, code and signature."""
    sentences: list[Sentence] = []
    for line, is_step in _lines(text[:MAX_CHARACTERS]):
        for part in _split_line(line):
            sentences.append(Sentence(part, len(sentences), is_step))
            if len(sentences) == MAX_SENTENCES:
                return sentences
    return sentences


def key(text: str) -> str:
    """Return the same for sentences that differ in signs, blanks and case only."""
    words = " ".join(re.findall(r"\w+", text.lower()))
    return hashlib.sha256(words.encode(errors="replace")).hexdigest()[:16]


def words(text: str) -> list[str]:
    return _WORD.findall(_ADDRESS.sub(" ", text))


def name_like_words(text: str) -> set[str]:
    """Return the words that may be a name: those with a capital letter."""
    return {word for word in words(text) if word[0].isupper() and len(word) > 1}


def is_offerable(sentence: Sentence, names: Collection[str] = ()) -> bool:
    """Return whether the sentence may be offered on tickets of other people.

    ``names`` are words of people's names, as they are written. Left out are questions, greetings,
    thanks and closings, very short and very long sentences, those about one day, and those with a
    name, an address, a number or a secret of one person.
    """
    text = sentence.text
    count = len(text.split())
    if not MIN_OFFERED_WORDS <= count <= MAX_OFFERED_WORDS or len(text) > MAX_OFFERED_CHARACTERS:
        return False
    if text.rstrip("\"'”’»)*_ ").endswith("?") or phrases.is_phrase(text):
        return False
    if phrases.MOMENT.search(text):
        return False
    return not is_private(text, names)


def is_private(text: str, names: Collection[str] = ()) -> bool:
    """Return whether a name, an address, a number or a secret of one person is in the text."""
    return bool(
        _PRIVATE.search(text)
        or _MIXED.search(_ADDRESS.sub(" ", text))
        or phrases.SECRET.search(text)
        or phrases.ADDRESSED_PERSON.search(text)
        or not name_like_words(text).isdisjoint(names)
    )


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield (a paragraph or an item of a list, is an item); wrapped lines are joined."""
    current, is_step, is_code = "", False, False
    for line in text.replace("\r", "").split("\n"):
        if _FENCE.match(line):
            is_code = not is_code
        is_left_out = is_code or _FENCE.match(line) or line.lstrip().startswith((">", "|"))
        if _SIGNATURE_LINE.match(line):
            break
        mark = _LIST_MARK.match(line)
        if current and (is_left_out or mark or not _goes_on(current, line)):
            yield current, is_step
            current = ""
        if is_left_out or not line.strip():
            continue
        if not current:
            is_step = bool(mark)
        body = line[mark.end() :] if mark else _HEADING.sub("", line, count=1)
        current = f"{current} {body}" if current else body
    if current:
        yield current, is_step


def _goes_on(before: str, line: str) -> bool:
    """Return whether a line continues the one before, as in an e-mail wrapped at 72 characters."""
    start = line.lstrip()[:1]
    return bool(start) and start.islower() and not _LINE_END.search(before.rstrip())


def _split_line(line: str) -> Iterator[str]:
    line, start = " ".join(line.split()), 0
    for end in _END.finditer(line):
        if _is_boundary(line[start : end.start()], end[0], line[end.end() :]):
            yield line[start : end.end()].strip()
            start = end.end()
    if rest := line[start:].strip():
        yield rest


def _is_boundary(before: str, sign: str, after: str) -> bool:
    if not after or after[0].islower():
        return False
    if not sign.startswith(".") or sign.startswith(".."):
        return True
    if _NUMBER_ONLY.fullmatch(f"{before}{sign}"):  # "2. Restart it" in the middle of a line
        return False
    match = _LAST_WORDS.search(before)
    if match is None:
        return False
    last = (match[2] or match[3]).strip("(\"'„“«*_").lower()
    previous = (match[1] or "").lower()
    if len(last) == 1 and last.isalpha():  # an initial
        return False
    if last.isdigit() and len(last) <= 2 and previous in phrases.BEFORE_ORDINALS:
        return False
    if last in phrases.BEFORE_NUMBERS and after[0].isdigit():
        return False
    return phrases.ABBREVIATIONS.isdisjoint((last, f"{previous}{last}"))  # "p. ex."
