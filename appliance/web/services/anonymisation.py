"""Make customers and former users anonymous: what has to go, room by room."""

import re
from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, EmailConfirmation, Invitation, Role, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import ANONYMOUS
from appliance.core.errors import BadInputError
from appliance.directory import services as directory_services
from appliance.files import services as files_services
from appliance.files.models import StoredFile
from appliance.knowledge import services as knowledge_services
from appliance.mail import services as mail_services
from appliance.notifications import services as notifications_services
from appliance.notifications.models import Forward, Notification, OutgoingEmail, ThreadReference
from appliance.notifications.services.outbox import ERASED_ADDRESS
from appliance.search import services as search_services
from appliance.tickets.models import (
    Attachment,
    Draft,
    Event,
    Mention,
    Message,
    Participant,
    Rating,
    SavedView,
    Ticket,
)
from appliance.tickets.services.events import record
from appliance.triage.models import (
    AnnotationLease,
    Gap,
    Prediction,
    Solution,
    Suggestion,
    TicketVector,
)

ERASED = f"({ANONYMOUS.lower()})"  # takes the place of a text
MAX_VIEW_NAME = SavedView._meta.get_field("name").max_length


def erase_texts(tickets: QuerySet[Ticket]) -> None:
    """Erase all texts and files of tickets, and what was computed from them.

    Status, times, category, sentiment, tags and ratings stay, for the reports.
    """
    messages = Message.objects.filter(ticket__in=tickets)
    search_services.uncount_words(tickets)
    search_services.uncount_words(messages.exclude(body=ERASED))
    _delete_files(Attachment.objects.filter(ticket__in=tickets))
    messages.filter(is_from_customer=True).update(author_name=ANONYMOUS)
    messages.update(body=ERASED)
    Mention.objects.filter(message__in=messages).delete()
    Draft.objects.filter(ticket__in=tickets).delete()
    Rating.objects.filter(ticket__in=tickets).update(comment="")
    TicketVector.objects.filter(ticket__in=tickets).delete()
    Solution.objects.filter(ticket__in=tickets).delete()
    Prediction.objects.filter(ticket__in=tickets).update(text_sha256="")
    Suggestion.objects.filter(ticket__in=tickets).update(why={})
    Gap.objects.filter(members__ticket__in=tickets, members__rank=0).update(subject=ANONYMOUS)
    Gap.objects.filter(members__ticket__in=tickets).update(words=[])
    AnnotationLease.objects.filter(
        kind__in=[AnnotationLease.Kind.TICKET, AnnotationLease.Kind.NEXT_TICKET],
        object_id__in=tickets.values_list("pk", flat=True),
    ).delete()
    OutgoingEmail.objects.filter(ticket__in=tickets).update(
        subject=ERASED, body=ERASED, html="", recipient_name=""
    )
    Forward.objects.filter(ticket__in=tickets).update(address=ERASED_ADDRESS)
    ThreadReference.objects.filter(ticket__in=tickets).delete()
    Participant.objects.filter(ticket__in=tickets).delete()
    Notification.objects.filter(ticket__in=tickets).delete()
    tickets.update(
        subject=ANONYMOUS, description="", fields={}, guest_token_sha256="", updated_at=Now()
    )


def erase_name_in_notifications(person: User) -> None:
    """Erase the name of a user in notifications and in e-mails that were sent."""
    on_tickets = Event.objects.filter(actor=person).values("ticket")
    Notification.objects.filter(actor_name=str(person), ticket__in=on_tickets).update(
        actor_name=ANONYMOUS
    )
    sent = OutgoingEmail.objects.exclude(state=OutgoingEmail.State.WAITING)
    named = Q(body__contains=str(person)) | Q(subject__contains=str(person))
    sent.filter(named | Q(author_name=str(person))).update(
        subject=ERASED, body=ERASED, html="", author_name=""
    )


def erase_participation(addresses: Iterable[str]) -> None:
    """Take an address off the tickets of others, with the name on what was written there."""
    mine = reduce(or_, (Q(email__iexact=address) for address in addresses), Q(pk=None))
    for participant in Participant.objects.filter(mine):
        messages = Message.objects.filter(ticket=participant.ticket_id, author=None)
        messages.filter(author_name=participant.label).update(author_name=ANONYMOUS)
        participant.delete()


def erase_name_in_views(somebody: Customer | User) -> None:
    """Erase the name and the address in titles and filters of saved views."""
    names = [name for name in (somebody.full_name, somebody.email) if name]
    contains = [Q(name__icontains=name) | Q(filter__field_value__icontains=name) for name in names]
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)
    for view in SavedView.objects.select_for_update().filter(reduce(or_, contains)):
        view.name = pattern.sub(ANONYMOUS, view.name)[:MAX_VIEW_NAME]
        if value := view.filter.get("field_value"):
            view.filter["field_value"] = pattern.sub(ERASED, value)
        view.save(update_fields=["name", "filter"])
    cache.invalidate(cache.VIEWS)


