"""Changes of people and customers that take their tickets along, and the set-up."""

from collections.abc import Collection

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Role, Team, User
from appliance.core import audit, cache
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.languages import sort_languages
from appliance.core.models import SiteSettings
from appliance.tickets import services as tickets_services
from appliance.triage import services as triage_services
from appliance.web import demo as demo_desk


@transaction.atomic
def deactivate_person(
    *, person: User, by: User, assignee: User | None = None, team: Team | None = None
) -> int:
    """Close a user account; return how many open tickets were handed over.

    The tickets go to ``team`` and to ``assignee``, to one of the two, or to nobody. A ticket that
    ``assignee`` may not see is unassigned.
    """
    if assignee == person:
        raise BadInputError(_("Choose another person."), field="assignee")
    count = tickets_services.hand_over_tickets(person=person, by=by, assignee=assignee, team=team)
    accounts_services.deactivate_person(person=person, by=by)
    return count


@transaction.atomic
def merge_customers(*, source: Customer, target: Customer, by: User) -> None:
    """Move everything of ``source`` to ``target``, the user account too, and delete ``source``.

    Raises BadInputError when both have a user account, one has an account nobody has confirmed, or
    one was anonymised.
    """
    if not (by.is_active and by.is_admin):
        raise ForbiddenError(_("Only administrators can do this."))
    source, locked_target = _lock_both(source, target)
    _refuse_merge(source, locked_target)
    accounts_services.absorb_customer(source=source, target=locked_target, by=by)
    if person := locked_target.user:
        accounts_services.link_customer(customer=locked_target, person=person, by=by)
    cache.invalidate(cache.TICKETS)
    target.refresh_from_db()


def _lock_both(source: Customer, target: Customer) -> tuple[Customer, Customer]:
    if source.pk == target.pk:
        raise BadInputError(_("Choose two different customers."), field="target")
    customers = Customer.objects.select_for_update().order_by("pk")
    by_id = customers.in_bulk([source.pk, target.pk])
    return by_id[source.pk], by_id[target.pk]


def _refuse_merge(source: Customer, target: Customer) -> None:
    if source.user_id and target.user_id:
        raise BadInputError(
            _("Both customers have a user account. Unlink the account of %(name)s first.")
            % {"name": source},
            field="target",
        )
    for customer in (source, target):
        if customer.has_unconfirmed_login:
            raise BadInputError(
                _(
                    "Nobody has confirmed the user account of %(name)s, who would read all tickets "
                    "of both. Confirm or unlink the account first."
                )
                % {"name": customer},
                field="target",
            )
    if source.anonymised_at or target.anonymised_at:
        raise BadInputError(
            _("One of the customers has been anonymised and cannot be merged."), field="target"
        )


@transaction.atomic
def set_up(
    *,
    token: str,
    person: dict[str, str],
    desk_name: str,
    categories: set[str],
    demo: bool,
    languages: Collection[str] = (),
) -> User:
    """Create the first admin and what they chose; the set-up link works once.

    ``person`` holds the arguments of ``accounts.services.add_user``; without ``languages`` the desk
    works in its own and in English. Raises Http404 when the link
    was used before.
    """
    if not accounts_services.consume_setup_link(token):
        raise Http404
    admin = accounts_services.add_user(**person, role=Role.ADMIN, is_confirmed=True)
    SiteSettings.objects.update_or_create(
        pk=1,
        defaults={
            "name": desk_name,
            "languages": sort_languages(languages),
            "set_up_at": timezone.now(),
        },
    )
    audit.record_change(by=admin, verb="added", subject=admin, data={"role": Role.ADMIN})
    cache.invalidate(cache.SITE_SETTINGS)
    tickets_services.load_default_categories(categories)
    if demo:
        demo_desk.load()
        triage_services.queue_catch_up()
    return admin


@transaction.atomic
def set_up_unattended(*, email: str, password: str) -> User:
    """Complete the setup without the browser: name, categories and, by default, no demo data."""
    admin = accounts_services.add_user(
        email=email, first_name="Admin", role=Role.ADMIN, password=password
    )
    audit.record_change(by=None, verb="added", subject=admin, data={"role": Role.ADMIN})
    SiteSettings.objects.update_or_create(pk=1, defaults={"set_up_at": timezone.now()})
    tickets_services.load_default_categories()
    return admin
