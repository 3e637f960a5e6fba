"""What is inside of an e-mail: character sets, Outlook, signed parts, invitations, bounces."""

import base64
import struct
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from tnefparse import TNEF

from appliance.mail.parsing import FailedRecipient, NoteKind, parse_email
from appliance.mail.parsing.tnef import SIGNATURE
from appliance.mail.tests.test_parsing import email

GERMAN, POLISH, JAPANESE = "Größe prüfen – „bitte“ 5 €", "Zażółć gęślą jaźń", "プリンターの故障①"


def in_charset(text: str, codec: str, declared: str) -> str:
    raw = email(text.encode(codec), content_type=f"text/plain; charset={declared}")
    return parse_email(raw).text


@pytest.mark.parametrize(
    ("text", "codec", "declared"),
    [
        (GERMAN, "cp1252", "iso-8859-1"),
        (GERMAN, "cp1252", "us-ascii"),
        (GERMAN, "utf-8", "iso-8859-1"),  # a lie that is common
        (GERMAN, "cp1252", "utf-8"),  # and the other way round
        (GERMAN, "utf-8", "x-unknown"),
        (GERMAN, "utf-16", "utf-16"),
        (POLISH, "iso-8859-2", "ISO-8859-2"),
        (POLISH, "cp1250", "windows-1250"),
        (JAPANESE, "cp932", "Shift_JIS"),
        (JAPANESE[:-1], "iso2022_jp", "ISO-2022-JP"),
        (JAPANESE[:-1], "iso2022_jp", "us-ascii"),
        (JAPANESE[:-1], "euc_jp", "EUC-JP"),
        ("打印机坏了 㐀", "gb18030", "gb2312"),
        ("프린터 똠방각하", "cp949", "ks_c_5601-1987"),
        ("Принтер сломан", "koi8-r", "koi8-r"),
    ],
)
def test_text_is_read_in_its_character_set(text, codec, declared):
    assert in_charset(text, codec, declared) == text


def test_utf7_is_refused():
    raw = email(b"+ADw-script+AD4-", content_type="text/plain; charset=utf-7")
    assert parse_email(raw).text == "+ADw-script+AD4-"


def test_unknown_character_set_is_named_in_a_note():
    parsed = parse_email(email("Größe".encode("cp1252"), content_type="text/plain; charset=foo"))
    assert parsed.text == "Größe"
    assert parsed.notes[0].text == (
        "The character set “foo” is not known. Some characters may be wrong."
    )


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?b?R3LDtsOf?= =?utf-8?b?ZQ==?=",
        "=?utf-8?B?R3LD?= =?utf-8?B?tsOfZQ==?=",  # a character cut in two
        "=?iso-8859-1?q?Gr=F6=DFe?=",
        "Größe",
    ],
)
def test_subject_is_decoded(subject):
    assert parse_email(email(subject=subject)).subject == "Größe"
    assert parse_email(email().replace(b"from:", b"subject: Gr\xf6\xdfe\r\nfrom:")).subject == (
        "Größe"
    )


def test_flowed_lines_are_joined():
    body = "The printer on \r\nward 3 prints \r\nblank pages.\r\n\r\n-- \r\nAlice\r\n"
    parsed = parse_email(email(body, content_type="text/plain; format=flowed"))
    assert parsed.text == "The printer on ward 3 prints blank pages."
    assert parsed.signature == "Alice"


def test_file_name_is_decoded_however_it_is_sent():
    for disposition in (
        "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.txt",
        "attachment; filename*0*=utf-8''Gr%C3%B6; filename*1*=%C3%9Fe; filename*2=.txt",
        'attachment; filename="=?utf-8?q?Gr=C3=B6=C3=9Fe.txt?="',
        'attachment; filename="C:\\\\x\\\\Größe.txt"',
    ):
        parsed = parse_email(email(content_disposition=disposition))
        assert [file.name for file in parsed.attachments] == ["Größe.txt"]


def multipart(subtype: str, *parts: bytes, parameters: str = "") -> bytes:
    body = b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts) + b"--frontier--\r\n"
    return email(body, content_type=f"multipart/{subtype}; boundary=frontier{parameters}")


