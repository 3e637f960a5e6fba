"""Two help desks whose addresses got wired to each other do not write to each other for ever."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core import mail
from django.test import override_settings

from appliance.mail import services
from appliance.mail.models import Mailbox
from appliance.mail.tests.conftest import compose
from appliance.notifications import services as notifications_services
from appliance.notifications.models import SenderAddress

ROUNDS = 100
NAMES = ("north", "south")


def address(name: str) -> str:
    return f"desk@{name}.example"


@contextmanager
def acting_as(name: str) -> Iterator[Mailbox]:
    """Be one of two installations, each with its key, its address and its mailbox.

    Their tables are the same, which changes nothing: what a desk has is under its own address.
    """
    SenderAddress.objects.update(address=address(name))
    with override_settings(SECRET_KEY=f"the key of the {name}", EMAIL_HOST="mail.example"):
        yield Mailbox.objects.get()


def receive_and_answer(name: str, sources: list[bytes]) -> list[bytes]:
    """Let a desk take in e-mails and return those it sends."""
    mail.outbox.clear()
    with acting_as(name) as mailbox:
        for source in sources:
            services.receive(mailbox=mailbox, source=source)
        services.process_received()
        notifications_services.send_due()
    return [message.message().as_bytes() for message in mail.outbox]


@pytest.mark.parametrize("accepts_automatic", [False, True])
def test_two_desks_send_each_other_at_most_two_automatic_emails(mailbox, accepts_automatic):
    Mailbox.objects.update(accepts_automatic=accepts_automatic)
    # the one e-mail of a person, sent on from the address of the other desk
    post = {"north": [compose(sender=address("south"), to=address("north"))], "south": []}
    count = 0
    for _round in range(ROUNDS):
        for name, other in (NAMES, NAMES[::-1]):
            answers = receive_and_answer(name, post[name])
            post[name] = []
            post[other] += answers
            count += len(answers)
        if not any(post.values()):  # nothing is under way, and nothing will be
            break
    assert count == 1  # the acknowledgement, which says that a machine has sent it
