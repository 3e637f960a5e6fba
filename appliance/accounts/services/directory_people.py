"""Writes to people who come from a directory, many at once. ``directory`` decides what they are.

Nobody is named as the author but the system: the directory's own log says who changed it there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Model, Q
from django.utils import timezone

from appliance.accounts.models import Customer, Invitation, Membership, Role, Team, User
from appliance.accounts.services import customers as customer_services
from appliance.accounts.services.access import publish_lost_access
from appliance.core import audit, cache

CONTACT_FIELDS = (
    "email",
    "first_name",
    "last_name",
    "phone",
    "mobile",
    "room",
    "department",
    "staff_number",
)
USER_FIELDS = ("email", "first_name", "last_name")
TAKEN_OVER_FIELDS = {"password", "session_epoch", "email_confirmed_at"}
BATCH_ROWS = 500
Change = tuple[Model, str, dict]  # for the audit log: subject, verb, data


@dataclass
class DirectoryPerson:
    """What a directory says of a person, and their records here, if there are any yet.

    ``customer`` and ``user`` must be locked. ``needs_user`` creates a user where there is none.
    """

    contact: Mapping[str, str]  # CONTACT_FIELDS
    customer: Customer | None = None
    user: User | None = None
    needs_user: bool = False
    role: Role = Role.CUSTOMER

    def customer_changes(self) -> dict[str, Any]:
        """Return the fields of the customer that differ; all of them of a new one."""
        values: dict[str, Any] = {**self.contact, "is_from_directory": True}
        return _differences(self.customer, values)

    def user_changes(self) -> dict[str, Any]:
        """Return the fields of the user that differ."""
        values: dict[str, Any] = {name: self.contact[name] for name in USER_FIELDS}
        return _differences(self.user, values | {"is_from_directory": True})


@dataclass(frozen=True)
class AccessChange:
    """What a user of a directory may do from now on; None changes nothing."""

    user: User
    role: Role | None = None
    is_active: bool | None = None
    joins: Collection[int] = field(default=())  # ids of teams
    leaves: Collection[int] = field(default=())


@transaction.atomic
def save_directory_people(people: Sequence[DirectoryPerson]) -> None:
    """Create and change customers and users; each person has their records afterwards.

    A user who had a password here has none any more, and their sessions end. Raises IntegrityError
    where an address was taken meanwhile.
    """
    _save_users(people)
    _save_customers(people)
    cache.invalidate(cache.TEAMS, cache.TICKETS)


@transaction.atomic
def change_directory_access(changes: Sequence[AccessChange]) -> list[User]:
    """Change roles, activity and memberships; sessions of whoever loses something end.

    Returns the users left as they are, because no other administrator would remain.
    """
    changes, refused = _spare_last_admin(changes)
    if not changes:
        return refused
    _save_access(changes)
    _save_memberships(changes)
    cache.invalidate(cache.TEAMS, cache.TICKETS)
    publish_lost_access(by=None)
    return refused


@transaction.atomic
def set_managers(managers: Mapping[int, int | None]) -> int:
    """Set the manager of customers, both by id; return how many differ."""
    rows = Customer.objects.select_for_update().filter(pk__in=managers)
    changed = [row for row in rows if row.manager_id != managers[row.pk]]
    entries: list[Change] = []
    for customer in changed:
        before, customer.manager_id = customer.manager_id, managers[customer.pk]
        if before:  # the first one belongs to the record of how the customer came here
            data = {"manager": {"from": before, "to": customer.manager_id}}
            entries.append((customer, "changed", data))
    Customer.objects.bulk_update(changed, ["manager"], batch_size=BATCH_ROWS)
    audit.record_changes(entries)
    return len(changed)


@transaction.atomic
def release_directory_people(*, users: Iterable[int] = (), customers: Iterable[int] = ()) -> None:
    """Let people be edited here again. Their users get in with an invitation only."""
    for user in User.objects.select_for_update(no_key=True).filter(pk__in=users):
        user.is_from_directory = False
        user.session_epoch += 1
        user.save(update_fields=["is_from_directory", "session_epoch"])
    Customer.objects.filter(pk__in=customers).update(is_from_directory=False)


def is_last_local_admin(user: User) -> bool:
    """Return whether this is the only admin who can sign in while every directory is down."""
    admins = User.objects.filter(role=Role.ADMIN, is_active=True, is_from_directory=False)
    local = admins.exclude(password__startswith="!")  # noqa: S106  Django's mark of none
    return local.filter(pk=user.pk).exists() and not local.exclude(pk=user.pk).exists()


def _save_users(people: Sequence[DirectoryPerson]) -> None:
    new, changed = [], []
    names: set[str] = set()
    entries: list[Change] = []
    for person in people:
        if person.user is None and person.needs_user:
            person.user = _build_user(person)
            new.append(person.user)
            entries.append((person.user, "added", {"role": str(person.role)}))
        elif person.user and (changes := person.user_changes()):
            data = audit.field_changes(_values(person.user, changes), changes)
            _set_values(person.user, changes)
            names |= changes.keys()
            if "is_from_directory" in changes:
                _take_over(person.user)
                names |= TAKEN_OVER_FIELDS
            changed.append(person.user)
            entries.append((person.user, "changed", data))
    User.objects.bulk_create(new, batch_size=BATCH_ROWS)
    _update_rows(User, changed, names)
    audit.record_changes(entries)


def _build_user(person: DirectoryPerson) -> User:
    user = User(role=person.role, is_from_directory=True, email_confirmed_at=timezone.now())
    _set_values(user, {name: person.contact[name] for name in USER_FIELDS})
    user.set_unusable_password()
    return user


def _take_over(user: User) -> None:
    """Let the directory alone decide who this is: no password, no session, no link of ours."""
    user.set_unusable_password()
    user.session_epoch += 1
    user.email_confirmed_at = user.email_confirmed_at or timezone.now()
    Invitation.objects.filter(person=user).delete()


def _save_customers(people: Sequence[DirectoryPerson]) -> None:
    new, changed = [], []
    names: set[str] = set()
    entries: list[Change] = []
    for person in people:
        if person.customer is None:
            person.customer = Customer(user=person.user)
            _set_values(person.customer, person.customer_changes())
            new.append(person.customer)
            entries.append((person.customer, "added", {}))
            continue
        changes = person.customer_changes()
        if person.user and person.customer.user_id != person.user.pk:
            _absorb_own_customer(person.user, person.customer)
            changes["user"] = person.user
        if changes:
            data = audit.field_changes(_values(person.customer, changes), changes)
            _set_values(person.customer, changes)
            names |= changes.keys()
            changed.append(person.customer)
            entries.append((person.customer, "changed", data))
    Customer.objects.bulk_create(new, batch_size=BATCH_ROWS)
    _update_rows(Customer, changed, names)
    audit.record_changes(entries)


def _absorb_own_customer(user: User, customer: Customer) -> None:
    """Merge the record that a user has already into the customer of the directory's entry."""
    own = Customer.objects.select_for_update().filter(user=user).exclude(pk=customer.pk).first()
    if own:
        customer_services.absorb_customer(source=own, target=customer, by=None)


