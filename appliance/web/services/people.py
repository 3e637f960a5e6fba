"""Verbs on people that reach beyond their own room: their tickets go along."""

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Role, Team, User
from appliance.core import audit, cache
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import SiteSettings
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services
from appliance.web import demo as demo_desk


@transaction.atomic
def deactivate_person(
    *, person: User, by: User, assignee: User | None = None, team: Team | None = None
) -> int:
    """Nobody logs in as them any more; returns how many open tickets were handed over.

    They go to ``team`` and to ``assignee``, to one of the two, or to nobody. A ticket that
    ``assignee`` does not see is left to whoever of its team takes it.
    """
    if assignee == person:
        raise BadInputError(_("Choose another person."), field="assignee")
    accounts_services.deactivate_person(person=person, by=by)
    waiting = Ticket.objects.open().filter(assignee=person).order_by("pk")
    handed = [_hand_over(ticket, assignee, team, by) for ticket in waiting]
    return len(handed)


def _hand_over(ticket: Ticket, assignee: User | None, team: Team | None, by: User) -> None:
    if team:
        tickets_services.set_team(ticket=ticket, team=team, by=by)
    try:
        tickets_services.assign(ticket=ticket, assignee=assignee, by=by)
    except BadInputError:  # a closed team's ticket: the room tells who does not see it
        tickets_services.assign(ticket=ticket, assignee=None, by=by)


@transaction.atomic
def merge_customers(*, source: Customer, target: Customer, by: User) -> None:
    """Everything of ``source`` becomes ``target``'s, the log-in too, and ``source`` is no more.

    Raises BadInputError when both have a log-in, or one was made anonymous.
    """
    if not (by.is_active and by.is_admin):
        raise ForbiddenError(_("Only administrators can do this."))
    source, stored = _lock_two(source, target)
    _refuse_merge(source, stored)
    moved = Ticket.objects.filter(customer=source).count()
    person = source.user
    for relation in Customer._meta.related_objects:
        name = relation.field.name
        relation.related_model._base_manager.filter(**{name: source}).update(**{name: stored})
    audit.record_change(
        by=by, verb="merged", subject=source, data={"into": str(stored), "tickets": moved}
    )
    source.delete()
    if person:
        accounts_services.link_customer(customer=stored, person=person, by=by)
    cache.invalidate(cache.TICKETS)
    target.refresh_from_db()


def _lock_two(source: Customer, target: Customer) -> tuple[Customer, Customer]:
    if source.pk == target.pk:
        raise BadInputError(_("Choose two different customers."), field="target")
    rows = Customer.objects.select_for_update().order_by("pk").in_bulk([source.pk, target.pk])
    return rows[source.pk], rows[target.pk]


def _refuse_merge(source: Customer, target: Customer) -> None:
    if source.user_id and target.user_id:
        raise BadInputError(
            _("Both customers have a user account. Unlink the account of %(name)s first.")
            % {"name": source},
            field="target",
        )
    if source.anonymised_at or target.anonymised_at:
        raise BadInputError(
            _("One of the customers has been anonymised and cannot be merged."), field="target"
        )


@transaction.atomic
def set_up(
    *, token: str, person: dict[str, str], desk_name: str, categories: set[str], demo: bool
) -> User:
    """The first admin, made once: the link is used up in the same transaction.

    Raises Http404 when somebody else used it first.
    """
    if not accounts_services.consume_setup_link(token):
        raise Http404
    admin = accounts_services.add_user(**person, role=Role.ADMIN)
    SiteSettings.objects.update_or_create(
        pk=1, defaults={"name": desk_name, "set_up_at": timezone.now()}
    )
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
    SiteSettings.objects.update_or_create(pk=1, defaults={"set_up_at": timezone.now()})
    tickets_services.load_default_categories()
    return admin
