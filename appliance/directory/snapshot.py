"""What a directory says at one moment: its people, and who is in which mapped group."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from appliance.accounts.models import Role
from appliance.directory.connection import Session, connect
from appliance.directory.entries import (
    Entry,
    access_attributes,
    parse_access,
    parse_person,
    person_attributes,
)
from appliance.directory.groups import list_members, member_keys
from appliance.directory.models import DefaultAccess, Directory, GroupMapping
from appliance.directory.presets import Attribute

RANKS = {Role.CUSTOMER: 0, Role.AGENT: 1, Role.ADMIN: 2}


@dataclass(frozen=True)
class Access:
    """What the groups of a person let them do here; None leaves it as it is."""

    role: Role | None
    teams: frozenset[int] | None
    may_sign_in: bool | None


@dataclass(frozen=True)
class Snapshot:
    """All people of a directory. ``members`` is None where a mapped group does not exist."""

    directory: Directory
    mappings: Collection[GroupMapping]
    entries: Mapping[str, Entry]  # by id
    members: Mapping[int, set[str]] | None  # ids of people by the id of a mapping
    problems: list[dict[str, str | int]] = field(default_factory=list)

    def access_of(self, entry_id: str) -> Access:
        if self.members is None:
            return unknown_access(self.directory)
        mapping_ids = {pk for pk, ids in self.members.items() if entry_id in ids}
        return decide_access(self.directory, self.mappings, mapping_ids)

    def repeated_emails(self) -> frozenset[str]:
        """Return the addresses of several people who are not disabled."""
        emails = Counter(
            entry.email
            for entry in self.entries.values()
            if entry.email and not entry.problem and not entry.is_disabled
        )
        return frozenset(email for email, count in emails.items() if count > 1)


def unknown_access(directory: Directory) -> Access:
    """Return what holds while a mapped group cannot be read: roles and teams stay."""
    is_open = directory.default_access == DefaultAccess.CUSTOMER
    return Access(None, None, True if is_open else None)


def decide_access(
    directory: Directory, mappings: Collection[GroupMapping], mapping_ids: Collection[int]
) -> Access:
    """Return what somebody in the groups of ``mapping_ids`` may do.

    Of several roles the highest counts. Without mappings, roles and teams are decided here.
    """
    own = [mapping for mapping in mappings if mapping.pk in mapping_ids]
    may_sign_in = bool(own) or directory.default_access == DefaultAccess.CUSTOMER
    if not mappings:
        return Access(None, None, may_sign_in)
    role = max(
        (Role(mapping.role) for mapping in own), key=RANKS.__getitem__, default=Role.CUSTOMER
    )
    teams = {team.pk for mapping in own for team in mapping.teams.all()}
    return Access(role, frozenset(teams if role != Role.CUSTOMER else ()), may_sign_in)


def read_snapshot(directory: Directory, *, with_contacts: bool) -> Snapshot:
    """Read everybody; with names and addresses only if ``with_contacts``. Raises DirectoryError."""
    mappings = list(directory.mappings.prefetch_related("teams"))
    with connect(directory) as session:
        entries, problems = _read_entries(session, with_contacts=with_contacts)
        members, missing = _read_members(session, mappings, entries)
    return Snapshot(directory, mappings, entries, members, [*problems, *missing])


def _read_entries(
    session: Session, *, with_contacts: bool
) -> tuple[dict[str, Entry], list[dict[str, str | int]]]:
    directory = session.directory
    parse = parse_person if with_contacts else parse_access
    attributes = (person_attributes if with_contacts else access_attributes)(directory)
    entries: dict[str, Entry] = {}
    problems: list[dict[str, str | int]] = []
    for result in session.search(directory.base_dn, directory.person_filter, attributes):
        entry = parse(directory, result)
        if entry.id:
            entries[entry.id] = entry
        else:
            attribute = directory.attribute(Attribute.ID)
            problems.append({"code": "id_missing", "name": entry.name, "attribute": attribute})
    return entries, problems


def _read_members(
    session: Session, mappings: Collection[GroupMapping], entries: Mapping[str, Entry]
) -> tuple[dict[int, set[str]] | None, list[dict[str, str | int]]]:
    people = {key: entry.id for entry in entries.values() for key in member_keys(entry)}
    members = {mapping.pk: list_members(session, mapping, people) for mapping in mappings}
    problems: list[dict[str, str | int]] = [
        {"code": "group_missing", "name": mapping.group_dn, "dn": mapping.group_dn}
        for mapping in mappings
        if members[mapping.pk] is None
    ]
    if problems:
        return None, problems
    return {pk: ids for pk, ids in members.items() if ids is not None}, []
