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
def own_data_folder(settings, tmp_path):
    settings.DATA = tmp_path


def count_stored_files() -> int:
    return len([*storage.root().glob("??/*")])


@pytest.fixture
def attachment(ticket, bob) -> Attachment:
    """A file of a reply by Bob."""
    return services.reply(ticket=ticket, by=bob, body="See.", files=[upload()]).attachments.get()


@pytest.fixture
def note_attachment(ticket, bob) -> Attachment:
    """A file of an internal note by Bob."""
    return services.add_note(ticket=ticket, by=bob, body="Hm", files=[upload()]).attachments.get()


def test_files_of_a_reply_belong_to_its_message(ticket, attachment, alice):
    [message] = queries.list_messages(alice, ticket)
    assert message.files == [attachment] and attachment.is_shown_inline


def test_files_of_a_new_ticket_belong_to_no_message(alice):
    ticket = services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, files=[upload("log.txt")]
    )
    assert [file.file.name for file in queries.list_first_message_files(ticket)] == ["log.txt"]


def test_reply_sent_twice_stores_its_files_once(ticket, bob):
    key = uuid.uuid4()
    for _ in range(2):
        services.reply(ticket=ticket, by=bob, body="x", files=[upload()], idempotency_key=key)
    assert Attachment.objects.count() == count_stored_files() == 1


def test_ticket_created_twice_stores_its_files_once(alice):
    values = {"customer": alice.customer, "subject": "s", "description": "d", "by": alice}
    key = uuid.uuid4()
    for _ in range(2):
        services.create_ticket(**values, files=[upload()], idempotency_key=key)
    assert Attachment.objects.count() == count_stored_files() == 1


def test_reply_with_a_file_that_is_too_large_is_refused(ticket, bob):
    SiteSettings.objects.create(max_attachment_mb=1)
    files = [upload(), upload("film.mp4", b"x" * (1024 * 1024 + 1))]
    with pytest.raises(BadInputError, match=r"film\.mp4"):
        services.reply(ticket=ticket, by=bob, body="x", files=files)
    assert not Message.objects.exists() and count_stored_files() == 0


def test_failed_reply_leaves_no_files(ticket, bob, monkeypatch):
    monkeypatch.setattr(services.messages, "change_status", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.reply(ticket=ticket, by=bob, body="x", files=[upload()])
    assert not Attachment.objects.exists() and count_stored_files() == 0


def test_file_is_for_those_who_may_read_its_message(attachment, alice, carol, bob):
    assert queries.access_attachment(alice, attachment.pk) == attachment
    assert queries.access_attachment(bob, attachment.pk) == attachment
    with pytest.raises(Http404):
        queries.access_attachment(carol, attachment.pk)


def test_files_of_notes_are_for_agents_only(note_attachment, alice, bob):
    assert queries.access_attachment(bob, note_attachment.pk) == note_attachment
    with pytest.raises(Http404):
        queries.access_attachment(alice, note_attachment.pk)


def test_guest_gets_only_the_files_of_their_ticket(alice, attachment):
    ticket = services.create_ticket(
        customer=alice.customer,
        subject="s",
        description="d",
        by=None,
        files=[upload()],
        guest_token="secret",
    )
    own = ticket.attachments.get()
    assert queries.access_guest_ticket("secret") == ticket
    assert queries.access_guest_attachment("secret", own.pk) == own
    for token, pk in (("secret", attachment.pk), ("guess", own.pk), ("", attachment.pk)):
        with pytest.raises(Http404):
            queries.access_guest_attachment(token, pk)


def test_conversation_with_files_costs_three_queries(
    ticket, alice, bob, django_assert_max_num_queries
):
    for number in range(10):
        services.reply(ticket=ticket, by=bob, body=str(number), files=[upload(), upload()])
    with django_assert_max_num_queries(3):
        assert sum(len(message.files) for message in queries.list_messages(alice, ticket)) == 20


# --- over HTTP


def fetch(client, viewer, attachment):
    """Return the response with its ``body``; reading it closes the file."""
    client.force_login(viewer)
    response = client.get(reverse("attachment", args=[attachment.pk]))
    response.body = response.getvalue()
    return response


def test_image_is_shown_inline_in_a_sandbox(client, attachment, alice):
    response = fetch(client, alice, attachment)
    assert response.body == PNG
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["x.svg", "x.html", "x.png", "x.js"])
def test_active_content_is_only_downloaded(client, ticket, alice, bob, name):
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    message = services.reply(ticket=ticket, by=bob, body="x", files=[upload(name, svg)])
    response = fetch(client, alice, message.attachments.get())
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Type"] == "application/octet-stream"
    assert "sandbox" in response["Content-Security-Policy"]


def test_file_name_cannot_inject_header_fields(client, ticket, alice, bob):
    file_name = 'a"b; filename=evil.html Ünï.txt'
    message = services.reply(ticket=ticket, by=bob, body="x", files=[upload(file_name, b"text")])
    response = fetch(client, alice, message.attachments.get())
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''a%22b")


def test_file_missing_on_disk_is_not_found(client, attachment, alice):
    storage.remove(attachment.file_id)
    assert fetch(client, alice, attachment).status_code == 404
