"""An admin sets up a mailbox in the browser, and its test says what a real server answers."""

import pytest

from appliance.core.models import AuditEntry
from appliance.mail.models import Mailbox
from tests.mail.dovecot import PASSWORD


@pytest.fixture
def fields(dovecot) -> dict[str, str]:
    """What an admin enters in the form."""
    return {
        "name": "Desk",
        "is_active": "on",
        "kind": "imap",
        "host": "localhost",
        "port": str(dovecot.port),
        "security": "tls",
        "ca_certificate": dovecot.certificates.ca_pem,
        "user": "desk",
        "password": PASSWORD,
        "folder": "INBOX",
        "after_reading": "seen",
        "poll_seconds": "60",
        "unknown_senders": "create",
        "spam": "hold",
    }


def test_working_mailbox_is_tested_and_added(dan_client, fields):
    text = dan_client.post("/manage/mailboxes/test/", fields).content.decode()
    assert "Connected and logged in." in text and not Mailbox.objects.exists()
    dan_client.post("/manage/mailboxes/add/", fields)
    assert Mailbox.objects.get().password == PASSWORD
    entry = AuditEntry.objects.get(verb="added", kind="mailbox")
    assert PASSWORD not in str(entry.data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "refuses user name or password"),
        ({"ca_certificate": ""}, "SHA-256 fingerprint"),
        ({"folder": "Nowhere"}, "The server has: "),
        ({"host": "no-such-host.invalid"}, "is unknown"),
        ({"ca_certificate": "no certificate"}, "not a certificate in PEM format"),
    ],
)
def test_failed_test_names_the_fault_and_keeps_what_was_typed(dan_client, fields, change, words):
    response = dan_client.post("/manage/mailboxes/test/", fields | change)
    text = response.content.decode()
    assert response.status_code == 400 and words in text
    assert 'value="desk"' in text


def test_stored_password_is_not_shown_and_goes_to_no_other_server(dan_client, fields, imap_mailbox):
    page = f"/manage/mailboxes/{imap_mailbox.pk}/"
    assert PASSWORD not in dan_client.get(page).content.decode()
    without_password = fields | {"password": ""}
    tested = dan_client.post(f"{page}test/", without_password).content.decode()
    assert "Connected and logged in." in tested
    elsewhere = dan_client.post(page, without_password | {"host": "127.0.0.1"})
    assert "Enter the password again" in elsewhere.content.decode()
    dan_client.post(page, without_password | {"name": "Renamed"})
    imap_mailbox.refresh_from_db()
    assert (imap_mailbox.name, imap_mailbox.password) == ("Renamed", PASSWORD)
