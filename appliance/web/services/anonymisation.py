"""Make customers and former users anonymous: what has to go, room by room."""

import json

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F, Func, JSONField, Q, QuerySet, TextField
from django.db.models.functions import Cast, Now
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, EmailConfirmation, Invitation, Role, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import ANONYMOUS, anonymisation_allowed
from appliance.core.errors import BadInputError
from appliance.core.models import AuditEntry
from appliance.files import services as files_services
from appliance.files.models import StoredFile
from appliance.knowledge import services as knowledge_services
from appliance.notifications import services as notifications_services
from appliance.notifications.models import Notification, OutgoingEmail
from appliance.tickets.models import (
    Attachment,
    Draft,
    Event,
    Mention,
    Message,
    Rating,
    SavedView,
    Ticket,
)
from appliance.tickets.services.events import record
from appliance.triage.models import AnnotationLease, TicketVector

ERASED = f"({ANONYMOUS.lower()})"  # takes the place of a text


class EmptyValues(Func):
    """The keys of a JSON object, each with null as its value."""

    output_field = JSONField()
    template = (
        "(SELECT coalesce(jsonb_object_agg(key, NULL), '{}'::jsonb) "
        "FROM jsonb_object_keys(%(expressions)s) key)"
    )


def erase_texts(tickets: QuerySet[Ticket]) -> None:
    """Erase all texts and files of tickets, and what was computed from them.

    Status, times, category, sentiment, tags and ratings stay, for the reports.
    """
    messages = Message.objects.filter(ticket__in=tickets)
    _delete_files(Attachment.objects.filter(ticket__in=tickets))
    messages.filter(is_from_customer=True).update(author_name=ANONYMOUS)
    messages.update(body=ERASED)
    Mention.objects.filter(message__in=messages).delete()
    Draft.objects.filter(ticket__in=tickets).delete()
    Rating.objects.filter(ticket__in=tickets).update(comment="")
    TicketVector.objects.filter(ticket__in=tickets).delete()
    AnnotationLease.objects.filter(
        kind__in=[AnnotationLease.Kind.TICKET, AnnotationLease.Kind.NEXT_TICKET],
        object_id__in=tickets.values_list("pk", flat=True),
    ).delete()
    OutgoingEmail.objects.filter(ticket__in=tickets).update(subject=ERASED, body=ERASED)
    Notification.objects.filter(ticket__in=tickets).delete()
    tickets.update(
        subject=ANONYMOUS, description="", fields={}, guest_token_sha256="", updated_at=Now()
    )


def erase_event_data(tickets: QuerySet[Ticket], *, names: set[str]) -> None:
    """Erase the customer's names and custom field values from the events, which stay."""
    events = Event.objects.filter(ticket__in=tickets)
    events.filter(kind=Event.Kind.FIELD).update(data=EmptyValues(F("data")))
    events.filter(actor=None, actor_name__in=names).update(actor_name=ANONYMOUS)


def erase_name_in_events(person: User) -> None:
    """Erase the name of a user as the actor of events and as an assignee."""
    Event.objects.filter(actor=person).update(actor_name=ANONYMOUS)
    is_named = Q(data__from_id=person.pk) | Q(data__to_id=person.pk)
    is_named |= Q(data__from=str(person)) | Q(data__to=str(person))
    Event.objects.filter(is_named, kind=Event.Kind.ASSIGNEE).update(data=EmptyValues(F("data")))


def erase_name_in_notifications(person: User) -> None:
    """Erase the name of a user in notifications and in e-mails that were sent."""
    on_tickets = Event.objects.filter(actor=person).values("ticket")
    Notification.objects.filter(actor_name=str(person), ticket__in=on_tickets).update(
        actor_name=ANONYMOUS
    )
    sent = OutgoingEmail.objects.exclude(state=OutgoingEmail.State.WAITING)
    sent.filter(Q(body__contains=str(person)) | Q(subject__contains=str(person))).update(
        subject=ERASED, body=ERASED
    )


def erase_messages_and_settings(person: User) -> None:
    """Erase what belongs to a user account, and the name and messages on tickets of others.

    What they wrote to customers as an agent stays, without their name.
    """
    messages = Message.objects.filter(author=person)
    own = messages.filter(is_from_customer=True)
    _delete_files(Attachment.objects.filter(message__in=own))
    own.update(body=ERASED)
    messages.update(author_name=ANONYMOUS, signature="")
    knowledge_services.forget_person(person=person)
    Draft.objects.filter(user=person).delete()
    Mention.objects.filter(user=person).delete()
    Invitation.objects.filter(person=person).delete()
    EmailConfirmation.objects.filter(person=person).delete()
    SavedView.objects.filter(owner=person, is_shared=False, team=None).delete()
    for log in (AccessAttempt, AccessLog, AccessFailureLog):
        log.objects.filter(username__iexact=person.email).delete()


def erase_name_in_audit_log(somebody: Customer | User) -> None:
    """Erase the name in the audit log, as the actor and as the subject of a change."""
    kind, pk = str(somebody._meta.verbose_name), str(somebody.pk)
    about = Q(subject_id=pk) | Q(subject_id="", subject=str(somebody)[:200])
    AuditEntry.objects.filter(about, kind=kind).update(
        subject=ANONYMOUS, data=EmptyValues(F("data"))
    )
    names = Q()
    for name in filter(None, {str(somebody), somebody.full_name, somebody.email}):
        names |= Q(data_text__contains=json.dumps(name, ensure_ascii=False))
    others = AuditEntry.objects.annotate(data_text=Cast("data", TextField())).filter(names)
    others.update(data=EmptyValues(F("data")))  # changes of teams, merges of customers
    if isinstance(somebody, User):
        AuditEntry.objects.filter(actor=somebody).update(actor_name=ANONYMOUS)
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(somebody), object_id=pk
    )
    entries.update(object_repr=ANONYMOUS, change_message="")


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
    notifications_services.erase_addresses(addresses=filter(None, [customer.email]))
    with anonymisation_allowed():
        erase_event_data(tickets, names={customer.full_name})
        erase_name_in_audit_log(customer)
    if customer.user:
        _erase_user(customer.user, by)
    customer.email = f"anonymous-customer-{customer.pk}@invalid"
    customer.first_name, customer.last_name, customer.claimed_organisation = ANONYMOUS, "", ""
    customer.anonymised_at = timezone.now()
    customer.user = None
    customer.save()
    for ticket in tickets.only("pk"):
        record(ticket, Event.Kind.ANONYMISED, by)
    audit.record_change(by=by, verb="anonymised", subject=customer)


def _erase_user(person: User, by: User) -> None:
    erase_messages_and_settings(person)
    erase_name_in_notifications(person)
    notifications_services.erase_addresses(addresses=[person.email], user_ids=[person.pk])
    with anonymisation_allowed():
        erase_name_in_events(person)
        erase_name_in_audit_log(person)
    accounts_services.erase_person(person=person, by=by)
