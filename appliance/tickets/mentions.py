"""Who is meant by @name in a note."""

import re
from collections.abc import Iterable

from appliance.accounts.models import User

NAMED = re.compile(r"(?<![\w@.])@(\w[\w.+-]*(?:@[\w.-]+)?)")


def find(text: str, people: Iterable[User]) -> list[User]:
    """Of ``people``, those named by e-mail, by what stands before its @, or by first name.

    The first of these ways that fits anybody counts; a first name of two means both.
    """
    people = list(people)
    found: dict[int, User] = {}
    for name in NAMED.findall(text):
        for person in _named(name.rstrip(".-+").casefold(), people):
            found.setdefault(person.pk, person)
    return list(found.values())


def handle_of(person: User, people: Iterable[User]) -> str:
    """The shortest name after @ that means this one of ``people`` alone."""
    people = list(people)
    for name in (_first(person), _local(person)):
        if name and NAMED.fullmatch(f"@{name}") and _named(name, people) == [person]:
            return name
    return person.email


def starting_with(prefix: str, people: Iterable[User]) -> list[User]:
    """Of ``people``, those a person may mean who has typed so much."""
    prefix = prefix.casefold()
    return [
        one
        for one in people
        if any(
            name.casefold().startswith(prefix)
            for name in (one.first_name, one.last_name, one.full_name, one.email)
        )
    ]


def _named(name: str, people: list[User]) -> list[User]:
    for of in (lambda one: one.email.casefold(), _local, _first):
        if met := [one for one in people if of(one) == name]:
            return met
    return []


def _local(person: User) -> str:
    return person.email.split("@")[0].casefold()


def _first(person: User) -> str:
    return "".join(person.first_name.split()).casefold()