def part(content_type: str, content: bytes, **headers: str) -> bytes:
    lines = {"content_type": content_type, "content_transfer_encoding": "base64"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + base64.encodebytes(content)


def test_inline_picture_is_marked():
    html = part("text/html; charset=utf-8", b'Look: <img src="cid:shot@x"><img src="cid:other">')
    picture = part("image/png", b"\x89PNG", content_id="<shot@x>", content_disposition="inline")
    parsed = parse_email(multipart("related", html, picture))
    assert [(file.is_inline, file.content_id) for file in parsed.attachments] == [(True, "shot@x")]


def test_plain_text_is_preferred_and_html_is_shown():
    parsed = parse_email(
        multipart("alternative", part("text/plain", b"plain"), part("text/html", b"<b>rich</b>"))
    )
    assert (parsed.text, parsed.html) == ("plain", "<b>rich</b>")


def test_texts_around_a_picture_are_joined():
    parsed = parse_email(
        multipart(
            "mixed",
            part("text/plain", b"before"),
            part("image/png", b"x", content_disposition="inline; filename=a.png"),
            part("text/plain", b"after"),
        )
    )
    assert parsed.text == "before\n\nafter"
    assert [file.name for file in parsed.attachments] == ["a.png"]


def test_forwarded_email_is_attached():
    parsed = parse_email(
        multipart(
            "mixed",
            b"\r\nSee:",
            b"content-type: message/rfc822\r\n\r\n" + email(subject="Old: a/b"),
        )
    )
    assert [file.name for file in parsed.attachments] == ["Old_ a_b.eml"]


# --- Outlook


def tnef_object(level: int, name: int, data: bytes) -> bytes:
    checksum = struct.pack("<H", sum(data) & 0xFFFF)
    return struct.pack("<BHHI", level, name, 6, len(data)) + data + checksum


def tnef_properties(*properties: tuple[int, str]) -> bytes:
    data = struct.pack("<I", len(properties))
    for key, text in properties:
        value = (text + "\0").encode("utf-16-le")
        padding = bytes(-len(value) % 4)
        data += struct.pack("<HHII", 0x1F, key, 1, len(value)) + value + padding
    return data


WINMAIL = (
    SIGNATURE
    + b"\1\0"
    + tnef_object(1, 0x9007, struct.pack("<II", 1252, 0))
    + tnef_object(1, 0x9003, tnef_properties((0x1000, "Der Text aus Outlook, größer.")))
    + tnef_object(2, 0x9002, bytes(14))
    + tnef_object(2, 0x8010, b"RECHNU~1.PDF\0")
    + tnef_object(2, 0x800F, b"%PDF-1")
    + tnef_object(2, 0x9005, tnef_properties((0x3707, "Rechnung März.pdf")))
)


def test_winmail_dat_gives_text_and_attachments():
    raw = multipart("mixed", part("application/ms-tnef; name=winmail.dat", WINMAIL))
    parsed = parse_email(raw)
    assert parsed.text == "Der Text aus Outlook, größer."
    assert [(f.name, f.content) for f in parsed.attachments] == [("Rechnung März.pdf", b"%PDF-1")]


def test_another_reader_of_winmail_dat_agrees():
    (attachment,) = TNEF(WINMAIL).attachments
    assert (attachment.long_filename(), attachment.data) == ("Rechnung März.pdf", b"%PDF-1")


def test_broken_winmail_dat_stays_attached():
    parsed = parse_email(multipart("mixed", part("application/ms-tnef", WINMAIL[:-30])))
    assert [note.kind for note in parsed.notes] == [NoteKind.BROKEN_TNEF]
    assert len(parsed.attachments) == 1


# --- signed and encrypted


@pytest.fixture(scope="module")
def signer():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Alice")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()), key


def sign(content: bytes, signer, *options: pkcs7.PKCS7Options, encoding=serialization.Encoding.DER):
    certificate, key = signer
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    return builder.add_signer(certificate, key, hashes.SHA256()).sign(encoding, list(options))


def test_opaque_smime_shows_its_content(signer):
    signed = sign(part("text/plain; charset=utf-8", "Geprüft".encode()), signer)
    raw = email(
        base64.encodebytes(signed),
        content_type="application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        content_transfer_encoding="base64",
    )
    parsed = parse_email(raw)
    assert (parsed.text, parsed.is_signed, parsed.attachments) == ("Geprüft", True, ())
    assert parsed.notes[0].text == "The e-mail is signed. The signature was not verified."


def test_clear_signed_smime_shows_its_content(signer):
    raw = sign(
        b"Content-Type: text/plain\r\n\r\nHello\r\n",
        signer,
        pkcs7.PKCS7Options.DetachedSignature,
        encoding=serialization.Encoding.SMIME,
    )
    parsed = parse_email(b"From: alice@example.org\r\n" + raw)
    assert (parsed.text, parsed.is_signed, parsed.attachments) == ("Hello", True, ())


def test_encrypted_email_says_so():
    info = cms.ContentInfo({"content_type": "enveloped_data"})
    raw = email(
        base64.encodebytes(info.dump()),
        content_type="application/pkcs7-mime; name=smime.p7m",
        content_transfer_encoding="base64",
    )
    parsed = parse_email(raw)
    assert parsed.is_encrypted and parsed.notes[0].kind == NoteKind.ENCRYPTED
    assert [file.name for file in parsed.attachments] == ["smime.p7m"]


def test_pgp_armour_is_removed():
    body = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n- -- done\n"
        "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
    )
    parsed = parse_email(email(body))
    assert (parsed.text, parsed.is_signed) == ("Hello\n-- done", True)
    assert parse_email(email("-----BEGIN PGP MESSAGE-----\n\nabc")).is_encrypted


