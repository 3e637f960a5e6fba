"""Log-in with the password of a directory.

The entry is looked up by the bind name, the attempt is counted here, and only then is the password
passed on: the directory would lock the account after a few wrong ones, for every other use, too.
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TypeVar
from uuid import uuid4

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from ldap3.utils.conv import escape_filter_chars

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.core.clean_text import clean_address
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.core.errors import BadInputError
from appliance.directory import planning, queries
from appliance.directory.connection import LOGIN_SECONDS, Session, open_session
from appliance.directory.entries import Entry, parse_person, person_attributes
from appliance.directory.errors import DirectoryError, UnavailableError
from appliance.directory.groups import list_mappings_of
from appliance.directory.models import BindAttempt, Directory, GroupMapping
from appliance.directory.presets import Attribute
from appliance.directory.services import people
from appliance.directory.services.directories import record_answer, record_problem
from appliance.directory.snapshot import Snapshot

T = TypeVar("T")
ATTEMPT_WINDOW = timedelta(minutes=30)  # Windows domains commonly count as long
MAX_MATCHES = 2  # more than one is nobody
_pool = DeadlineExecutor("directory", threads=16)


@dataclass(frozen=True)
class _Match:
    """An entry for a log-in name, in an open session; ``mapping_ids`` is None if not known."""

    directory: Directory
    session: Session
    mappings: Collection[GroupMapping]
    entry: Entry
    mapping_ids: set[int] | None


def log_in(*, name: str, password: str) -> User | None:
    """Return the user whom a directory knows by this name and password; None for anybody else.

    Creates user and customer at the first log-in. Raises BadInputError with a plain sentence where
    the password cannot be checked.
    """
    name = clean_address(name).strip()
    if not name or not password:  # a bind without a password always succeeds
        return None
    local_user = accounts_queries.find_user(email=name)
    if local_user and not local_user.is_from_directory:
        return None
    candidates = _directories_for(name, local_user)
    matches: list[_Match] = []
    try:
        is_down = not _collect(candidates, password, matches)
        if len(matches) == 1:
            return _check_password(matches[0], password)
    finally:
        for match in matches:
            match.session.close()
    if is_down and not matches:
        raise _unavailable_error(candidates[0][0])
    return None


def _directories_for(name: str, user: User | None) -> list[tuple[Directory, str]]:
    """Return the directories that may know the name, each with the name to look for.

    An address is looked up where it belongs, a name as ``DOMAIN\\name`` in the directory of that
    name, any other one everywhere.
    """
    directories = queries.list_active_directories()
    if user and (link := queries.find_link_of(user)):
        directories = [directory for directory in directories if directory == link.directory]
    elif "@" in name:
        directories = [directory for directory in directories if directory.is_responsible_for(name)]
    elif "\\" in name:
        prefix, _separator, name = name.partition("\\")
        named = [row for row in directories if row.name.lower() == prefix.lower()]
        directories = named or [row for row in directories if row.domain_name == prefix.lower()]
    return [(directory, name) for directory in directories]


def _collect(
    candidates: Sequence[tuple[Directory, str]], password: str, matches: list[_Match]
) -> bool:
    """Add the entries for the name to ``matches``; return whether every directory answered."""
    is_complete = True
    for directory, name in candidates:
        mappings = list(directory.mappings.prefetch_related("teams"))
        seconds = LOGIN_SECONDS / len(candidates)

        def find(
            directory: Directory = directory,
            name: str = name,
            mappings: Collection[GroupMapping] = mappings,
            seconds: float = seconds,
        ) -> list[_Match]:
            return _find(directory, name, mappings, password, seconds)

        try:
            matches += _run(find, seconds=seconds, on_late_result=_close_all)
        except DirectoryError as error:
            record_problem(directory, error)
            is_complete = False
        else:
            if directory.failing_since:
                record_answer(directory)
    return is_complete


def _find(
    directory: Directory,
    name: str,
    mappings: Collection[GroupMapping],
    password: str,
    seconds: float,
) -> list[_Match]:
    """Look a name up. Without a match a bind that fails takes as long as a wrong password."""
    session = open_session(directory, seconds=seconds)
    try:
        results = session.search(
            directory.base_dn, _name_filter(directory, name), person_attributes(directory)
        )
        entries = [parse_person(directory, result) for result in islice(results, MAX_MATCHES)]
        entries = [entry for entry in entries if entry.id and not entry.is_disabled]
        if len(entries) == 1:
            ids = list_mappings_of(session, entries[0], mappings)
            return [_Match(directory, session, mappings, entries[0], ids)]
        session.is_password_of(f"cn={uuid4()},{directory.base_dn}", password)
    except BaseException:
        session.close()
        raise
    session.close()
    return []


def _name_filter(directory: Directory, name: str) -> str:
    attributes = [directory.attribute(Attribute.LOGIN_NAME), *directory.preset.login_attributes]
    if "@" in name:
        attributes.append(directory.attribute(Attribute.EMAIL))
    value = escape_filter_chars(name)
    names = "".join(f"({attribute}={value})" for attribute in attributes)
    return f"(&{directory.person_filter}(|{names}))"


def _check_password(match: _Match, password: str) -> User | None:
    """Count the attempt, ask the directory, and take over what it says of the person."""
    attempt = _count_attempt(match)
    if attempt is None:
        return None
    started_at = time.monotonic()
    try:
        is_right = _run(
            lambda: match.session.is_password_of(match.entry.dn, password), seconds=LOGIN_SECONDS
        )
    except DirectoryError as error:
        record_problem(match.directory, error)
        if time.monotonic() - started_at < LOGIN_SECONDS:  # it broke before the password got there
            attempt.delete()
        raise _unavailable_error(match.directory) from error
    if match.session.has_expired_password():
        raise BadInputError(
            _("Your password has expired. Change it at your computer, then sign in here.")
        )
    if not is_right:
        return None
    _attempts_on(match).delete()
    return _take_over(match)


def _count_attempt(match: _Match) -> BindAttempt | None:
    """Store an attempt before it is made; None beyond the limit, which keeps nobody out longer."""
    attempt = BindAttempt.objects.create(directory=match.directory, entry_id=match.entry.id)
    since = timezone.now() - ATTEMPT_WINDOW
    if _attempts_on(match).filter(at__gt=since).count() <= match.directory.max_failed_logins:
        return attempt
    attempt.delete()
    return None


def _attempts_on(match: _Match) -> QuerySet[BindAttempt]:
    return BindAttempt.objects.filter(directory=match.directory, entry_id=match.entry.id)


def _take_over(match: _Match) -> User | None:
    """Bring user and customer up to date and return the user, unless they may not sign in."""
    entry = match.entry
    members = None
    if match.mapping_ids is not None:
        members = {
            mapping.pk: {entry.id} if mapping.pk in match.mapping_ids else set()
            for mapping in match.mappings
        }
    snapshot = Snapshot(match.directory, match.mappings, {entry.id: entry}, members)
    access = snapshot.access_of(entry.id)
    people.save_people(match.directory, [entry], access={entry.id: access}, signs_in=True)
    people.save_access(planning.plan_access(snapshot, only=[entry.id]))
    link = queries.find_link(match.directory, entry.id)
    return link.user if link and link.user and link.user.is_active else None


def _run(
    call: Callable[[], T],
    *,
    seconds: float,
    on_late_result: Callable[[T], object] | None = None,
) -> T:
    """Return what ``call`` does; a directory that hangs holds no request up for longer."""
    try:
        return _pool.run(call, seconds=seconds, on_late_result=on_late_result)
    except BusyError as error:
        raise UnavailableError("busy") from error
    except TimeoutError as error:
        raise UnavailableError("deadline") from error


def _close_all(matches: Iterable[_Match]) -> None:
    for match in matches:
        match.session.close()


def _unavailable_error(directory: Directory) -> BadInputError:
    return BadInputError(
        _(
            "The directory %(name)s does not answer, so that your password cannot be checked. Try "
            "again in a few minutes, or call the help desk."
        )
        % {"name": directory}
    )