def erase_messages_and_settings(person: User) -> None:
    """Erase what belongs to a user account, and the name and messages on tickets of others.

    What they wrote to customers as an agent stays, without their name.
    """
    messages = Message.objects.filter(author=person)
    own = messages.filter(is_from_customer=True).exclude(body=ERASED)
    search_services.uncount_words(own)
    _delete_files(Attachment.objects.filter(message__in=own))
    own.update(body=ERASED)
    messages.update(author_name=ANONYMOUS, signature="")
    knowledge_services.forget_person(person=person)
    Draft.objects.filter(user=person).delete()
    Mention.objects.filter(user=person).delete()
    Invitation.objects.filter(person=person).delete()
    EmailConfirmation.objects.filter(person=person).delete()
    SavedView.objects.filter(owner=person, is_shared=False, team=None).delete()
    accounts_services.erase_login_attempts(email=person.email)


def record_and_erase_history(somebody: Customer | User, *, by: User) -> None:
    """Record the anonymisation, and erase the name in ticket events and in the audit log.

    Call it while ``somebody`` still has their name in the database: a function of the database
    looks it up and erases it in append-only rows, which this process may not change.
    """
    entry = audit.record_change(by=by, verb="anonymised", subject=somebody)
    with connection.cursor() as cursor:
        cursor.execute("SELECT web_erase_from_history(%s)", [entry.pk])
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(somebody), object_id=str(somebody.pk)
    ).update(object_repr=ANONYMOUS, change_message="")


def _delete_files(attachments: QuerySet[Attachment]) -> None:
    ids = set(attachments.values_list("file", flat=True))
    attachments.delete()
    used = set(Attachment.objects.filter(file__in=ids).values_list("file", flat=True))
    for stored in StoredFile.objects.filter(pk__in=ids - used):
        files_services.remove(stored_file=stored)


@transaction.atomic
def anonymise_customer(*, customer: Customer, by: User, confirmation: str) -> None:
    """Anonymise a customer and their user account. Cannot be undone.

    ``confirmation`` is the customer's e-mail, so that nobody does this by accident. Raises
    BadInputError for agents and admins.
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
    _confirm(customer, confirmation)
    _erase_customer(customer, by)
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def anonymise_person(*, person: User, by: User, confirmation: str) -> None:
    """Anonymise a former user: their name is erased, what they wrote to others stays.

    Their own tickets are erased as those of a customer. Raises BadInputError until the account is
    deactivated.
    """
    require_admin(by)
    person = User.objects.select_for_update().get(pk=person.pk)
    if person.is_active:
        raise BadInputError(
            _("%(name)s is active. Deactivate the account first.") % {"name": person}
        )
    _confirm(person, confirmation)
    customer = Customer.objects.select_for_update().filter(user=person).first()
    if customer:
        _erase_customer(customer, by)
    else:
        _erase_user(person, by)
    cache.invalidate(cache.TICKETS)
    cache.invalidate(cache.TEAMS)


def _confirm(somebody: Customer | User, confirmation: str) -> None:
    if somebody.anonymised_at:
        raise BadInputError(_("This person has already been anonymised."))
    expected = somebody.email or str(somebody)  # customers may be known by name alone
    if confirmation.strip().lower() != expected.lower():
        raise BadInputError(
            _("Type %(email)s to confirm.") % {"email": expected},
            field="confirmation",
        )


def _erase_customer(customer: Customer, by: User) -> None:
    tickets = Ticket.objects.filter(customer=customer)
    erase_texts(tickets)
    addresses = [customer.email, customer.user.email if customer.user else ""]
    mail_services.erase_emails(tickets=tickets, addresses=filter(None, addresses))
    notifications_services.erase_addresses(addresses=filter(None, [customer.email]))
    erase_participation(filter(None, [customer.email]))
    erase_name_in_views(customer)
    record_and_erase_history(customer, by=by)
    if customer.user:
        _erase_user(customer.user, by)
    customer.email = f"anonymous-customer-{customer.pk}@invalid"
    customer.first_name, customer.last_name, customer.claimed_organisation = ANONYMOUS, "", ""
    directory_services.forget_people(customers=[customer])
    customer.is_from_directory = False
    for name in accounts_services.CONTACT_DETAILS:
        setattr(customer, name, type(getattr(customer, name))())  # empty
    customer.manager = None
    customer.anonymised_at = timezone.now()
    customer.user = None
    customer.save()
    for ticket in tickets.only("pk"):
        record(ticket, Event.Kind.ANONYMISED, by)


def _erase_user(person: User, by: User) -> None:
    directory_services.forget_people(users=[person])
    erase_messages_and_settings(person)
    erase_name_in_notifications(person)
    erase_name_in_views(person)
    notifications_services.erase_addresses(addresses=[person.email], user_ids=[person.pk])
    erase_participation([person.email])
    record_and_erase_history(person, by=by)
    accounts_services.erase_person(person=person, by=by)
