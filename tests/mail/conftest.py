"""A Dovecot for the tests of one module, and a mailbox of the desk on it."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.mail import imap
from appliance.mail.models import Mailbox
from appliance.notifications.models import SenderAddress
from tests.mail.dovecot import PASSWORD, Dovecot, running_dovecot


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    # not tmp_path: the paths of Dovecot's sockets must be short
    base = Path(tempfile.mkdtemp(prefix="dovecot-"))
    try:
        with running_dovecot(base) as server:
            yield server
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def imap_mailbox(db, dovecot: Dovecot) -> Mailbox:
    """The mailbox of the desk on Dovecot, empty."""
    with dovecot.connected() as client:
        for folder in imap.list_folders(client):
            client.select_folder(folder)
            client.delete_messages(client.search(), silent=True)
            client.expunge()
    return Mailbox.objects.create(
        name="Desk",
        host="localhost",
        port=dovecot.port,
        user="desk",
        password=PASSWORD,
        ca_certificate=dovecot.certificates.ca_pem,
        sender_address=SenderAddress.objects.create(address="desk@example.org", is_default=True),
    )


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
