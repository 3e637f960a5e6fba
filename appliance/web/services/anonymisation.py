"""What has to go when somebody is made anonymous, room by room. Called by ``anonymising`` alone."""

import json

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F, Func, JSONField, Q, QuerySet, TextField
from django.db.models.functions import Cast, Now
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer, Invitation, Role, User
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

GONE = f"({ANONYMOUS.lower()})"  # in place of a text


class Emptied(Func):
    """The mapping's keys, each with an empty value."""

    output_field = JSONField()
    template = (
        "(SELECT coalesce(jsonb_object_agg(key, NULL), '{}'::jsonb) "
        "FROM jsonb_object_keys(%(expressions)s) key)"
    )


def forget_texts(tickets: QuerySet[Ticket]) -> None:
    """Of whole tickets: what was written on them by anybody, sent with them, and read from them.

    Status, times, category, sentiment, tags and ratings stay, and so do choices that were counted.
    """
    messages = Message.objects.filter(ticket__in=tickets)
    _forget_files(Attachment.objects.filter(ticket__in=tickets))
    messages.filter(is_from_customer=True).update(author_name=ANONYMOUS)
    messages.update(body=GONE)
    Mention.objects.filter(message__in=messages).delete()
    Draft.objects.filter(ticket__in=tickets).delete()
    Rating.objects.filter(ticket__in=tickets).update(comment="")
    TicketVector.objects.filter(ticket__in=tickets).delete()
    AnnotationLease.objects.filter(
        kind__in=[AnnotationLease.Kind.TICKET, AnnotationLease.Kind.NEXT_TICKET],
        object_id__in=tickets.values_list("pk", flat=True),
    ).delete()
    OutgoingEmail.objects.filter(ticket__in=tickets).update(subject=GONE, body=GONE)
    Notification.objects.filter(ticket__in=tickets).delete()
    tickets.update(
        subject=ANONYMOUS, description="", fields={}, guest_token_sha256="", updated_at=Now()
    )


def forget_events_of(tickets: QuerySet[Ticket], *, names: set[str]) -> None:
    """What happened to whole tickets stays; the customer's name and typed answers go."""
    events = Event.objects.filter(ticket__in=tickets)
    events.filter(kind=Event.Kind.FIELD).update(data=Emptied(F("data")))
    events.filter(actor=None, actor_name__in=names).update(actor_name=ANONYMOUS)


def forget_name_in_events(person: User) -> None:
    """Wherever they acted, and wherever a ticket was given to them or taken from them."""
    Event.objects.filter(actor=person).update(actor_name=ANONYMOUS)
    values = Q(data__from_id=person.pk) | Q(data__to_id=person.pk)
    values |= Q(data__from=str(person)) | Q(data__to=str(person))
    Event.objects.filter(values, kind=Event.Kind.ASSIGNEE).update(data=Emptied(F("data")))


def forget_name_in_notifications(person: User) -> None:
    """What colleagues and customers were told of them, in the window and by mail."""
    on_tickets = Event.objects.filter(actor=person).values("ticket")
    Notification.objects.filter(actor_name=str(person), ticket__in=on_tickets).update(
        actor_name=ANONYMOUS
    )
    sent = OutgoingEmail.objects.exclude(state=OutgoingEmail.State.WAITING)
    sent.filter(Q(body__contains=str(person)) | Q(subject__contains=str(person))).update(
        subject=GONE, body=GONE
    )


def forget_own(person: User) -> None:
    """What belongs to the log-in itself, and their name and words on other people's tickets."""
    rows = Message.objects.filter(author=person)
    own = rows.filter(is_from_customer=True)
    _forget_files(Attachment.objects.filter(message__in=own))
    own.update(body=GONE)
    rows.update(author_name=ANONYMOUS)
    knowledge_services.forget_person(person=person)
    Draft.objects.filter(user=person).delete()
    Mention.objects.filter(user=person).delete()
    Invitation.objects.filter(person=person).delete()
    SavedView.objects.filter(owner=person, is_shared=False, team=None).delete()
    for log in (AccessAttempt, AccessLog, AccessFailureLog):
        log.objects.filter(username__iexact=person.email).delete()


def forget_changes(somebody: Customer | User) -> None:
    """Their name in the rows on changes of the desk, as the one who acted or the one concerned."""
    kind, pk = str(somebody._meta.verbose_name), str(somebody.pk)
    about = Q(subject_id=pk) | Q(subject_id="", subject=str(somebody)[:200])
    AuditEntry.objects.filter(about, kind=kind).update(subject=ANONYMOUS, data=Emptied(F("data")))
    names = Q()
    for name in {str(somebody), somebody.full_name, somebody.email}:
        names |= Q(told__contains=json.dumps(name, ensure_ascii=False))
    others = AuditEntry.objects.annotate(told=Cast("data", TextField())).filter(names)
    others.update(data=Emptied(F("data")))  # teams, merges: rows on others that name them
    if isinstance(somebody, User):
        AuditEntry.objects.filter(actor=somebody).update(actor_name=ANONYMOUS)
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(somebody), object_id=pk
    )
    entries.update(object_repr=ANONYMOUS, change_message="")


def _forget_files(attachments: QuerySet[Attachment]) -> None:
    ids = set(attachments.values_list("file", flat=True))
    attachments.delete()
    used = set(Attachment.objects.filter(file__in=ids).values_list("file", flat=True))
    for stored in StoredFile.objects.filter(pk__in=ids - used):
        files_services.remove(stored_file=stored)


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
    """Anonymise a former user: their name is removed, what they wrote to others stays.

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
    forget_texts(tickets)
    notifications_services.erase_addresses(addresses=[customer.email])
    with anonymisation_allowed():
        forget_events_of(tickets, names={customer.full_name})
        forget_changes(customer)
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
    forget_own(person)
    forget_name_in_notifications(person)
    notifications_services.erase_addresses(addresses=[person.email], user_ids=[person.pk])
    with anonymisation_allowed():
        forget_name_in_events(person)
        forget_changes(person)
    person.email = f"anonymous-person-{person.pk}@invalid"
    person.first_name, person.last_name, person.signature = ANONYMOUS, "", ""
    person.is_active = person.is_away = False
    person.set_unusable_password()
    person.session_epoch += 1
    person.anonymised_at = timezone.now()
    person.save()
    audit.record_change(by=by, verb="anonymised", subject=person)
