"""Writes to directories and what their groups mean, and whether they answer."""

import logging
from collections.abc import Collection, Iterable

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Role, Team, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core import queries as core_queries
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError
from appliance.directory import queries, texts
from appliance.directory.errors import DirectoryError
from appliance.directory.models import Directory, DirectoryLink, GroupMapping, SyncRun
from appliance.notifications import services as notifications_services

# Whoever could change these could have the password sent to a server of theirs.
PASSWORD_FIELDS = ("servers", "port", "security", "ca_certificate", "bind_dn")
_log = logging.getLogger(__name__)


@transaction.atomic
def add_directory(*, by: User, bind_password: str = "", **values: object) -> Directory:
    """Add a directory; raises BadInputError when the name is taken."""
    require_admin(by)
    directory = Directory(bind_password=bind_password, **values)
    try:
        with transaction.atomic():
            directory.save(force_insert=True)
    except IntegrityError as error:
        raise _name_taken_error(directory.name) from error
    audit.record_change(by=by, verb="added", subject=directory)
    return directory


@transaction.atomic
def change_directory(
    *, directory: Directory, by: User, bind_password: str = "", **values: object
) -> None:
    """Change a directory. An empty password keeps the one that is stored.

    Raises BadInputError without the password where it would be sent to another server.
    """
    require_admin(by)
    locked = Directory.objects.select_for_update().get(pk=directory.pk)
    is_redirected = any(
        name in values and getattr(locked, name) != values[name] for name in PASSWORD_FIELDS
    )
    if locked.bind_password and not bind_password and is_redirected:
        raise BadInputError(
            _("The connection has changed. Enter the password again, as it is sent there."),
            field="bind_password",
        )
    update_fields(locked, by=by, duplicate_error=_name_taken_error(values.get("name")), **values)
    if bind_password:
        locked.bind_password = bind_password
        locked.save(update_fields=["bind_password"])
        audit.record_change(
            by=by, verb="changed", subject=locked, data={"what": "password of the bind name"}
        )
    directory.refresh_from_db()


@transaction.atomic
def remove_directory(*, directory: Directory, by: User) -> None:
    """Remove a directory. Its users stay, signed out and without a password."""
    require_admin(by)
    links = DirectoryLink.objects.filter(directory=directory)
    accounts_services.release_directory_people(
        users=links.exclude(user=None).values_list("user", flat=True),
        customers=links.exclude(customer=None).values_list("customer", flat=True),
    )
    audit.record_change(by=by, verb="removed", subject=directory)
    directory.delete()


@transaction.atomic
def add_mapping(
    *, directory: Directory, by: User, group_dn: str, role: str, teams: Collection[Team]
) -> GroupMapping:
    """Give the members of a group a role and teams from the next sync on."""
    require_admin(by)
    if teams and role == Role.CUSTOMER:
        raise BadInputError(
            _("Only agents can be team members. Choose another role, or no team."), field="teams"
        )
    try:
        with transaction.atomic():
            mapping = GroupMapping.objects.create(
                directory=directory, group_dn=group_dn, role=Role(role)
            )
    except IntegrityError as error:
        raise BadInputError(
            _("This group is in the list already. Remove the other line first."), field="group_dn"
        ) from error
    mapping.teams.set(teams)
    data = {"group": group_dn, "mapped_role": role, "teams": [str(team) for team in teams]}
    audit.record_change(by=by, verb="changed", subject=directory, data=data)
    return mapping


@transaction.atomic
def remove_mapping(*, mapping: GroupMapping, by: User) -> None:
    """Remove what a group means; roles and teams follow with the next sync."""
    require_admin(by)
    data = {"group": {"from": mapping.group_dn, "to": None}}
    audit.record_change(by=by, verb="changed", subject=mapping.directory, data=data)
    mapping.delete()


@transaction.atomic
def forget_people(*, users: Iterable[User] = (), customers: Iterable[Customer] = ()) -> None:
    """Erase which entries they come from, also in the log: they are being anonymised."""
    links = DirectoryLink.objects.filter(Q(user__in=users) | Q(customer__in=customers))
    ids = set(links.values_list("entry_id", flat=True))
    if not ids:
        return
    for run in SyncRun.objects.filter(directory__links__in=links).distinct():
        run.rows = [row for row in run.rows if row.get("id") not in ids]
        run.save(update_fields=["rows"])
    links.delete()


def record_answer(directory: Directory) -> None:
    """Note that the directory answers."""
    Directory.objects.filter(pk=directory.pk).update(
        answered_at=timezone.now(), failing_since=None, alarmed_at=None, problem={}
    )


def record_problem(directory: Directory, error: DirectoryError) -> None:
    """Note that the directory cannot be used, and since when."""
    rows = Directory.objects.filter(pk=directory.pk)
    rows.filter(failing_since=None).update(failing_since=timezone.now())
    rows.update(problem=error.as_json())


def send_alarms() -> None:
    """Write to the admins once when a directory has not answered for a while."""
    for directory in queries.list_failing_directories():
        if directory.alarmed_at:
            continue
        _log.error("directory %s does not answer: %s", directory.name, directory.problem)
        _write_to_admins(directory)


@transaction.atomic
def _write_to_admins(directory: Directory) -> None:
    Directory.objects.filter(pk=directory.pk).update(alarmed_at=timezone.now())
    site = core_queries.site_settings()
    for admin in queries.list_admins():
        with translation.override(admin.language or site.language):
            subject = _("The directory %(name)s does not answer") % {"name": directory.name}
            body = _(
                "%(site)s has not reached the directory %(name)s for 15 minutes:\n\n%(problem)s\n\n"
                "Until it answers, people who sign in with its password cannot do so. Whoever is "
                "signed in stays signed in."
            ) % {
                "site": site.name,
                "name": directory.name,
                "problem": texts.describe(directory.problem),
            }
        notifications_services.queue_email(
            key=f"directory:{directory.pk}:{directory.failing_since}:{admin.pk}",
            to=admin.email,
            user=admin,
            subject=subject,
            body=body,
        )


def _name_taken_error(name: object) -> BadInputError:
    return BadInputError(
        _("A directory called %(name)s already exists. Choose another name.") % {"name": name},
        field="name",
    )
