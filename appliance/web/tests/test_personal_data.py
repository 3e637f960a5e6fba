"""Personal data: exported as a whole, or anonymised in place."""

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError, ProgrammingError
from django.test import Client

from appliance.accounts import services as accounts_services
from appliance.accounts.models import LoginAttempt, Role, User
from appliance.core import audit, audit_chain
from appliance.core.audit import ANONYMOUS
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry
from appliance.files import storage
from appliance.files.models import StoredFile
from appliance.knowledge import services as knowledge_services
from appliance.model_updates.models import UpdateEvent
from appliance.notifications.models import OutgoingEmail
from appliance.notifications.services import queue_email
from appliance.search.models import VocabularyProgress, VocabularyWord
from appliance.search.query_parser import parse_query
from appliance.search.retrievers import correct_spelling
from appliance.search.services import update_vocabulary
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import Event, Message, Rating, SavedView, Status, Ticket
from appliance.triage import work_queue
from appliance.triage.models import Gap, GapTicket, Prediction, Suggestion, TicketVector
from appliance.web import services
from tests.database import acting_as_owner

SECRETS = ("Alice", "alice@", "Printer", "ward 3", "worse", "Shake", "Slow.", "log.txt")
REFUSED = (InternalError, IntegrityError)


@pytest.fixture
def full_ticket(ticket, alice, bob) -> Ticket:
    """Return a ticket with everything that can contain personal data."""
    tickets_services.reply(ticket=ticket, by=bob, body="Shake the toner, Alice.")
    tickets_services.reply(
        ticket=ticket, by=alice, body="It is worse.", files=[SimpleUploadedFile("log.txt", b"all")]
    )
    tickets_services.add_note(ticket=ticket, by=bob, body="Alice again.")
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    tickets_services.rate_ticket(ticket=ticket, by=alice, is_good=False, comment="Slow.")
    TicketVector.objects.create(ticket=ticket, space="s", vector=[0.5] * 384, text_sha256="0" * 64)
    accounts_services.change_profile(person=alice, first_name="Alice", last_name="Prinz")
    return ticket


