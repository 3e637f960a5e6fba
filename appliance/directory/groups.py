"""Who belongs to a group, also through other groups."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ldap3.utils.conv import escape_filter_chars

from appliance.directory.connection import NO_ATTRIBUTES, SearchResult, Session
from appliance.directory.entries import Entry, normalise_dn, split_dn
from appliance.directory.errors import UnavailableError
from appliance.directory.models import GroupMapping

IN_CHAIN = "1.2.840.113556.1.4.1941"  # Active Directory follows groups in groups by this rule
MEMBER_ATTRIBUTES = ("member", "uniqueMember", "memberUid")
MAX_GROUPS = 1000  # walked through from one group or one person


def member_keys(entry: Entry) -> list[str]:
    """Return how groups name a person: by DN, or by login name in POSIX groups."""
    keys = [normalise_dn(entry.dn)]
    return [*keys, f"uid:{entry.login_name.lower()}"] if entry.login_name else keys


def list_members(
    session: Session, mapping: GroupMapping, people: Mapping[str, str]
) -> set[str] | None:
    """Return the ids of the people in a group; None if the group does not exist.

    ``people`` has the id of every person by each of their ``member_keys``.
    """
    group = session.read(mapping.group_dn, MEMBER_ATTRIBUTES)
    if group is None:
        return None
    if session.directory.preset.nests_by_rule:
        directory = session.directory
        search_filter = f"(&{directory.person_filter}{_in_chain(mapping.group_dn)})"
        dns = [result.dn for result in session.search(directory.base_dn, search_filter)]
        return {people[dn] for dn in map(normalise_dn, dns) if dn in people}
    return _walk_down(session, group, people)


def list_mappings_of(
    session: Session, entry: Entry, mappings: Collection[GroupMapping]
) -> set[int] | None:
    """Return the ids of the mappings a person belongs to; None if a group does not exist."""
    if any(session.read(mapping.group_dn) is None for mapping in mappings):
        return None
    if session.directory.preset.nests_by_rule:
        return {
            mapping.pk
            for mapping in mappings
            if session.read(entry.dn, NO_ATTRIBUTES, _in_chain(mapping.group_dn))
        }
    base = _common_base([session.directory.base_dn, *(mapping.group_dn for mapping in mappings)])
    groups = _walk_up(session, base, entry) if mappings else set()
    return {mapping.pk for mapping in mappings if normalise_dn(mapping.group_dn) in groups}


def _in_chain(group_dn: str) -> str:
    return f"(memberOf:{IN_CHAIN}:={escape_filter_chars(group_dn)})"


def _walk_down(session: Session, group: SearchResult, people: Mapping[str, str]) -> set[str]:
    """Follow the members of a group; whoever is no known person is read, as it may be a group."""
    ids: set[str] = set()
    seen = {normalise_dn(group.dn)}
    waiting, count = [group], 0
    while waiting:
        count = _count_group(count)
        for key, dn in _members(waiting.pop()):
            if key in people:
                ids.add(people[key])
            elif dn and key not in seen:
                seen.add(key)
                if nested := session.read(dn, MEMBER_ATTRIBUTES):
                    waiting.append(nested)
    return ids


def _members(group: SearchResult) -> Iterator[tuple[str, str]]:
    """Yield the key of each member and its DN, which is empty in a POSIX group."""
    for name in ("member", "uniquemember"):
        for value in group.attributes.get(name, ()):
            dn = value.decode(errors="replace")
            yield normalise_dn(dn), dn
    for value in group.attributes.get("memberuid", ()):
        yield f"uid:{value.decode(errors='replace').lower()}", ""


def _walk_up(session: Session, base: str, entry: Entry) -> set[str]:
    """Return the normalised DNs of all groups above a person."""
    groups: set[str] = set()
    login_name = escape_filter_chars(entry.login_name)
    filters = [*_has_member(entry.dn), f"(memberUid={login_name})" if login_name else ""]
    while filters:
        results = session.search(base, f"(|{''.join(filters)})")
        new = {normalise_dn(result.dn): result.dn for result in results}
        waiting = [dn for key, dn in new.items() if key not in groups]
        groups |= new.keys()
        _count_group(len(groups))
        filters = [part for dn in waiting for part in _has_member(dn)]
    return groups


def _has_member(dn: str) -> Sequence[str]:
    dn = escape_filter_chars(dn)
    return (f"(member={dn})", f"(uniqueMember={dn})")


def _count_group(count: int) -> int:
    """Return one more; raises UnavailableError rather than answer from a part of the groups."""
    if count >= MAX_GROUPS:
        raise UnavailableError("search_failed", reason=f"more than {MAX_GROUPS} nested groups")
    return count + 1


def _common_base(dns: Iterable[str]) -> str:
    """Return the DN that all of these lie below; the first of them if there is none."""
    first, *others = map(split_dn, dns)
    for start in range(len(first)):
        base = first[start:]
        normalised = normalise_dn(",".join(base))
        if all(normalise_dn(",".join(other)).endswith(normalised) for other in others):
            return ",".join(base)
    return ",".join(first)
