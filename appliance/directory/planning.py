"""What a sync would write: compare people of a directory with users and customers here.

Nothing here writes, so that a preview and a sync decide alike.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models.functions import Upper

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Membership, Role, User
from appliance.accounts.services import AccessChange, DirectoryPerson
from appliance.directory.entries import Entry, taken_over_fields
from appliance.directory.models import Directory, DirectoryLink
from appliance.directory.snapshot import RANKS, Access, Snapshot

MIN_LOSSES = 3  # so that a small directory may lose somebody without an admin
Problem = dict[str, str | int]


@dataclass
class PersonPlan:
    """What becomes of one entry; ``person`` is None if it is left out."""

    entry: Entry
    link: DirectoryLink | None
    person: DirectoryPerson | None = None
    problem: Problem = field(default_factory=dict)
    outcome: str = "left out"  # or "new", "linked", "changed", "unchanged"
    changed_fields: Sequence[str] = ()


@dataclass
class AccessPlan:
    """What changes for one link: its state, and what its user may do."""

    link: DirectoryLink
    state: DirectoryLink.State
    is_locked_out: bool
    change: AccessChange | None = None

    @property
    def is_of_staff(self) -> bool:
        return self.change is not None and self.change.user.is_agent

    @property
    def is_loss(self) -> bool:
        """Return whether somebody loses their account or role, or is no longer listed."""
        is_newly_missing = (
            self.state == DirectoryLink.State.MISSING
            and self.link.state == DirectoryLink.State.PRESENT
        )
        if self.change is None:
            return is_newly_missing
        role = self.change.role
        is_demoted = role is not None and RANKS[role] < RANKS[Role(self.change.user.role)]
        return is_newly_missing or self.change.is_active is False or is_demoted


@dataclass(frozen=True)
class _Records:
    """The records here that entries may belong to, by what they are looked up by."""

    links: Mapping[str, DirectoryLink]
    users: Mapping[str, User]  # by address
    customers: Mapping[str, Customer]  # by address
    own_customers: Mapping[int, Customer]  # by user
    linked_users: frozenset[int]
    linked_customers: frozenset[int]


def plan_people(
    directory: Directory,
    entries: Sequence[Entry],
    *,
    access: Mapping[str, Access],
    repeated_emails: Collection[str] = (),
    signs_in: bool = False,
) -> list[PersonPlan]:
    """Compare entries with the records here, which are locked; call inside a transaction.

    ``signs_in``: the people are about to sign in and need a user, whatever their role; only a sync
    links accounts that exist here.
    """
    records = _load_records(directory, entries)
    links_existing = directory.links_existing_accounts and not signs_in
    names = taken_over_fields(directory)
    plans = [
        _plan_person(entry, names, records, repeated_emails, links_existing=links_existing)
        for entry in entries
        if not (entry.is_disabled and entry.id not in records.links)
    ]
    for plan in plans:
        if plan.person:
            _decide_user(plan, plan.person, access[plan.entry.id], signs_in=signs_in)
            _conclude(plan, plan.person)
    return plans


def plan_access(snapshot: Snapshot, *, only: Collection[str] | None = None) -> list[AccessPlan]:
    """Return what changes for everybody who comes from the directory, or for ``only`` these ids."""
    links = DirectoryLink.objects.filter(directory=snapshot.directory)
    if only is not None:
        links = links.filter(entry_id__in=only)
    plans = []
    mapped_teams = {team.pk for mapping in snapshot.mappings for team in mapping.teams.all()}
    memberships: dict[int, set[int]] = {}
    rows = Membership.objects.filter(user__directory_link__in=links)
    for user_id, team_id in rows.values_list("user", "team"):
        memberships.setdefault(user_id, set()).add(team_id)
    for link in links.select_related("user", "customer").order_by("pk"):
        teams = memberships.get(link.user_id or 0, set()) & mapped_teams
        plan = _plan_link(link, snapshot, teams)
        if plan.change or plan.state != link.state or plan.is_locked_out != link.is_locked_out:
            plans.append(plan)
    return plans


def find_loss_problem(snapshot: Snapshot, plans: Iterable[AccessPlan]) -> Problem:
    """Return why an admin has to look first: too many people would lose their account or role.

    Agents and admins are counted among themselves as well: a wrong group takes few people, but all
    who answer tickets.
    """
    present = DirectoryLink.objects.filter(
        directory=snapshot.directory, state=DirectoryLink.State.PRESENT
    )
    total = present.count()
    if total and not snapshot.entries:
        return {"code": "empty_answer", "total": total}
    losses = [plan for plan in plans if plan.is_loss]
    staff = present.filter(user__is_active=True).exclude(user__role=Role.CUSTOMER).count()
    staff_losses = sum(plan.is_of_staff for plan in losses)
    percent = snapshot.directory.max_disabled_percent
    for count, number in ((len(losses), total), (staff_losses, staff)):
        if count > max(MIN_LOSSES, number * percent / 100):
            return {
                "code": "too_many_disabled",
                "count": count,
                "total": number,
                "percent": percent,
            }
    return {}


def _load_records(directory: Directory, entries: Sequence[Entry]) -> _Records:
    emails = {entry.email.upper() for entry in entries if entry.email}
    links = {
        link.entry_id: link
        for link in DirectoryLink.objects.filter(
            directory=directory, entry_id__in=[entry.id for entry in entries]
        )
        .select_related("user", "customer")
        .select_for_update(of=("self",))
    }
    users = list(
        User.objects.annotate(upper=Upper("email"))
        .filter(upper__in=emails)
        .select_for_update(no_key=True)
    )
    own = Customer.objects.filter(user__in=users)
    customers = [
        *Customer.objects.exclude(email="")
        .annotate(upper=Upper("email"))
        .filter(upper__in=emails)
        .select_related("user")
        .select_for_update(of=("self",)),
        *own.select_related("user").select_for_update(of=("self",)),
    ]
    claims = DirectoryLink.objects.all()
    return _Records(
        links=links,
        users={user.email.lower(): user for user in users},
        customers={customer.email.lower(): customer for customer in customers if customer.email},
        own_customers={customer.user_id: customer for customer in customers if customer.user_id},
        linked_users=_pks(claims.filter(user__in=users).values_list("user", flat=True)),
        linked_customers=_pks(
            claims.filter(customer__in=customers).values_list("customer", flat=True)
        ),
    )


def _pks(pks: Iterable[int | None]) -> frozenset[int]:
    return frozenset(pk for pk in pks if pk is not None)


def _plan_person(
    entry: Entry,
    names: Collection[str],
    records: _Records,
    repeated_emails: Collection[str],
    *,
    links_existing: bool,
) -> PersonPlan:
    link = records.links.get(entry.id)
    plan = PersonPlan(entry, link)
    user = link.user if link else None
    customer = link.customer if link else None
    email, plan.problem = _usable_email(entry, customer, repeated_emails)
    holder, record = records.users.get(email), records.customers.get(email)
    code = email and (
        (holder != user and _refuse_user(holder, user, records, links_existing=links_existing))
        or (record != customer and _refuse_customer(record, customer, (user, holder), records))
    )
    if code:
        plan.problem = {"code": code, "name": entry.name, "email": email}
        email = ""
    if link is None and plan.problem.get("code") not in (None, "email_missing", "email_invalid"):
        return plan
    user = user or records.users.get(email)
    customer = customer or records.customers.get(email)
    if customer is None and user:
        customer = records.own_customers.get(user.pk)
    known_email = user.email if user else customer.email if customer else ""
    contact = {
        "email": email or known_email,
        "first_name": entry.first_name or entry.login_name or entry.dn[:80],
        "last_name": entry.last_name,
        **{name: getattr(entry, name) for name in names},
    }
    plan.person = DirectoryPerson(contact=contact, customer=customer, user=user)
    return plan


def _usable_email(
    entry: Entry, customer: Customer | None, repeated_emails: Collection[str]
) -> tuple[str, Problem]:
    """Return the address, or none and why it cannot be used."""
    described: Problem = {"name": entry.name, "email": entry.email}
    if entry.problem:
        return "", {"code": entry.problem, **described}
    if entry.email in repeated_emails and not (customer and customer.email == entry.email):
        return "", {"code": "email_twice", **described}
    return entry.email, {}


def _refuse_user(
    holder: User | None, user: User | None, records: _Records, *, links_existing: bool
) -> str:
    """Return why the entry does not become this user, who has its address; empty if it may."""
    if holder is None:
        return ""
    if holder.pk in records.linked_users or holder.is_from_directory:
        return "other_directory"
    if user or not links_existing:
        return "local_account"
    return "last_local_admin" if accounts_services.is_last_local_admin(holder) else ""


def _refuse_customer(
    record: Customer | None,
    customer: Customer | None,
    users: Collection[User | None],
    records: _Records,
) -> str:
    """Return why the entry does not become this customer, who has its address; empty if it may."""
    if record is None:
        return ""
    if customer:
        return "email_taken"
    if record.pk in records.linked_customers:
        return "other_directory"
    return "local_account" if record.user and record.user not in users else ""


def _decide_user(
    plan: PersonPlan, person: DirectoryPerson, access: Access, *, signs_in: bool
) -> None:
    """Decide whether somebody without a user gets one, and with which role."""
    person.role = access.role or Role.CUSTOMER
    is_staff = person.role != Role.CUSTOMER
    person.needs_user = bool(
        person.user is None
        and plan.entry.email
        and not plan.problem
        and not plan.entry.is_disabled
        and access.may_sign_in
        and (is_staff or signs_in)
    )


def _conclude(plan: PersonPlan, person: DirectoryPerson) -> None:
    """Set what is reported: the outcome, and the names of what differs from the records here."""
    names = {*person.customer_changes()} if person.customer else set()
    if person.user:
        names |= {*person.user_changes()}
    elif person.needs_user:
        names.add("user")
    plan.changed_fields = sorted(names - {"is_from_directory"})
    if plan.link is None:
        plan.outcome = "linked" if person.customer or person.user else "new"
    else:
        plan.outcome = "changed" if names else "unchanged"


def _plan_link(link: DirectoryLink, snapshot: Snapshot, teams: set[int]) -> AccessPlan:
    entry = snapshot.entries.get(link.entry_id)
    state = DirectoryLink.State.MISSING if entry is None else DirectoryLink.State.PRESENT
    if entry and entry.is_disabled:
        state = DirectoryLink.State.DISABLED
    plan = AccessPlan(link, state, link.is_locked_out)
    if link.user and not link.user.anonymised_at:
        _plan_user(plan, link.user, snapshot.access_of(link.entry_id), teams)
    return plan


def _plan_user(plan: AccessPlan, user: User, access: Access, teams: set[int]) -> None:
    is_present = plan.state == DirectoryLink.State.PRESENT
    may_sign_in = is_present and access.may_sign_in is not False
    is_active = None
    if user.is_active and not may_sign_in:
        is_active, plan.is_locked_out = False, True
    elif not user.is_active and may_sign_in and plan.link.is_locked_out:
        is_active, plan.is_locked_out = True, False
    role = access.role if is_present and access.role != user.role else None
    target = access.teams if is_present and access.teams is not None else teams
    joins, leaves = sorted(target - teams), sorted(teams - target)
    if is_active is not None or role is not None or joins or leaves:
        plan.change = AccessChange(user, role, is_active, joins, leaves)
