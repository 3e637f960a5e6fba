"""Take over what a directory says: contacts in batches, then accounts, roles and teams."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.directory import planning
from appliance.directory.entries import Entry, normalise_dn
from appliance.directory.models import Directory, DirectoryLink
from appliance.directory.planning import AccessPlan, PersonPlan
from appliance.directory.snapshot import Access

MAX_ATTEMPTS = 3  # when somebody registers with the address of an entry at the same moment
BATCH_ROWS = 500


def save_people(
    directory: Directory,
    entries: Sequence[Entry],
    *,
    access: Mapping[str, Access],
    repeated_emails: Collection[str] = (),
    signs_in: bool = False,
) -> list[PersonPlan]:
    """Create and change the customers and users of entries, in one transaction."""
    attempts = range(MAX_ATTEMPTS, 0, -1)
    for remaining in attempts:
        try:
            with transaction.atomic():
                plans = planning.plan_people(
                    directory,
                    entries,
                    access=access,
                    repeated_emails=repeated_emails,
                    signs_in=signs_in,
                )
                _save(directory, [plan for plan in plans if plan.person])
                return plans
        except IntegrityError:
            if remaining == 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def save_access(plans: Sequence[AccessPlan]) -> list[User]:
    """Write roles, activity, teams and the state of the links.

    Returns the users left as they are, because no other administrator would remain.
    """
    if not plans:
        return []
    with transaction.atomic():
        changes = [plan.change for plan in plans if plan.change]
        spared = accounts_services.change_directory_access(changes)
        for plan in plans:
            plan.link.state = plan.state
            if plan.link.user not in spared:
                plan.link.is_locked_out = plan.is_locked_out
        links = [plan.link for plan in plans]
        DirectoryLink.objects.bulk_update(links, ["state", "is_locked_out"], batch_size=BATCH_ROWS)
        missing = [link.customer_id for link in links if link.state == DirectoryLink.State.MISSING]
        accounts_services.release_directory_people(customers=filter(None, missing))
    return spared


def save_managers(directory: Directory, entries: Iterable[Entry]) -> int:
    """Set the manager of every customer, also to none; return how many differ."""
    links = DirectoryLink.objects.filter(directory=directory).exclude(customer=None)
    customers = dict(links.values_list("entry_id", "customer"))
    entries = [entry for entry in entries if entry.id in customers]
    by_dn = {normalise_dn(entry.dn): customers[entry.id] for entry in entries}
    managers = {
        customers[entry.id]: by_dn.get(normalise_dn(entry.manager_dn)) if entry.manager_dn else None
        for entry in entries
    }
    return accounts_services.set_managers(managers)


def _save(directory: Directory, plans: Sequence[PersonPlan]) -> None:
    people = [plan.person for plan in plans if plan.person and plan.outcome != "unchanged"]
    accounts_services.save_directory_people(people)
    new: list[DirectoryLink] = []
    changed: list[DirectoryLink] = []
    for plan in plans:
        link = plan.link or DirectoryLink(directory=directory, entry_id=plan.entry.id)
        if _set_link(link, plan):
            (changed if link.pk else new).append(link)
    DirectoryLink.objects.bulk_create(new, batch_size=BATCH_ROWS)
    fields = ["dn", "login_name", "user", "customer"]
    DirectoryLink.objects.bulk_update(changed, fields, batch_size=BATCH_ROWS)


def _set_link(link: DirectoryLink, plan: PersonPlan) -> bool:
    """Point a link to what the plan says; return whether anything differs."""
    assert plan.person is not None
    before = (link.dn, link.login_name, link.user_id, link.customer_id)
    link.dn, link.login_name = plan.entry.dn, plan.entry.login_name
    link.user, link.customer = plan.person.user, plan.person.customer
    return before != (link.dn, link.login_name, link.user_id, link.customer_id)