def dump_database() -> str:
    """Return all text of the database, except tables without personal data."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' "
            "AND table_name !~ '^(django|auth|procrastinate)_' "
            "AND table_name <> 'tickets_ticketcategory'"
        )
        names = [name for (name,) in cursor.fetchall()]
        rows = []
        for name in names:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {name} t")
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def anonymise(alice: User, dan: User) -> None:
    customer = alice.customer
    services.anonymise_customer(customer=customer, by=dan, confirmation=customer.email.upper())


def test_anonymised_customer_leaves_no_text_behind(full_ticket, alice, dan):
    assert all(secret in dump_database() for secret in SECRETS)
    anonymise(alice, dan)
    dump = dump_database()
    assert [secret for secret in SECRETS if secret in dump] == []


def test_waiting_email_to_an_anonymised_customer_is_never_sent(full_ticket, alice, dan):
    refused = queue_email(to=alice.email, subject="Old", body="Alice", key="refused")
    OutgoingEmail.objects.filter(pk=refused.pk).update(
        state="failed", reason="550 alice@example.org"
    )
    queue_email(to=alice.email, subject="New", body="Alice", key="waits")
    anonymise(alice, dan)
    assert not OutgoingEmail.objects.filter(state="waiting", user=None).exists()
    assert not OutgoingEmail.objects.exclude(to="").filter(subject__in=["", "New"]).exists()
    refused.refresh_from_db()
    assert (refused.to, refused.reason) == ("", "")


def test_statistics_of_an_anonymised_customer_stay(full_ticket, alice, dan, bob):
    Ticket.objects.update(sentiment_score=-0.5)
    before = list(full_ticket.events.values_list("at", "kind", "actor"))
    anonymise(alice, dan)
    full_ticket.refresh_from_db()
    assert (full_ticket.status, full_ticket.sentiment_score, full_ticket.customer.full_name) == (
        Status.SOLVED,
        -0.5,
        ANONYMOUS,
    )
    assert list(full_ticket.events.values_list("at", "kind", "actor"))[:-1] == before
    assert full_ticket.events.last().kind == Event.Kind.ANONYMISED
    assert (Message.objects.count(), Rating.objects.get().is_good) == (3, False)
    assert Message.objects.filter(author=bob, author_name=str(bob)).count() == 2


def test_anonymised_customer_is_logged_out_and_has_no_vector_or_file(full_ticket, alice, dan):
    window = Client()
    window.force_login(alice)
    anonymise(alice, dan)
    assert window.get("/profile/").status_code == 302
    assert not TicketVector.objects.exists() and not StoredFile.objects.exists()


def test_anonymised_ticket_is_not_analysed_again(full_ticket, alice, dan, monkeypatch):
    refs = type("Ref", (), {"digest": "d", "space": "s", "name": "n", "version": "1"})
    anonymise(alice, dan)
    assert work_queue.list_pending_tickets({"classifier": refs, "encoder": refs}, 10) == []


@pytest.mark.parametrize("confirmation", ["", "Alice", "carol@example.org"])
def test_anonymisation_needs_the_email_address(full_ticket, alice, dan, confirmation):
    with pytest.raises(BadInputError) as refused:
        services.anonymise_customer(customer=alice.customer, by=dan, confirmation=confirmation)
    assert refused.value.field == "confirmation"
    assert "Alice" in dump_database()


def test_only_an_admin_exports_or_anonymises(alice, bob):
    for by in (alice, bob):
        with pytest.raises(ForbiddenError):
            services.anonymise_customer(customer=alice.customer, by=by, confirmation=alice.email)
        with pytest.raises(ForbiddenError):
            services.export_customer(customer=alice.customer, by=by)


def test_anonymisation_is_final(alice, dan):
    customer = alice.customer
    anonymise(alice, dan)
    customer.refresh_from_db()
    for _ in range(2):
        with pytest.raises(BadInputError):
            services.anonymise_customer(customer=customer, by=dan, confirmation=customer.email)
    with pytest.raises(BadInputError):
        accounts_services.reactivate_person(person=User.objects.get(pk=alice.pk), by=dan)


def test_anonymised_agent_loses_the_name_and_keeps_the_replies(full_ticket, bob, dan):
    tickets_services.assign(ticket=full_ticket, assignee=bob, by=dan)
    accounts_services.add_team(by=dan, name="Nets", members=[bob])
    with pytest.raises(BadInputError, match="active"):
        services.anonymise_person(person=bob, by=dan, confirmation=bob.email)
    services.deactivate_person(person=bob, by=dan)
    OutgoingEmail.objects.update(state=OutgoingEmail.State.SENT)
    services.anonymise_person(person=bob, by=dan, confirmation=bob.email)
    dump = dump_database()
    assert "Bob" not in dump and "bob@" not in dump
    assert Message.objects.filter(author=bob, body__contains="Shake").get().author_name == ANONYMOUS
    assert Event.objects.filter(actor=bob).count() > 2


def test_agent_cannot_be_anonymised_as_a_customer(bob, dan):
    customer = accounts_services.ensure_customer_of(bob)
    with pytest.raises(BadInputError, match="is an agent or administrator"):
        services.anonymise_customer(customer=customer, by=dan, confirmation=customer.email)
    accounts_services.set_role(person=bob, role=Role.CUSTOMER, by=dan)
    customer.refresh_from_db()
    services.anonymise_customer(customer=customer, by=dan, confirmation=customer.email)


# --- what was computed from the texts, or names the person elsewhere


def words() -> dict[str, int]:
    return dict(VocabularyWord.objects.values_list("text", "text_count"))


def write_ticket_of_carol(carol: User) -> None:
    tickets_services.create_ticket(
        customer=carol.customer, subject="Printer on fire", description="No toner", by=carol
    )


def test_words_of_an_anonymised_customer_leave_the_vocabulary(full_ticket, alice, carol, dan):
    write_ticket_of_carol(carol)
    update_vocabulary(seconds=60)
    assert words()["printer"] == 2 and words()["alice"] == 2 and words()["worse"] == 1
    assert correct_spelling(parse_query("worsse")) == "worse"
    anonymise(alice, dan)
    update_vocabulary(seconds=60)
    assert words() == {"printer": 1, "fire": 1, "toner": 1}
    assert correct_spelling(parse_query("worsse alcie")) == ""
    assert correct_spelling(parse_query("pritner")) == "printer"


def test_words_that_were_not_counted_are_not_taken_away(full_ticket, alice, carol, dan):
    VocabularyProgress.objects.create(table_name="tickets", last_id=full_ticket.pk - 1)
    VocabularyWord.objects.create(text="printer", text_count=1)
    anonymise(alice, dan)
    assert words() == {"printer": 1}
    write_ticket_of_carol(carol)
    update_vocabulary(seconds=60)
    assert words() == {"printer": 2, "fire": 1, "toner": 1, "anonymous": 4}


def test_vocabulary_is_built_anew_where_people_were_anonymised_earlier(alice, dan):
    migration = import_module("appliance.search.migrations.0003_forget_anonymised_words")
    VocabularyWord.objects.create(text="alice", text_count=1)
    VocabularyProgress.objects.create(table_name="tickets", last_id=9)
    migration.forget_vocabulary(apps, None)
    assert words() == {"alice": 1}
    anonymise(alice, dan)
    migration.forget_vocabulary(apps, None)
    assert words() == {} and not VocabularyProgress.objects.exists()


def test_words_written_on_tickets_of_others_leave_the_vocabulary(ticket, bob, carol, dan):
    Message.objects.create(
        ticket=ticket, author=carol, author_name="Carol", is_from_customer=True, body="Carol asks"
    )
    update_vocabulary(seconds=60)
    assert "carol" in words()
    services.anonymise_customer(customer=carol.customer, by=dan, confirmation=carol.email)
    assert "carol" not in words() and words()["toner"] == 1


def test_digests_reasons_and_gaps_of_erased_texts_are_erased(full_ticket, alice, bob, dan):
    article = knowledge_services.write_article(by=bob, title="T", content="c")
    prediction = Prediction.objects.create(
        ticket=full_ticket, kind="category", confidence=0.9, label="it", text_sha256="a" * 64
    )
    Suggestion.objects.create(
        ticket=full_ticket, article=article, rank=1, score=1, why={"words": ["Printer"]}
    )
    now = full_ticket.created_at
    gap = Gap.objects.create(
        subject=full_ticket.subject, size=1, words=["Printer"], first_at=now, last_at=now
    )
    GapTicket.objects.create(gap=gap, ticket=full_ticket, rank=0)
    anonymise(alice, dan)
    prediction.refresh_from_db(), gap.refresh_from_db()
    assert (prediction.text_sha256, prediction.label) == ("", "it")
    assert (gap.subject, gap.words, Suggestion.objects.get().why) == (ANONYMOUS, [], {})


def test_saved_views_lose_the_name_and_the_address(full_ticket, alice, bob, dan):
    accounts_services.change_profile(person=alice, first_name="Alice", last_name="Prinz")
    for name, value in (
        ("Tickets of alice prinz", "ALICE@example.org"),
        ("Malice Prinzes", "x"),
    ):
        filters = TicketFilter(field="contact", field_value=value)
        tickets_services.save_view(by=bob, name=name, filters=filters)
    anonymise(alice, dan)
    views = [(view.name, view.filter["field_value"]) for view in SavedView.objects.all()]
    assert views == [("Tickets of Anonymous", "(anonymous)"), ("Malice Prinzes", "x")]


# --- append-only tables: nobody but a function of the owner may erase, and it leaves a trace


@contextmanager
def anonymising() -> Iterator[None]:
    """Set what the function of the database sets, with the rights of the owner."""
    with transaction.atomic(), acting_as_owner(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL skerry.anonymising = 'yes'")
        yield


def refuses(change) -> bool:
    try:
        with transaction.atomic():
            change()
    except REFUSED:
        return True
    return False


def test_owner_of_a_single_role_installation_cannot_change_them_either(full_ticket):
    with acting_as_owner():
        assert refuses(lambda: Event.objects.update(actor_name=ANONYMOUS))
        assert refuses(lambda: AuditEntry.objects.update(actor_name=ANONYMOUS))


@pytest.mark.parametrize(
    "change",
    [
        {"actor_name": "Mallory"},
        {"kind": "noted"},
        {"actor": None},
        {"data": {"to": "open"}},
        {"data": {}},
        {"at": "2020-01-01T00:00Z"},
        {"ticket": 1},
    ],
)
def test_events_cannot_be_rewritten_while_anonymising(full_ticket, bob, change):
    events = Event.objects.filter(kind=Event.Kind.STATUS, actor=bob)
    assert events.exists()
    with anonymising():
        assert refuses(lambda: events.update(**change))
        assert refuses(lambda: events.delete())


def test_audit_log_cannot_be_rewritten_while_anonymising(full_ticket):
    with anonymising():
        assert refuses(lambda: AuditEntry.objects.update(verb="removed"))
        assert refuses(lambda: AuditEntry.objects.update(subject="Mallory"))
        assert refuses(lambda: AuditEntry.objects.all().delete())


def erase_from_history(entry: AuditEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT web_erase_from_history(%s)", [entry.pk])


def test_history_is_erased_only_with_a_new_entry_that_says_so(full_ticket, alice, dan):
    other = audit.record_change(by=dan, verb="changed", subject=alice.customer)
    assert refuses(lambda: erase_from_history(other))
    old = audit.record_change(by=dan, verb="anonymised", subject=alice.customer)
    connection.check_constraints()  # seals it, as a commit does
    assert refuses(lambda: erase_from_history(old))


def test_erasing_helpers_are_closed_to_the_application(full_ticket):
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("SELECT web_erase_audit_entries(1, 'subject', ARRAY[1])")


def test_anonymising_keeps_the_audit_log_verifiable(full_ticket, alice, bob, dan):
    accounts_services.set_role(person=bob, role=Role.CUSTOMER, by=dan)
    connection.check_constraints()
    anonymise(alice, dan)
    connection.check_constraints()
    verification = audit_chain.verify()
    assert (verification.problem, verification.entries) == ("", AuditEntry.objects.count())


def test_name_of_who_updated_a_model_is_erased(bob, dan):
    UpdateEvent.objects.create(by_name=str(bob), step="apply", outcome="done")
    accounts_services.deactivate_person(person=bob, by=dan)
    services.anonymise_person(person=bob, by=dan, confirmation=bob.email)
    assert UpdateEvent.objects.get().by_name == ANONYMOUS


# --- export


def exported(chunks) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(chunks)))


def test_export_contains_messages_and_replies(full_ticket, alice, dan):
    archive = exported(services.export_customer(customer=alice.customer, by=dan))
    assert archive.testzip() is None
    profile = json.loads(archive.read("profile.json"))
    assert profile["log_in"]["email"] == profile["customer"]["email"] == alice.email
    data = json.loads(archive.read(f"tickets/{full_ticket.number}.json"))
    assert [message["body"] for message in data["messages"]] == [
        "Shake the toner, Alice.",
        "It is worse.",
    ]
    assert (data["rating"]["comment"], data["description"]) == ("Slow.", full_ticket.description)
    paths = [name for name in archive.namelist() if name.endswith("log.txt")]
    assert archive.read(paths[0]) == b"all"


def test_export_contains_no_notes_passwords_or_data_of_others(full_ticket, alice, carol, dan):
    tickets_services.create_ticket(
        customer=carol.customer, subject="My tickets", description="Own", by=carol
    )
    archive = exported(services.export_customer(customer=alice.customer, by=dan))
    text = "".join(archive.read(name).decode() for name in archive.namelist())
    for secret in ("Alice again", "argon2", "My tickets", "carol@"):
        assert secret not in text


def test_export_is_recorded_before_it_is_sent(alice, dan):
    services.export_customer(customer=alice.customer, by=dan)
    assert AuditEntry.objects.first().verb == "exported"


def test_export_of_an_agent_contains_their_replies(full_ticket, bob, dan):
    archive = exported(services.export_person(person=bob, by=dan))
    data = json.loads(archive.read("messages.json"))
    assert [message["body"] for message in data] == ["Shake the toner, Alice."]  # and no note


def test_sign_ins_are_exported_and_erased(client, alice, dan):
    client.post("/login/", {"login": alice.email, "password": "wrong words"})
    archive = exported(services.export_customer(customer=alice.customer, by=dan))
    [attempt] = json.loads(archive.read("sign-ins.json"))
    assert (attempt["ip_address"], attempt["is_successful"]) == ("127.0.0.1", False)
    services.anonymise_customer(customer=alice.customer, by=dan, confirmation=alice.email)
    assert not LoginAttempt.objects.exists()


def test_file_name_cannot_escape_the_folder(full_ticket, alice, dan):
    StoredFile.objects.update(name=f"../../{uuid.uuid4()}")
    archive = exported(services.export_customer(customer=alice.customer, by=dan))
    assert not [name for name in archive.namelist() if "/../" in name or name.startswith("..")]


def test_missing_file_does_not_break_the_export(full_ticket, alice, dan):
    storage.remove(StoredFile.objects.get().pk)
    archive = exported(services.export_customer(customer=alice.customer, by=dan))
    assert archive.testzip() is None and f"tickets/{full_ticket.number}.json" in archive.namelist()


def test_votes_of_an_anonymised_reader_stay_counted_without_comment(alice, bob, dan):
    article = knowledge_services.write_article(by=bob, title="T", content="c", status="published")
    knowledge_services.vote(article=article, by=alice, is_helpful=False, comment="I am Alice")
    archive = exported(services.export_customer(customer=alice.customer, by=dan))
    assert json.loads(archive.read("articles.json"))["votes"][0]["comment"] == "I am Alice"
    services.anonymise_customer(customer=alice.customer, by=dan, confirmation=alice.email)
    article.refresh_from_db()
    vote = article.votes_cast.get()
    assert (article.unhelpful, vote.user, vote.comment) == (1, None, "")


def test_versions_of_an_anonymised_author_have_no_name(bob, dan):
    article = knowledge_services.write_article(by=bob, title="T", content="c")
    archive = exported(services.export_person(person=bob, by=dan))
    assert json.loads(archive.read("articles.json"))["written"][0]["title"] == "T"
    accounts_services.deactivate_person(person=bob, by=dan)
    services.anonymise_person(person=bob, by=dan, confirmation=bob.email)
    assert str(article.versions.get().by) == "Anonymous"
