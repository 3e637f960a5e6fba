"""Who is meant by @name in a note."""

import re
from collections.abc import Iterable

from appliance.accounts.models import User

HANDLE = re.compile(r"(?<![\w@.])@(\w[\w.+-]*(?:@[\w.-]+)?)")


def find_mentioned(text: str, people: Iterable[User]) -> list[User]:
    """Of ``people``, those named by e-mail, by what stands before its @, or by first name.

    The first of these ways that fits anybody counts; a first name of two means both.
    """
    people = list(people)
    mentioned: dict[int, User] = {}
    for name in HANDLE.findall(text):
        for person in _by_handle(name.rstrip(".-+").casefold(), people):
            mentioned.setdefault(person.pk, person)
    return list(mentioned.values())


def handle_of(person: User, people: Iterable[User]) -> str:
    """The shortest name after @ that means this one of ``people`` alone."""
    people = list(people)
    for name in (_first(person), _local(person)):
        if name and HANDLE.fullmatch(f"@{name}") and _by_handle(name, people) == [person]:
            return name
    return person.email


def list_matching(prefix: str, people: Iterable[User]) -> list[User]:
    """Of ``people``, those a person may mean who has typed so much."""
    prefix = prefix.casefold()
    return [
        person
        for person in people
        if any(
            name.casefold().startswith(prefix)
            for name in (person.first_name, person.last_name, person.full_name, person.email)
        )
    ]


def _by_handle(name: str, people: list[User]) -> list[User]:
    for of in (lambda person: person.email.casefold(), _local, _first):
        if met := [person for person in people if of(person) == name]:
            return met
    return []


def _local(person: User) -> str:
    return person.email.split("@")[0].casefold()


def _first(person: User) -> str:
    return "".join(person.first_name.split()).casefold()
