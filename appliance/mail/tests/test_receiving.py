"""An e-mail is stored once with its source, however often it comes."""

import threading

import pytest
from django.db import connection

from appliance.files import queries as files_queries
from appliance.mail import services
from appliance.mail.identity import identify
from appliance.mail.models import InboundEmail, Mailbox
from appliance.mail.tests.conftest import compose


def test_source_is_kept_byte_for_byte(mailbox):
    source = compose("Ümlaut\r\n")
    email = services.receive(mailbox=mailbox, source=source)
    with files_queries.open_file(email.source) as stream:
        assert stream.read() == source
    assert email.source.content_type == "message/rfc822" and not email.source.is_image


def test_same_email_through_two_mailboxes_is_one(mailbox):
    other = Mailbox.objects.create(name="Ward", kind=Mailbox.Kind.DELIVERED)
    first = services.receive(mailbox=mailbox, source=compose())
    copy = b"Received: from relay.example.org\r\nDelivered-To: ward@example.org\r\n" + compose()
    assert services.receive(mailbox=other, source=copy) == first
    assert InboundEmail.objects.count() == 1


def test_same_place_on_the_server_is_one_email(mailbox):
    place = "imap://desk@mail.example.org/INBOX;UIDVALIDITY=1/;UID=7"
    first = services.receive(mailbox=mailbox, source=compose(), location=place)
    again = services.receive(mailbox=mailbox, source=compose("Cut"), location=place)
    assert again == first


def test_other_text_with_the_same_message_id_is_another_email(mailbox):
    services.receive(mailbox=mailbox, source=compose("One"))
    services.receive(mailbox=mailbox, source=compose("Two"))
    assert InboundEmail.objects.count() == 2


def test_equal_alerts_without_id_and_date_are_two():
    alert = b"From: ups@example.org\nSubject: Battery\n\nLow"
    first = identify(b"Received: at 10:00\n" + alert)
    assert first.digest != identify(b"Received: at 11:00\n" + alert).digest


def test_line_ends_do_not_make_another_email():
    source = compose()
    assert identify(source) == identify(source.replace(b"\r\n", b"\n"))


def test_folded_and_hostile_headers_are_identified_in_little_time():
    assert identify(b"Message-ID:\r\n <long@example.org>\r\n\r\nText").message_id == (
        "long@example.org"
    )
    hostile = b"Subject: " + b"\n " * 1_000_000 + b"\n\nText"
    assert len(identify(hostile).digest) == 64


@pytest.mark.django_db(transaction=True)
def test_email_received_by_two_processes_at_once_is_one(mailbox):
    barrier = threading.Barrier(4)
    emails = []

    def receive() -> None:
        barrier.wait()
        emails.append(services.receive(mailbox=mailbox, source=compose()).pk)
        connection.close()

    threads = [threading.Thread(target=receive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(emails) == 4 and len(set(emails)) == 1
    assert InboundEmail.objects.count() == 1
