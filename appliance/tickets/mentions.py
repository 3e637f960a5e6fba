"""Mentions of agents with @handle in notes."""

import re
from collections.abc import Callable, Iterable

from appliance.accounts.models import User

HANDLE = re.compile(r"(?<![\w@.])@(\w[\w.+-]*(?:@[\w.-]+)?)")


def find_mentioned(text: str, people: Iterable[User]) -> list[User]:
    """Return the people named in the text by e-mail, by its local part, or by first name.

    The first of these ways that fits anybody counts; a first name that two share means both.
    """
    people = list(people)
    mentioned: dict[int, User] = {}
    for handle in HANDLE.findall(text):
        for person in _people_with(handle.rstrip(".-+").casefold(), people):
            mentioned.setdefault(person.pk, person)
    return list(mentioned.values())


def handle_of(person: User, people: Iterable[User]) -> str:
    """Return the shortest handle that means this one of ``people`` alone."""
    people = list(people)
    for handle in (_first_name(person), _local_part(person)):
        if HANDLE.fullmatch(f"@{handle}") and _people_with(handle, people) == [person]:
            return handle
    return person.email


def list_matching(prefix: str, people: Iterable[User]) -> list[User]:
    """Return the people with a name or e-mail that starts with ``prefix``."""
    prefix = prefix.casefold()
    return [
        person
        for person in people
        if any(
            name.casefold().startswith(prefix)
            for name in (person.first_name, person.last_name, person.full_name, person.email)
        )
    ]


def _people_with(handle: str, people: list[User]) -> list[User]:
    ways: tuple[Callable[[User], str], ...] = (_email, _local_part, _first_name)
    for handle_by in ways:
        if matches := [person for person in people if handle_by(person) == handle]:
            return matches
    return []


def _email(person: User) -> str:
    return person.email.casefold()


def _local_part(person: User) -> str:
    return _email(person).split("@")[0]


def _first_name(person: User) -> str:
    return "".join(person.first_name.split()).casefold()
