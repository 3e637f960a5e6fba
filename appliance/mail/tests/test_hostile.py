"""Hostile e-mails: each costs less than a second of CPU, and none raises another error.

The stdlib parser needs 26 s for 50,000 addresses. Times are bounds of order, not benchmarks.
"""

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mail.parsing import UnreadableEmailError, parse_email
from appliance.mail.parsing.emails import DEFAULT_OPTIONS, read_email
from appliance.mail.parsing.quotes import split_reply
from appliance.mail.tests.test_formats import WINMAIL, multipart, part, tnef_object
from appliance.mail.tests.test_parsing import email

MAX_SECONDS = 1.0
KB, MB = 1024, 1024 * 1024


def html(source: bytes) -> bytes:
    return email(source, content_type="text/html")


def nested(depth: int) -> bytes:
    """Return parts in parts in parts."""
    heads = (
        b"content-type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(depth)
    )
    return b"From: alice@example.org\n" + b"".join(heads) + b"\nHello"


def nested_emails(depth: int) -> bytes:
    return email(b"content-type: message/rfc822\r\n\r\n" * depth, content_type="message/rfc822")


def header(name: str, value: bytes) -> bytes:
    return b"From: alice@example.org\r\n" + name.encode() + b": " + value + b"\r\n\r\nHello"


def der_of_depth(depth: int) -> bytes:
    """Return ASN.1 sequences of indefinite length, one in the other."""
    return b"\x30\x80" * depth


def smime(data: bytes) -> bytes:
    return multipart("mixed", part("application/pkcs7-mime; smime-type=signed-data", data))


def winmail(data: bytes) -> bytes:
    return multipart("mixed", part("application/ms-tnef", data))


