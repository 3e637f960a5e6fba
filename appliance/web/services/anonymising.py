"""Making somebody anonymous in place: statistics stay; names, texts, files and vectors go.

Irreversible. Everything happens in one transaction; bytes of files go when it commits.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer, Role, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import ANONYMOUS, anonymisation_allowed
from appliance.core.errors import BadInputError
from appliance.notifications import services as notifications_services
from appliance.tickets.models import Event, Ticket
from appliance.tickets.services.events import record
from appliance.web.services import forgetting


@transaction.atomic
def anonymise_customer(*, customer: Customer, by: User, typed: str) -> None:
    """``typed`` is the customer's e-mail, so that nobody does this by a slip of the hand.

    Their log-in goes as well. Raises BadInputError for somebody who works on this desk.
    """
    require_admin(by)
    customer = Customer.objects.select_for_update().get(pk=customer.pk)
    if customer.user and customer.user.role != Role.CUSTOMER:
        raise BadInputError(
            _(
                "%(name)s is an agent or administrator. Deactivate and anonymise their "
                "user account instead."
            )
            % {"name": customer.user}
        )
    _confirm(customer, typed)
    _forget_customer(customer, by)
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def anonymise_person(*, person: User, by: User, typed: str) -> None:
    """The same for somebody who worked here: their name goes, what they wrote to others stays.

    Raises BadInputError until they are deactivated. What they asked themselves goes, too.
    """
    require_admin(by)
    person = User.objects.select_for_update().get(pk=person.pk)
    if person.is_active:
        raise BadInputError(
            _("%(name)s is active. Deactivate the account first.") % {"name": person}
        )
    _confirm(person, typed)
    customer = Customer.objects.select_for_update().filter(user=person).first()
    if customer:
        _forget_customer(customer, by)
    else:
        _forget_log_in(person, by)
    cache.invalidate(cache.TICKETS)
    cache.invalidate(cache.TEAMS)


def _confirm(somebody: Customer | User, typed: str) -> None:
    if somebody.anonymised_at:
        raise BadInputError(_("This person has already been anonymised."))
    if typed.strip().lower() != somebody.email.lower():
        raise BadInputError(
            _("Type %(email)s to confirm.") % {"email": somebody.email},
            field="typed",
        )


def _forget_customer(customer: Customer, by: User) -> None:
    tickets = Ticket.objects.filter(customer=customer)
    forgetting.forget_texts(tickets)
    notifications_services.erase_addresses(emails=[customer.email])
    with anonymisation_allowed():
        forgetting.forget_events_of(tickets, names={customer.full_name})
        forgetting.forget_changes(customer)
    if customer.user:
        _forget_log_in(customer.user, by)
    customer.email = f"anonymous-customer-{customer.pk}@invalid"
    customer.first_name, customer.last_name, customer.claimed_organisation = ANONYMOUS, "", ""
    customer.anonymised_at = timezone.now()
    customer.user = None
    customer.save()
    for ticket in tickets.only("pk"):
        record(ticket, Event.Kind.ANONYMISED, by)
    audit.record_change(by=by, verb="anonymised", subject=customer)


def _forget_log_in(person: User, by: User) -> None:
    forgetting.forget_own(person)
    forgetting.forget_name_in_notices(person)
    notifications_services.erase_addresses(emails=[person.email], users=[person.pk])
    with anonymisation_allowed():
        forgetting.forget_name_in_events(person)
        forgetting.forget_changes(person)
    person.email = f"anonymous-person-{person.pk}@invalid"
    person.first_name, person.last_name, person.signature = ANONYMOUS, "", ""
    person.is_active = person.is_away = False
    person.set_unusable_password()
    person.session_epoch += 1
    person.anonymised_at = timezone.now()
    person.save()
    audit.record_change(by=by, verb="anonymised", subject=person)