# --- invitations and bounces

INVITATION = """\
BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
SUMMARY:Replace the printer\\, ward 3
DTSTART;TZID=Europe/Berlin:20261201T140000
DTEND;TZID=Europe/Berlin:20261201T150000
LOCATION:Room
  7
ORGANIZER;CN="Bob Test":mailto:bob@example.org
END:VEVENT
END:VCALENDAR
"""


def test_invitation_is_readable():
    raw = multipart(
        "alternative",
        part("text/plain", b"Please come."),
        part("text/calendar", INVITATION.encode()),
    )
    assert parse_email(raw).text == (
        "Please come.\n\n"
        "Invitation: Replace the printer, ward 3\n"
        "When: 2026-12-01 14:00 (Europe/Berlin) – 2026-12-01 15:00 (Europe/Berlin)\n"
        "Where: Room 7\n"
        "Organiser: Bob Test <bob@example.org>"
    )


STATUS = b"""\
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; Alice@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

Final-Recipient: rfc822; carol@example.org
Action: delayed
Status: 4.4.1
"""


def test_bounce_names_recipients_and_the_original():
    original = (
        b"Content-Type: text/rfc822-headers\n\nMessage-ID: <orig@desk>\nTo: alice@example.org\n"
    )
    raw = multipart(
        "report", b"\r\nSorry.", STATUS, original, parameters="; report-type=delivery-status"
    )
    parsed = parse_email(raw)
    assert parsed.is_bounce and parsed.is_auto_submitted
    assert parsed.bounce.original_message_id == "orig@desk"
    failed, delayed = parsed.bounce.recipients
    assert failed == FailedRecipient(
        "alice@example.org", "failed", "5.1.1", "550 5.1.1 User unknown"
    )
    assert failed.is_permanent and not delayed.is_permanent


def test_bounce_without_a_report_is_recognised():
    raw = email(
        "Sorry.\n\nMessage-ID: <orig@desk>\n",
        **{"from": "MAILER-DAEMON@example.org", "subject": "Undelivered Mail Returned to Sender"},
        x_failed_recipients="alice@example.org",
    )
    bounce = parse_email(raw).bounce
    assert [recipient.email for recipient in bounce.recipients] == ["alice@example.org"]
    assert bounce.original_message_id == "orig@desk"


def test_read_receipt_is_no_bounce():
    raw = multipart("report", b"\r\nRead.", parameters="; report-type=disposition-notification")
    assert not parse_email(raw).is_bounce and parse_email(raw).is_auto_submitted
