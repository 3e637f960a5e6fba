"""Try a directory out: what works, what does not, and how one person would be taken over."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from ldap3.utils.conv import escape_filter_chars

from appliance.accounts.models import Role
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.directory import texts
from appliance.directory.connection import Session, open_session
from appliance.directory.entries import Entry, parse_person, person_attributes
from appliance.directory.errors import DirectoryError
from appliance.directory.groups import list_mappings_of
from appliance.directory.models import Directory, GroupMapping
from appliance.directory.presets import Attribute
from appliance.directory.snapshot import decide_access, unknown_access

T = TypeVar("T")
MAX_SECONDS = 12  # of the whole page
SERVER_SECONDS = 4
MAX_COUNTED = 1000
MAX_PEOPLE = 5  # shown for one name
_pool = DeadlineExecutor("directory test", threads=2)


@dataclass(frozen=True)
class Step:
    """One thing that was tried; ``text`` says what was seen or what is wrong."""

    title: str
    text: str
    is_ok: bool


@dataclass(frozen=True)
class Person:
    """One entry as it would be taken over: label, attribute there and value of each line."""

    entry: Entry
    lines: Sequence[tuple[str, str, str]]
    access: str
    problem: str


@dataclass
class Report:
    steps: list[Step] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        return all(step.is_ok for step in self.steps)

    def attempt(self, title: str, call: Callable[[], tuple[str, T]]) -> T | None:
        """Add a step: what ``call`` says, or what is wrong; return its second value."""
        try:
            text, value = call()
        except DirectoryError as error:
            self.steps.append(Step(title, texts.describe(error.as_json()), is_ok=False))
            return None
        self.steps.append(Step(title, text, is_ok=True))
        return value


def examine(directory: Directory, name: str) -> Report:
    """Try every server, the search, the groups, and the person of this name, if one is given."""
    mappings = list(directory.mappings.prefetch_related("teams"))
    report = Report()
    try:
        _pool.run(lambda: _examine(report, directory, mappings, name), seconds=MAX_SECONDS)
    except (TimeoutError, BusyError):
        report.steps.append(Step(_("Test"), texts.describe({"code": "deadline"}), is_ok=False))
    return report


def _examine(
    report: Report, directory: Directory, mappings: Collection[GroupMapping], name: str
) -> None:
    sessions = []
    for host in directory.servers:
        session = report.attempt(host, partial(_try_server, directory, host))
        if session:
            sessions.append(session)
    try:
        if sessions:
            _examine_content(report, sessions[0], mappings, name)
    finally:
        for session in sessions:
            session.close()


def _examine_content(
    report: Report, session: Session, mappings: Collection[GroupMapping], name: str
) -> None:
    report.attempt(_("People"), lambda: _count_people(session))
    for mapping in mappings:
        title = _("Group %(name)s") % {"name": mapping.group_dn}
        report.attempt(title, partial(_try_group, session, mapping))
    if name:
        people = report.attempt(
            _("Person %(name)s") % {"name": name},
            lambda: _find_people(session, mappings, name),
        )
        report.people = people or []


def _try_server(directory: Directory, host: str) -> tuple[str, Session]:
    only = Directory(**{f.attname: getattr(directory, f.attname) for f in Directory._meta.fields})
    only.servers = [host]
    session = open_session(only, seconds=SERVER_SECONDS)
    session.directory = directory
    if session.certificate is None:
        return _("answers and accepts the bind name; the connection is not encrypted"), session
    text = _(
        "answers over TLS and accepts the bind name; certificate of %(issuer)s until %(until)s"
    )
    return text % {
        "issuer": session.certificate.issuer.rfc4514_string(),
        "until": session.certificate.not_valid_after_utc.date().isoformat(),
    }, session


def _count_people(session: Session) -> tuple[str, int]:
    directory = session.directory
    results = session.search(directory.base_dn, directory.person_filter)
    count = sum(1 for _result in islice(results, MAX_COUNTED))
    if count == 0:
        raise DirectoryError("nobody")
    if count == MAX_COUNTED:
        return _("%(count)d or more") % {"count": count}, count
    return ngettext("%(count)d person", "%(count)d people", count) % {"count": count}, count


def _try_group(session: Session, mapping: GroupMapping) -> tuple[str, bool]:
    if session.read(mapping.group_dn) is None:
        raise DirectoryError("group_missing", dn=mapping.group_dn)
    return _("exists"), True


def _find_people(
    session: Session, mappings: Collection[GroupMapping], name: str
) -> tuple[str, list[Person]]:
    directory = session.directory
    results = islice(
        session.search(
            directory.base_dn, _any_name_filter(directory, name), person_attributes(directory)
        ),
        MAX_PEOPLE,
    )
    entries = [parse_person(directory, result) for result in results]
    if not entries:
        raise DirectoryError("person_not_there")
    people = [_describe(session, mappings, entry) for entry in entries]
    return ngettext("%(count)d entry", "%(count)d entries", len(people)) % {
        "count": len(people)
    }, people


def _any_name_filter(directory: Directory, name: str) -> str:
    """Return a filter for a login name, an address, or a part of a name."""
    value = escape_filter_chars(name.strip())
    attributes = [
        directory.attribute(Attribute.LOGIN_NAME),
        directory.attribute(Attribute.EMAIL),
        *directory.preset.login_attributes,
    ]
    exact = "".join(f"({attribute}={value})" for attribute in attributes)
    words = "".join(
        f"(|(cn=*{word}*)(displayName=*{word}*))" for word in map(escape_filter_chars, name.split())
    )
    return f"(&{directory.person_filter}(|{exact}(&{words})))"


def _describe(session: Session, mappings: Collection[GroupMapping], entry: Entry) -> Person:
    directory = session.directory
    values = {
        Attribute.ID: entry.id,
        Attribute.MANAGER: entry.manager_dn,
    }
    lines = [
        (
            str(attribute.label),
            directory.attribute(attribute),
            str(values.get(attribute) or getattr(entry, attribute, "")),
        )
        for attribute in Attribute
    ]
    ids = list_mappings_of(session, entry, mappings)
    access = unknown_access(directory) if ids is None else decide_access(directory, mappings, ids)
    problem = texts.describe({"code": entry.problem, "email": entry.email} if entry.problem else {})
    return Person(entry, lines, _describe_access(entry, access.role, access.may_sign_in), problem)


def _describe_access(entry: Entry, role: str | None, may_sign_in: bool | None) -> str:
    if entry.is_disabled:
        return _("disabled in the directory: cannot sign in")
    if may_sign_in is False:
        return _("is in none of the groups: cannot sign in")
    return _("can sign in; role: %(role)s") % {"role": Role(role or Role.CUSTOMER).label}
