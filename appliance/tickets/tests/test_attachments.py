import uuid

import pytest
from django.http import Http404
from django.urls import reverse

from appliance.core.errors import BadInputError
from appliance.core.models import SiteSettings
from appliance.files import storage
from appliance.tickets import queries, services
from appliance.tickets.models import Attachment, Message
from appliance.tickets.tests.conftest import PNG, upload


@pytest.fixture(autouse=True)
def own_disk(settings, tmp_path):
    settings.DATA = tmp_path


def on_disk() -> int:
    return len([*storage.root().glob("??/*")])


@pytest.fixture
def sent(ticket, bob) -> Attachment:
    """With an answer of Bob's."""
    return services.reply(ticket=ticket, by=bob, body="See.", files=[upload()]).attachments.get()


@pytest.fixture
def noted(ticket, bob) -> Attachment:
    """With an internal note of Bob's."""
    return services.add_note(ticket=ticket, by=bob, body="Hm", files=[upload()]).attachments.get()


def test_files_stand_with_the_message_they_came_with(ticket, sent, alice):
    [message] = queries.list_messages(alice, ticket)
    assert message.files == [sent] and sent.is_shown_inline


def test_files_of_a_new_ticket_stand_with_its_opening(alice):
    opened = services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, files=[upload("log.txt")]
    )
    assert [one.file.name for one in queries.list_first_message_files(opened)] == ["log.txt"]


def test_form_sent_twice_keeps_its_files_once(ticket, bob):
    key = uuid.uuid4()
    for _ in range(2):
        services.reply(ticket=ticket, by=bob, body="x", files=[upload()], idempotency_key=key)
    assert Attachment.objects.count() == on_disk() == 1


def test_ticket_opened_twice_keeps_its_files_once(alice):
    words = {"customer": alice.customer, "subject": "s", "description": "d", "by": alice}
    key = uuid.uuid4()
    for _ in range(2):
        services.create_ticket(**words, files=[upload()], idempotency_key=key)
    assert Attachment.objects.count() == on_disk() == 1


def test_one_file_too_large_sends_nothing(ticket, bob):
    SiteSettings.objects.create(max_attachment_mb=1)
    files = [upload(), upload("film.mp4", b"x" * (1024 * 1024 + 1))]
    with pytest.raises(BadInputError, match=r"film\.mp4"):
        services.reply(ticket=ticket, by=bob, body="x", files=files)
    assert not Message.objects.exists() and on_disk() == 0


def test_reply_that_fails_after_its_files_leaves_none(ticket, bob, monkeypatch):
    monkeypatch.setattr(services.messages, "change_status", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.reply(ticket=ticket, by=bob, body="x", files=[upload()])
    assert not Attachment.objects.exists() and on_disk() == 0


def test_who_reads_the_message_gets_the_file(sent, alice, carol, bob):
    assert queries.access_attachment(alice, sent.pk) == sent
    assert queries.access_attachment(bob, sent.pk) == sent
    with pytest.raises(Http404):
        queries.access_attachment(carol, sent.pk)


def test_files_of_notes_are_for_agents(noted, alice, bob):
    assert queries.access_attachment(bob, noted.pk) == noted
    with pytest.raises(Http404):
        queries.access_attachment(alice, noted.pk)


def test_guest_gets_the_files_of_their_ticket_alone(alice, sent):
    opened = services.create_ticket(
        customer=alice.customer,
        subject="s",
        description="d",
        by=None,
        files=[upload()],
        guest_token="secret",
    )
    own = opened.attachments.get()
    assert queries.access_guest_ticket("secret") == opened
    assert queries.access_guest_attachment("secret", own.pk) == own
    for token, pk in (("secret", sent.pk), ("guess", own.pk), ("", sent.pk)):
        with pytest.raises(Http404):
            queries.access_guest_attachment(token, pk)


def test_a_conversation_with_files_takes_few_queries(
    ticket, alice, bob, django_assert_max_num_queries
):
    for number in range(10):
        services.reply(ticket=ticket, by=bob, body=str(number), files=[upload(), upload()])
    with django_assert_max_num_queries(3):
        assert sum(len(said.files) for said in queries.list_messages(alice, ticket)) == 20


# --- over HTTP


def fetch(client, viewer, attachment):
    client.force_login(viewer)
    return client.get(reverse("attachment", args=[attachment.pk]))


def test_image_is_shown_and_runs_nothing(client, sent, alice):
    answer = fetch(client, alice, sent)
    assert b"".join(answer.streaming_content) == PNG
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"].startswith("inline")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "private" in answer["Cache-Control"]


@pytest.mark.parametrize("name", ["x.svg", "x.html", "x.png", "x.js"])
def test_drawings_and_pages_are_only_downloaded_whatever_they_are_called(
    client, ticket, alice, bob, name
):
    harm = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    message = services.reply(ticket=ticket, by=bob, body="x", files=[upload(name, harm)])
    answer = fetch(client, alice, message.attachments.get())
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_strange_names_stay_names(client, ticket, alice, bob):
    odd = 'a"b; filename=evil.html Ünï.txt'
    message = services.reply(ticket=ticket, by=bob, body="x", files=[upload(odd, b"text")])
    answer = fetch(client, alice, message.attachments.get())
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''a%22b")


def test_file_that_is_gone_from_the_disk_is_not_found(client, sent, alice):
    storage.remove(sent.file_id)
    assert fetch(client, alice, sent).status_code == 404
