"""E-mail is fetched from a real Dovecot: once, whole, and nothing is lost."""

import time

import pytest

from appliance import egress_guard
from appliance.files import queries as files_queries
from appliance.mail import imap, services
from appliance.mail.fetchers import Fetchers
from appliance.mail.models import InboundEmail, Mailbox, MailSettings
from appliance.mail.tests.conftest import compose


def fetch(mailbox: Mailbox) -> int:
    mailbox.refresh_from_db()
    with imap.connected(mailbox) as client:
        return services.fetch_new(client, mailbox)


def test_email_is_received_and_marked_as_read(dovecot, imap_mailbox):
    source = compose("Ümlaut and ✓")
    dovecot.deliver(source)
    assert fetch(imap_mailbox) == 1
    with files_queries.open_file(InboundEmail.objects.get().source) as stream:
        assert stream.read() == source
    assert dovecot.count("UNSEEN") == 0 and dovecot.count() == 1
    assert fetch(imap_mailbox) == 0


def test_email_read_by_somebody_else_first_is_received_too(dovecot, imap_mailbox):
    dovecot.deliver(compose("First", message_id="<1@x>"))
    fetch(imap_mailbox)
    dovecot.deliver(compose("Second", message_id="<2@x>"))
    with dovecot.connected() as client:
        client.select_folder("INBOX")
        client.add_flags(client.search(["UNSEEN"]), [rb"\Seen"])
    assert fetch(imap_mailbox) == 1


def test_old_email_that_was_read_before_the_mailbox_was_added_stays(dovecot, imap_mailbox):
    dovecot.deliver(compose())
    with dovecot.connected() as client:
        client.select_folder("INBOX")
        client.add_flags(client.search(), [rb"\Seen"])
    dovecot.deliver(compose("Unread", message_id="<unread@x>"))
    with dovecot.connected() as client:  # the unread one is the older
        client.select_folder("INBOX")
        old = client.search(["SEEN"])[0]
        client.copy([old], "INBOX")
        client.delete_messages([old], silent=True)
        client.expunge()
    assert [fetch(imap_mailbox) for _attempt in range(3)] == [1, 0, 0]


def test_email_is_moved_to_a_folder_that_is_created(dovecot, imap_mailbox):
    Mailbox.objects.update(after_reading="move", target_folder="Done/Größe")
    dovecot.deliver(compose())
    assert fetch(imap_mailbox) == 1
    assert dovecot.count() == 0 and dovecot.count(folder="Done/Größe") == 1


def test_email_whose_mark_was_lost_is_not_received_again(dovecot, imap_mailbox, monkeypatch):
    dovecot.deliver(compose())

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt  # as a kill between the commit and the mark

    with monkeypatch.context() as patch:
        patch.setattr(imap, "set_aside", die)
        with pytest.raises(KeyboardInterrupt):
            fetch(imap_mailbox)
    assert dovecot.count("UNSEEN") == 1
    assert fetch(imap_mailbox) == 0
    assert InboundEmail.objects.count() == 1 and dovecot.count("UNSEEN") == 0


def test_renumbered_folder_brings_nothing_twice(dovecot, imap_mailbox):
    dovecot.deliver(compose())
    fetch(imap_mailbox)
    Mailbox.objects.update(uid_validity=1, last_uid=0)
    InboundEmail.objects.update(location="imap://an/older;UIDVALIDITY=1/;UID=1")
    with dovecot.connected() as client:
        client.select_folder("INBOX")
        client.remove_flags(client.search(), [rb"\Seen"])
    fetch(imap_mailbox)
    assert InboundEmail.objects.count() == 1


def test_email_above_the_limit_is_received_in_part(dovecot, imap_mailbox):
    MailSettings.objects.create(max_message_mb=1)
    dovecot.deliver(compose("Text first.\n" + "x" * 70 * 1024 + "\n" + "line\n" * 500_000))
    assert fetch(imap_mailbox) == 1
    email = InboundEmail.objects.get()
    assert email.is_cut and email.size > 2_000_000 and email.source.size == imap.CUT_BYTES
    assert dovecot.count("SEEN") == 1


def test_starttls_and_a_password_beyond_ascii_work(dovecot, imap_mailbox):
    Mailbox.objects.update(security="starttls", port=dovecot.starttls_port)
    dovecot.deliver(compose())
    assert fetch(imap_mailbox) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "no-such-host.invalid"}, "unknown"),
        ({"port": 1}, "refuses connections"),
        ({"password": "wrong"}, "user name or password"),
        ({"folder": "Nowhere"}, "The server has: "),
        ({"ca_certificate": ""}, "Harbour test authority"),
        ({"security": "plain", "host": "mail.example.org"}, "on this machine"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(dovecot, imap_mailbox, change, words):
    Mailbox.objects.update(**change)
    with pytest.raises(imap.MailServerError, match=words):
        fetch(imap_mailbox)


def test_distrusted_certificate_is_named_with_its_fingerprint(dovecot, imap_mailbox):
    Mailbox.objects.update(ca_certificate="")
    with pytest.raises(imap.MailServerError, match=r"fingerprint: ([0-9A-F]{2}:){31}[0-9A-F]{2}"):
        fetch(imap_mailbox)


def test_server_without_tls_on_the_port_is_told(dovecot, imap_mailbox):
    Mailbox.objects.update(port=dovecot.starttls_port)
    with pytest.raises(imap.MailServerError, match="no TLS on port"):
        fetch(imap_mailbox)


def test_only_the_server_of_the_mailbox_can_be_reached(dovecot, imap_mailbox):
    with egress_guard.recording() as attempts, imap.connected(imap_mailbox) as client:
        client.noop()
        with pytest.raises(OSError, match="blocked"):
            imap.IMAPClient("other.example.org", timeout=1)
    assert attempts == ["other.example.org"]


def wait_until(is_true, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_announced_email_is_received_at_once(dovecot, imap_mailbox):
    Mailbox.objects.update(poll_seconds=3600)
    fetchers = Fetchers()
    fetchers.update()
    try:
        wait_until(lambda: Mailbox.objects.filter(last_success_at__isnull=False).exists())
        time.sleep(0.3)  # until the thread waits
        dovecot.deliver(compose())
        wait_until(InboundEmail.objects.exists)
    finally:
        fetchers.stop()


@pytest.mark.django_db(transaction=True)
def test_server_that_hangs_keeps_no_other_mailbox_waiting(dovecot, imap_mailbox, silent_server):
    Mailbox.objects.create(name="Hung", host="127.0.0.1", port=silent_server, user="x")
    dovecot.deliver(compose())
    fetchers = Fetchers()
    fetchers.update()
    try:
        wait_until(InboundEmail.objects.exists)
    finally:
        fetchers.stop()


@pytest.mark.django_db(transaction=True)
def test_failure_is_recorded_and_tried_again_after_a_growing_pause(dovecot, imap_mailbox):
    mailbox = imap_mailbox
    pauses = [services.record_failure(mailbox, "gone").total_seconds() for _ in range(6)]
    assert pauses == [60, 120, 240, 480, 900, 900]
    mailbox.refresh_from_db()
    assert mailbox.failing_since and mailbox.last_error == "gone"
    services.record_success(mailbox)
    mailbox.refresh_from_db()
    assert mailbox.failing_since is None and mailbox.last_error == ""