FOUR_BILLION = struct.pack("<I", 0xFFFFFFFF)
# made when they are needed: together they are large
GALLERY = {
    "50,000 addresses": lambda: header(
        "To", b", ".join(b"u%d@example.org" % i for i in range(50_000))
    ),
    "50,000 To headers": lambda: b"To: u@example.org\n" * 50_000 + email(),
    "5 MB header": lambda: header("X-Long", b"x" * 5 * MB),
    "5 MB folded header": lambda: header("Subject", b"x\r\n " * (5 * MB // 4)),
    "encoded words": lambda: header("Subject", b"=?utf-8?q?a?= " * 100_000),
    "unfinished encoded words": lambda: header("Subject", b"=?utf-8?q?" * 100_000),
    "open comments": lambda: header("To", b"(" * 32_000),
    "open quotes": lambda: header("To", b'"' * 31_999),
    "open brackets": lambda: header("To", b"<" * 32_000),
    "comments in a date": lambda: header("Date", b"(" * 32_000),
    "continued parameters": lambda: header(
        "Content-Type", b"text/plain" + b";a*%d*=x" * 4_000 % (*range(4_000),)
    ),
    "open parameters": lambda: header("Content-Type", b"text/plain" + b';a="' * 8_000),
    "blank parameters": lambda: header("Content-Type", b"text/plain;" + b" " * 32_000 + b"a"),
    "Message-IDs": lambda: header("References", b"<a@b> " * 5_000),
    "open Message-IDs": lambda: header("References", b"<a" * 15_000),
    "10,000 parts": lambda: multipart("mixed", *[b"\r\nHello"] * 10_000),
    "10,000 files": lambda: multipart("mixed", *[part("image/png", b"x")] * 10_000),
    "depth 500": lambda: nested(500),
    "depth 20,000": lambda: nested(20_000),
    "500 e-mails in e-mails": lambda: nested_emails(500),
    "boundary in each line": lambda: email(
        b"--b\n" * 500_000, content_type="multipart/mixed; boundary=b"
    ),
    "boundary of one blank": lambda: email(
        b"-- \n" * 100_000, content_type='multipart/mixed; boundary=" "'
    ),
    "quoted-printable": lambda: email(
        b"=41" * 3 * MB, content_transfer_encoding="quoted-printable"
    ),
    "broken quoted-printable": lambda: email(
        b"=" * 5 * MB, content_transfer_encoding="quoted-printable"
    ),
    "base64": lambda: email(b"QUFB" * 5 * MB, content_transfer_encoding="base64"),
    "broken base64": lambda: email(b"A=" * 5 * MB, content_transfer_encoding="base64"),
    "20,000 deep HTML": lambda: html(b"<div>" * 20_000 + b"Hello"),
    "formatting in each paragraph": lambda: html(b"<p><font size=1>" * 20_000 + b"Hello"),
    "tables in tables": lambda: html(b"<table><tr><td>" * 6_000),
    "open tags": lambda: html(b"<" * MB),
    "open attributes": lambda: html(b'<a href="' * 100_000),
    "open comments in HTML": lambda: html(b"<!--" * 250_000),
    "open scripts": lambda: html(b"<script>" * 125_000),
    "attributes": lambda: html(b"<a " + b'a="b" ' * 160_000 + b">Hello"),
    "styles": lambda: html(b'<p style="' + b"color:red;" * 100_000 + b'">Hello'),
    "ampersands": lambda: html(b"&" * MB),
    "entities": lambda: html(b"&amp;" * 200_000),
    "select in select": lambda: html(b"<select>" * 15_000),
    "quotation marks": lambda: email(b"> " * 500_000),
    "quotation of 500,000 lines": lambda: email(b"> a\n" * 500_000),
    "gaps between quotations": lambda: email(b"> a\n\n" * 100_000 + b"x"),
    "attributions": lambda: email(b"On 1 wrote:\nOn 2 wrote\nOn\n" * 40_000),
    "headers in the text": lambda: email(b"From: x\nFrom: y\nTo: z\n" * 40_000),
    "a line of 5 MB": lambda: email(b"a" * 5 * MB),
    "blanks": lambda: email(b" " * 5 * MB),
    "line ends": lambda: email(b"\n" * 5 * MB),
    "carriage returns": lambda: b"\r" * 5 * MB + b"From: alice@example.org",
    "flowed lines": lambda: email(b"a \n" * 300_000, content_type="text/plain; format=flowed"),
    "open PGP": lambda: email(b"-----BEGIN PGP SIGNED MESSAGE-----\n" * 20_000),
    "blanks in PGP": lambda: email(b"-----BEGIN PGP SIGNED MESSAGE-----\n" + b"a\n" * 300_000),
    "TNEF of empty objects": lambda: winmail(WINMAIL[:6] + tnef_object(2, 0x9002, b"") * 300_000),
    "TNEF of four billion properties": lambda: winmail(
        WINMAIL[:6] + tnef_object(1, 0x9003, FOUR_BILLION * 9)
    ),
    "TNEF of four billion values": lambda: winmail(
        WINMAIL[:6] + tnef_object(1, 0x9003, struct.pack("<IHHI", 1, 0x1002, 1, 0xFFFFFFFF))
    ),
    "TNEF of 20 MB": lambda: winmail(WINMAIL + tnef_object(2, 0x800F, bytes(15 * MB))),
    "S/MIME in S/MIME": lambda: smime(der_of_depth(50_000)),
    "S/MIME of no bytes": lambda: smime(b""),
    "S/MIME of zeros": lambda: smime(bytes(5 * MB)),
    "calendar": lambda: multipart("mixed", part("text/calendar", b"BEGIN:VEVENT\n" * 20_000)),
    "folded calendar": lambda: multipart(
        "mixed", part("text/calendar", b"BEGIN:VEVENT\nSUMMARY:" + b"a\n " * 80_000)
    ),
    "open calendar": lambda: multipart(
        "mixed", part("text/calendar", b'BEGIN:VEVENT\nA;B="' + b'";"' * 60_000)
    ),
    "bounce of 100,000 recipients": lambda: multipart(
        "report",
        b"content-type: message/delivery-status\r\n\r\n"
        + b"final-recipient: rfc822; a@example.org\n\n" * 100_000,
    ),
    "NUL": lambda: email(b"\0" * MB, subject="a\0b"),
    "surrogates": lambda: email(
        b"\xed\xa0\x80" * 100_000, content_type="text/plain; charset=utf-8"
    ),
    "UTF-16 of surrogates": lambda: email(
        b"\x00\xd8" * 100_000, content_type="text/plain; charset=utf-16-le"
    ),
    "punycode": lambda: email(b"a-" * 200_000, content_type="text/plain; charset=punycode"),
    "charset of bytes": lambda: email(b"abc" * 1_000, content_type="text/plain; charset=zlib"),
    "8-bit headers": lambda: (
        b"Fr\xf6m: x\r\n" * 1_000 + b"From: \xff\xfe <alice@example.org>\r\nSubject: \xff\r\n\r\nx"
    ),
}


@pytest.mark.parametrize("name", GALLERY)
def test_hostile_email_costs_little_and_is_read_as_far_as_it_can_be(name):
    raw = GALLERY[name]()
    for _attempt in range(3):  # other tests run beside it
        start = time.process_time()
        parsed = read_email(raw, DEFAULT_OPTIONS)
        seconds = time.process_time() - start
        if seconds < MAX_SECONDS:
            break
    assert seconds < MAX_SECONDS
    texts = [parsed.text, parsed.quoted_text, parsed.signature, parsed.html, parsed.subject]
    assert not any("\0" in text or any("\ud800" <= c <= "\udfff" for c in text) for text in texts)
    assert sum(map(len, texts)) < 6 * MB


def test_sender_is_found_behind_a_long_header():
    assert parse_email(header("X-Long", b"x" * 500 * KB)).sender.email == "alice@example.org"
    raw = b"X-Long: " + b"x" * 500 * KB + b"\r\n" + email(b"Hello")
    assert (parse_email(raw).sender.email, parse_email(raw).text) == ("alice@example.org", "Hello")


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"no e-mail at all", b"\0\0\0"])
def test_bytes_that_are_no_email_are_refused(raw):
    with pytest.raises(UnreadableEmailError):
        parse_email(raw)


