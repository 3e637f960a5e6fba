"""Mentions of agents with @handle in notes.

A handle is an e-mail, its local part or a first name without blanks, in any case. In a text the
longest handle that fits counts, so that every handle that is offered is read back, whatever
characters it has.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
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
        for handle, _word in _read_mentions(text, handles)
        for person in handles.get(handle, [])
    }
    return list(mentioned.values())


def find_unknown(text: str, people: Iterable[User]) -> list[str]:
    """Return the words after an @ that fit none of the people, each once, in lower case."""
    mentions = _read_mentions(text, _read_handles(people))
    words = (word.rstrip(LAST_SIGNS) for handle, word in mentions if not handle)
    return [*dict.fromkeys(f"@{word}" for word in words if word)]


def handle_of(person: User, people: Iterable[User]) -> str:
    """Return the shortest handle that means this one of ``people`` alone."""
    people = list(people)
    for handle in (_first_name(person), _local_part(person)):
        if find_mentioned(f"@{handle} ", people) == [person]:
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


def _read_mentions(text: str, handles: Handles) -> Iterator[tuple[str, str]]:
    """Yield the known handle and the word that follow each @ of a text; either may be empty."""
    text, end = _fold(text), 0
    for match in islice(AT.finditer(text), MAX_WORDS):
        if match.start() < end:  # in the handle before it
            continue
        tail = text[match.end() : match.end() + MAX_HANDLE_CHARACTERS]
        handle, word = _longest_handle(tail, handles), WORD.match(tail)
        end = match.end() + len(handle)
        yield handle, word[0] if word else ""


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
    for size in sorted({len(handle) for handle in handles}, reverse=True):
        if tail[:size] in handles and not GOES_ON.match(tail[size:]):
            return tail[:size]
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
