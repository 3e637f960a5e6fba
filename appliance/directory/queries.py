"""Reads of directories, scoped to admins where somebody looks at them."""

from django.db.models import Count, QuerySet
from django.http import Http404

from appliance.accounts.models import Customer, Role, User
from appliance.directory.models import Directory, DirectoryLink, GroupMapping, SyncRun

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


def find_link(directory: Directory, entry_id: str) -> DirectoryLink | None:
    """Return the link of an entry, with its user."""
    links = DirectoryLink.objects.select_related("user")
    return links.filter(directory=directory, entry_id=entry_id).first()


def is_role_decided_by(directory: Directory) -> bool:
    """Return whether groups of the directory decide about roles and teams."""
    return directory.mappings.exists()
