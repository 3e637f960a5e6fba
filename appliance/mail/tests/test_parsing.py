"""Ordinary e-mails of the common mail programs: what is text, what is a file, who sent it."""

from datetime import UTC, datetime
from email.message import EmailMessage

from appliance.mail.parsing import Address, NoteKind, ParsingOptions, parse_email
from appliance.tickets.email_marks import DESK_HEADER, REPLY_MARKERS


def email(body: str | bytes = b"Hello", **headers: str) -> bytes:
    """Return a raw e-mail of Alice; ``content_type="…"`` becomes Content-Type."""
    lines = {"from": "Alice Test <alice@example.org>", "to": "desk@example.org"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + (body.encode() if isinstance(body, str) else body)


def test_addresses_ids_and_date_are_read():
    parsed = parse_email(
        email(
            subject="=?utf-8?q?Drucker_f=C3=BCr?= =?utf-8?q?_Station_3?=",
            message_id="<1@example.org>",
            references="<a@x>\r\n <b@x>",
            in_reply_to="<b@x>",
            cc='"Test, Carol" <Carol@Example.org>, undisclosed:;',
            delivered_to="desk+1-c2-abc@example.org",
            date="Sun, 29 Nov 2026 10:00:00 +0100",
        )
    )
    assert parsed.sender == Address("alice@example.org", "Alice Test")
    assert parsed.cc == (Address("carol@example.org", "Test, Carol"),)
    assert parsed.recipients == (
        "desk@example.org",
        "carol@example.org",
        "desk+1-c2-abc@example.org",
    )
    assert parsed.subject == "Drucker für Station 3"
    assert (parsed.message_id, parsed.in_reply_to) == ("1@example.org", ("b@x",))
    assert parsed.references == ("a@x", "b@x")
    assert parsed.date == datetime(2026, 11, 29, 9, tzinfo=UTC)


def test_encoded_name_cannot_bring_another_address():
    parsed = parse_email(email(**{"from": "=?utf-8?q?dan=40example.org=2C?= <alice@example.org>"}))
    assert parsed.sender == Address("alice@example.org", "dan@example.org,")


def test_attachment_keeps_its_name_and_bytes():
    message = EmailMessage()
    message["From"], message["To"] = "alice@example.org", "desk@example.org"
    message.set_content("Siehe Anhang.")
    message.add_attachment(
        b"%PDF-1", maintype="application", subtype="pdf", filename="Rechnung für März.pdf"
    )
    parsed = parse_email(message.as_bytes())
    assert parsed.text == "Siehe Anhang."
    assert [(file.name, file.content) for file in parsed.attachments] == [
        ("Rechnung für März.pdf", b"%PDF-1")
    ]


def test_large_attachment_is_named_in_a_note():
    message = EmailMessage()
    message["From"] = "alice@example.org"
    message.set_content("Siehe Anhang.")
    for size in (3_000_000, 10):
        message.add_attachment(bytes(size), maintype="application", subtype="x", filename="a.bin")
    parsed = parse_email(message.as_bytes(), ParsingOptions(max_attachment_bytes=1024 * 1024))
    assert [len(file.content) for file in parsed.attachments] == [10]
    assert [note.text for note in parsed.notes] == [
        "1 attachment larger than 1 MB was left out. It is in the source of the e-mail."
    ]


def test_html_is_readable_as_text_and_safe():
    parsed = parse_email(
        email(
            '<p>Hello <b>Bob</b></p><script>alert(1)</script><img src="https://other.example/x">'
            '<img src="cid:logo"><a href="https://example.org/a">Manual</a>',
            content_type="text/html",
        )
    )
    assert parsed.text == "Hello Bob\n\nManual <https://example.org/a>"
    assert 'src="cid:logo"' in parsed.html and "other.example" not in parsed.html
    assert "alert" not in parsed.html
    assert [note.kind for note in parsed.notes] == [NoteKind.REMOTE_CONTENT]


def test_text_below_the_reply_marker_is_quoted():
    body = f"Works again.\n\nDesk skrifaði:\n\n--- {REPLY_MARKERS['de']} ---\n\nold"
    parsed = parse_email(email(body))
    assert parsed.text == "Works again."
    assert parsed.quoted_text.startswith("Desk skrifaði:")


def test_own_automatic_and_list_emails_are_recognised():
    own = email(**{DESK_HEADER: "abc"})
    assert parse_email(own, ParsingOptions(desk_id="abc")).is_from_this_desk
    assert not parse_email(own, ParsingOptions(desk_id="xyz")).is_from_this_desk
    assert parse_email(email(auto_submitted="auto-replied")).is_auto_submitted
    assert not parse_email(email(auto_submitted="no")).is_auto_submitted
    assert parse_email(email(list_id="<x.example.org>")).is_list
    assert parse_email(email(x_spam_flag="YES")).is_spam
    assert parse_email(email(return_path="<>")).return_path == ""


def test_sender_who_wants_no_automatic_answer_is_recognised():
    source = b"From: a@example.org\nX-Auto-Response-Suppress: DR, AutoReply\n\nText"
    email = parse_email(source)
    assert email.suppresses_answers and not email.is_auto_submitted
    assert not parse_email(b"From: a@example.org\n\nText").suppresses_answers
