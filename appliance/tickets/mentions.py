"""Mentions of agents with @handle in notes.

A handle is an e-mail, its local part or a first name without blanks, in any case. In a text the
longest handle that fits counts, so that every handle that is offered is read back, whatever
characters it has.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import islice

from appliance.accounts.models import User

AT = re.compile(r"(?<![\w@.])@(?=\S)")
WORD = re.compile(r"\w[\w.+'’-]*(?:@[\w.-]+)?")  # what somebody meant by an @ that fits nobody
# after a handle: it is only the beginning of a longer word, and not "@bob's"
GOES_ON = re.compile(r"\w|[.+@-]\w|['’](?!s\b)\w")
MAX_WORDS = 200  # of a text; what comes later mentions nobody
LAST_SIGNS = ".-+'’"  # of a sentence rather than of a handle
MAX_HANDLE_CHARACTERS = 260

Handles = dict[str, list[User]]


def find_mentioned(text: str, people: Iterable[User]) -> list[User]:
    """Return the people named in the text by e-mail, by its local part, or by first name.

    The first of these ways that fits anybody counts; a first name that two share means both.
    """
    handles = _read_handles(people)
    mentioned = {
        person.pk: person
        for tail in _tails(text)
        for person in handles.get(_longest_handle(tail, handles), [])
    }
    return list(mentioned.values())


def find_unknown(text: str, people: Iterable[User]) -> list[str]:
    """Return the words after an @ that fit none of the people, each once and with its @."""
    handles = _read_handles(people)
    words = (WORD.match(tail) for tail in _tails(text) if not _longest_handle(tail, handles))
    return [*dict.fromkeys(f"@{word[0].rstrip(LAST_SIGNS)}" for word in words if word)]


def handle_of(person: User, people: Iterable[User]) -> str:
    """Return the shortest handle that means this one of ``people`` alone."""
    handles = _read_handles(people)
    for handle in (_first_name(person), _local_part(person)):
        if handles.get(handle) == [person] and _longest_handle(f"{handle} ", handles) == handle:
            return handle
    return person.email


def list_matching(prefix: str, people: Iterable[User]) -> list[User]:
    """Return the people with a name or e-mail that starts with ``prefix``."""
    prefix = _fold(prefix)
    return [
        person
        for person in people
        if any(
            _fold(name).startswith(prefix)
            for name in (
                person.first_name,
                person.last_name,
                person.full_name,
                person.email,
                _first_name(person),
            )
        )
    ]


def _tails(text: str) -> list[str]:
    """Return what follows each @ that can begin a mention, as far as a handle can reach."""
    text = unicodedata.normalize("NFC", text)
    matches = islice(AT.finditer(text), MAX_WORDS)
    return [text[match.end() : match.end() + MAX_HANDLE_CHARACTERS] for match in matches]


def _read_handles(people: Iterable[User]) -> Handles:
    """Return whom each handle means; e-mails go before local parts, these before first names."""
    people = list(people)
    handles: Handles = {}
    for handle_by in (_email, _local_part, _first_name):
        people_by_handle: Handles = {}
        for person in people:
            people_by_handle.setdefault(handle_by(person), []).append(person)
        handles = people_by_handle | handles
    handles.pop("", None)
    return handles


def _longest_handle(tail: str, handles: Handles) -> str:
    """Return the longest handle with which the text begins and no word goes on; else nothing."""
    folded = _fold(tail)
    for size in sorted({len(handle) for handle in handles}, reverse=True):
        if folded[:size] in handles and not GOES_ON.match(folded[size:]):
            return folded[:size]
    return ""


def _fold(text: str) -> str:
    """Return the text without case, in one of the ways in which Unicode writes it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _email(person: User) -> str:
    return _fold(person.email)


def _local_part(person: User) -> str:
    return _email(person).rpartition("@")[0]


def _first_name(person: User) -> str:
    return _fold("".join(person.first_name.split()))