# --- any bytes

FRAGMENTS = [
    *(b"From: ", b"To: ", b"Subject: ", b"Date: ", b"References: ", b"=?utf-8?b?", b"?="),
    *(b"(", b'"', b"<", b">", b"@", b",", b"> ", b"\n\n", b"\n--b\n", b"\n--c--\n", b"-- \n"),
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n",
    b"Content-Type: multipart/alternative; boundary=c\n\n--c\n",
    *(b"Content-Type: text/html; charset=", b"utf-8\n", b"utf-16\n", b"\x1b$B", b"\xff\xfe"),
    *(b"Content-Type: text/calendar\n\nBEGIN:VEVENT\n", b"DTSTART:20269999T999999\n"),
    *(b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n"),
    *(b"Content-Type: message/rfc822\n", b"Content-Type: message/delivery-status\n\n"),
    *(b"Final-Recipient: rfc822; a@b.c\n", b"Content-Type: application/ms-tnef\n\n"),
    *(WINMAIL[:60], WINMAIL[60:], b"Content-Type: application/pkcs7-mime\n\n"),
    *(b"\x30\x80", b"\x06\x09", b"Content-Disposition: attachment; filename*0*=", b"; a*1="),
    *(b"On 1 wrote:\n", b"From: x\nTo: y\nDate: z\n", b"-----BEGIN PGP SIGNED MESSAGE-----\n"),
    *(b"<a href=", b"<img src=cid:x>", b"<blockquote>", b"<pre>", b"</a>", b"&#0;", b"&#xd800;"),
]
ANY_EMAIL = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=30), max_size=40).map(b"".join)


@given(ANY_EMAIL)
def test_any_bytes_are_read_or_refused(raw):
    try:
        parsed = read_email(b"From: alice@example.org\n" + raw, DEFAULT_OPTIONS)
    except UnreadableEmailError:
        return
    texts = [parsed.text, parsed.quoted_text, parsed.signature, parsed.html, parsed.subject]
    texts += [parsed.message_id, *parsed.references, *parsed.recipients]
    texts += [name for file in parsed.attachments for name in (file.name, file.content_id)]
    for text in texts:
        assert "\0" not in text
        text.encode()  # no half of a surrogate pair


@given(st.text(alphabet="a>: \n-\tOn1wrote@_FromTSubjec", max_size=300))
def test_no_line_is_lost_between_text_quotation_and_signature(text):
    reply = split_reply(text)
    joined = "\n".join([reply.text, reply.quoted_text, reply.signature])
    lines = {line.strip() for line in joined.split("\n")}
    assert {line.strip() for line in text.split("\n")} - lines <= {"", "--"}