def _spare_last_admin(
    changes: Sequence[AccessChange],
) -> tuple[list[AccessChange], list[User]]:
    """Leave out one change where all admins would be gone. Locks the admins."""
    admins = User.objects.select_for_update(no_key=True).filter(role=Role.ADMIN, is_active=True)
    remaining = {admin.pk for admin in admins.order_by("pk")}
    losing = [
        change
        for change in changes
        if change.user.pk in remaining
        and (change.is_active is False or change.role not in (None, Role.ADMIN))
    ]
    if not losing or remaining - {change.user.pk for change in losing}:
        return list(changes), []
    return [change for change in changes if change != losing[0]], [losing[0].user]


def _save_access(changes: Sequence[AccessChange]) -> None:
    users = User.objects.select_for_update(no_key=True)
    rows = users.in_bulk([change.user.pk for change in changes])
    changed = []
    entries: list[Change] = []
    for change in changes:
        user = rows[change.user.pk]
        if change.role is not None and change.role != user.role:
            data = audit.field_changes({"role": user.role}, {"role": change.role})
            entries.append((user, "changed", data))
            user.role = change.role
            user.session_epoch += 1
            changed.append(user)
        if change.is_active is not None and change.is_active != user.is_active:
            verb = "reactivated" if change.is_active else "deactivated"
            entries.append((user, verb, {}))
            user.is_active = change.is_active
            user.session_epoch += 1
            changed.append(user)
    fields = ["role", "is_active", "session_epoch"]
    User.objects.bulk_update(dict.fromkeys(changed), fields, batch_size=BATCH_ROWS)
    inactive = [user.pk for user in changed if not user.is_active]
    Invitation.objects.filter(person__in=inactive).delete()
    audit.record_changes(entries)


def _save_memberships(changes: Sequence[AccessChange]) -> None:
    left, joined = Q(), []
    for change in changes:
        if change.leaves:
            left |= Q(user=change.user.pk, team__in=change.leaves)
        joined += [Membership(user_id=change.user.pk, team_id=team) for team in change.joins]
    if left:
        Membership.objects.filter(left).delete()
    Membership.objects.bulk_create(joined, batch_size=BATCH_ROWS, ignore_conflicts=True)
    audit.record_changes(_membership_entries(changes))


def _membership_entries(changes: Sequence[AccessChange]) -> list[Change]:
    """Return an audit entry for each team, as ``teams.change_team`` records it."""
    teams = Team.objects.in_bulk(
        {pk for change in changes for pk in (*change.joins, *change.leaves)}
    )
    return [
        (
            team,
            "changed",
            {
                "added": [str(change.user) for change in changes if team.pk in change.joins],
                "removed": [str(change.user) for change in changes if team.pk in change.leaves],
            },
        )
        for team in teams.values()
    ]


def _update_rows(model: type[Model], rows: Sequence[Model], names: set[str]) -> None:
    """Write the columns that differ in any of the rows."""
    if rows:
        model._default_manager.bulk_update(rows, sorted(names), batch_size=BATCH_ROWS)


def _differences(row: Model | None, values: Mapping[str, Any]) -> dict[str, Any]:
    if row is None:
        return dict(values)
    return {name: value for name, value in values.items() if getattr(row, name) != value}


def _values(row: Model, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _set_values(row: Model, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
