"""Mail servers deliver to the listener by LMTP or SMTP; it says 250 once the e-mail is stored."""

import smtplib
import socket
from ipaddress import ip_network

import pytest
from django.db import OperationalError

from appliance.mail import services
from appliance.mail.listener import Connection, Listener
from appliance.mail.models import InboundEmail, Mailbox, MailSettings
from appliance.mail.tests.conftest import DESK, compose
from appliance.notifications.models import SenderAddress
from appliance.tickets.reply_tokens import address_with_token, make_token

WARD = "ward@example.org"
MTA = "mta@example.org"


@pytest.fixture
def listen(mailbox):
    """Return a function that starts the listener with some settings and returns its port."""
    listener = Listener()

    def start(**settings: object) -> int:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        MailSettings.objects.update_or_create(
            pk=1, defaults={"is_listening": True, "port": port, **settings}
        )
        listener.update()
        return port

    yield start
    listener.stop()


@pytest.mark.django_db(transaction=True)
def test_delivery_by_lmtp_is_stored_once_and_confirmed_for_each_recipient(listen):
    ward = SenderAddress.objects.create(address=WARD)
    Mailbox.objects.create(name="Ward", kind="delivered", sender_address=ward)
    with smtplib.LMTP("127.0.0.1", listen()) as client:
        client.sendmail(MTA, [DESK, WARD], compose("Ümlaut"))
        assert client.getreply()[0] == 250  # for the second recipient (RFC 2033)
        assert InboundEmail.objects.get().envelope_recipients == [DESK, WARD]
        assert client.sendmail(MTA, [DESK], compose("Ümlaut")) == {}  # it did not hear the answer
    assert InboundEmail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_delivery_by_smtp_is_accepted_for_our_addresses_and_up_to_the_limit(listen, ticket):
    address = address_with_token(DESK, make_token(ticket.pk, f"c{ticket.customer_id}"))
    with smtplib.SMTP("127.0.0.1", listen(protocol="smtp", max_message_mb=1)) as client:
        client.sendmail(MTA, [address], compose())
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="550"):
            client.sendmail(MTA, ["somebody@elsewhere.example"], compose())
        with pytest.raises(smtplib.SMTPSenderRefused, match="552"):  # by the SIZE it announces
            client.sendmail(MTA, [DESK], compose("line\n" * 400_000))
    services.process_received()
    assert InboundEmail.objects.count() == 1 and ticket.messages.count() == 1


@pytest.mark.django_db(transaction=True)
def test_delivery_waits_at_the_mail_server_while_the_database_is_away(listen, monkeypatch):
    port = listen(protocol="smtp")
    with monkeypatch.context() as patch, smtplib.SMTP("127.0.0.1", port) as client:
        patch.setattr(services, "receive", raise_database_error)
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            client.sendmail(MTA, [DESK], compose())
    monkeypatch.setattr(Connection, "_is_admitted", lambda connection, peer: False)
    with pytest.raises(smtplib.SMTPConnectError, match="554"):
        smtplib.SMTP("127.0.0.1", port)


def raise_database_error(**arguments: object) -> None:
    raise OperationalError


@pytest.mark.parametrize(
    ("peer", "is_admitted"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_networks_of_the_settings_decide_who_may_deliver(peer, is_admitted):
    connection = object.__new__(Connection)
    connection.networks = (ip_network("10.1.0.0/16"),)
    assert connection._is_admitted(peer) is is_admitted
