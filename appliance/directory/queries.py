"""Reads of directories, scoped to admins where somebody looks at them."""

from datetime import timedelta

from django.db.models import Count, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer, Role, User
from appliance.core import cache
from appliance.directory import texts
from appliance.directory.entries import taken_over_fields
from appliance.directory.models import Directory, DirectoryLink, GroupMapping, SyncRun

FAILING_TOO_LONG = timedelta(minutes=15)
CACHED_SECONDS = 30
MAX_RUNS = 15  # listed beside a directory


def list_directories(viewer: User) -> QuerySet[Directory]:
    """Return the directories with ``people_count``, by name; to anybody but admins none."""
    if not viewer.is_admin:
        return Directory.objects.none()
    return Directory.objects.annotate(people_count=Count("links")).order_by("name", "pk")


def access_directory(viewer: User, directory_id: int) -> Directory:
    """Return the directory, for admins; raises Http404 to everybody else."""
    directory = list_directories(viewer).filter(pk=directory_id).first()
    if directory is None:
        raise Http404
    return directory


def access_mapping(viewer: User, mapping_id: int) -> GroupMapping:
    """Return what a group means, for admins; raises Http404 to everybody else."""
    mappings = GroupMapping.objects.select_related("directory")
    mapping = mappings.filter(pk=mapping_id).first() if viewer.is_admin else None
    if mapping is None:
        raise Http404
    return mapping


def access_run(viewer: User, run_id: int) -> SyncRun:
    """Return a sync with its directory, for admins; raises Http404 to everybody else."""
    runs = SyncRun.objects.select_related("directory", "started_by")
    run = runs.filter(pk=run_id).first() if viewer.is_admin else None
    if run is None:
        raise Http404
    return run


def list_runs(directory: Directory) -> QuerySet[SyncRun]:
    """Return the latest syncs of a directory, newest first."""
    return directory.runs.select_related("started_by").defer("rows")[:MAX_RUNS]


def list_active_directories() -> list[Directory]:
    """Return the directories that are switched on, by name."""
    return list(Directory.objects.filter(is_active=True))


def has_active_directory() -> bool:
    """Return whether people can sign in with the password of a directory."""
    return Directory.objects.filter(is_active=True).exists()


def list_admins() -> QuerySet[User]:
    """Return the active admins."""
    return User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk")


def find_link_of(person: User | Customer) -> DirectoryLink | None:
    """Return the entry that a user or customer comes from, with its directory."""
    links = DirectoryLink.objects.select_related("directory")
    if isinstance(person, User):
        return links.filter(user=person).first()
    return links.filter(customer=person).first()


def list_decided_fields(person: User | Customer) -> set[str]:
    """Return the fields of a user or customer that the directory decides about."""
    if not person.is_from_directory or (link := find_link_of(person)) is None:
        return set()
    names = {"email", "first_name", "last_name"}
    if isinstance(person, User):
        return names | ({"role"} if link.directory.mappings.exists() else set())
    return names | set(taken_over_fields(link.directory))


def list_problems() -> list[str]:
    """Return what an admin has to mend, one sentence each; cached for half a minute."""
    return cache.get_or_compute(
        "directory_problems", [get_language()], _list_problems, seconds=CACHED_SECONDS
    )


def _list_problems() -> list[str]:
    problems = [
        _("The directory %(name)s does not answer: %(problem)s")
        % {"name": directory, "problem": texts.describe(directory.problem)}
        for directory in list_failing_directories()
    ]
    for directory in list_active_directories():
        latest = directory.runs.filter(kind=SyncRun.Kind.FULL).first()
        if latest and latest.state == SyncRun.State.HELD:
            text = _("The sync with %(name)s was stopped: %(problem)s")
            problem = texts.describe(latest.problem)
            problems.append(text % {"name": directory, "problem": problem})
    return problems


def list_failing_directories() -> list[Directory]:
    """Return the active directories that have not answered for a quarter of an hour."""
    since = timezone.now() - FAILING_TOO_LONG
    return list(Directory.objects.filter(is_active=True, failing_since__lt=since))


def find_link(directory: Directory, entry_id: str) -> DirectoryLink | None:
    """Return the link of an entry, with its user."""
    links = DirectoryLink.objects.select_related("user")
    return links.filter(directory=directory, entry_id=entry_id).first()
