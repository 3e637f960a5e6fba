"""Reports that an e-mail could not be delivered (RFC 3464), and what mail servers send instead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.clean_text import clean_line
from appliance.mail.parsing.headers import Headers, decode_words, find_address, parse_headers
from appliance.mail.parsing.limits import MAX_FAILED_RECIPIENTS, MAX_REPORT_BYTES
from appliance.mail.parsing.mime import Part

_DAEMON = re.compile(r"(mailer-daemon|postmaster|mail-daemon|maildaemon)@", re.IGNORECASE)
_SUBJECT = re.compile(
    r"(undeliver|delivery (status notification|failure|has failed)|failure notice|returned mail"
    r"|mail delivery (failed|failure|system)|unzustellbar|nicht zugestellt"
    r"|zustellung.{0,20}fehlgeschlagen|fehlgeschlagene zustellung)",
    re.IGNORECASE,
)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*<([^<>\s]{1,998})>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class FailedRecipient:
    """A recipient in a report; ``action`` is failed, delayed, delivered, relayed or expanded."""

    email: str
    action: str = "failed"
    status: str = ""  # such as 5.1.1
    reason: str = ""  # what the mail server said

    @property
    def is_permanent(self) -> bool:
        return self.action == "failed" and not self.status.startswith("4")


@dataclass(frozen=True)
class BounceReport:
    """Which recipients were not reached, and by which e-mail."""

    recipients: tuple[FailedRecipient, ...] = ()
    original_message_id: str = ""
    original_recipients: tuple[str, ...] = ()


def find_report(root: Part) -> BounceReport | None:
    """Return the report that an e-mail is, or None if it is something else."""
    parts = list(root.walk())
    report = next((part for part in parts if part.content_type == "message/delivery-status"), None)
    kind = root.parameters.get("report-type").lower()
    if root.content_type == "multipart/report" and kind not in ("", "delivery-status"):
        return None
    if not report and not _is_old_bounce(root.headers):
        return None
    original = _find_original(parts, root)
    addresses = [address.email for name in ("to", "cc") for address in original.addresses(name)]
    recipients = tuple(_read_recipients(report)) if report else ()
    if not recipients:
        failed = root.headers.addresses("x-failed-recipients")
        recipients = tuple(FailedRecipient(address.email) for address in failed)
    return BounceReport(recipients, original.message_id(), tuple(addresses))


def _is_old_bounce(headers: Headers) -> bool:
    """Return whether a mail server reports a failure in its own words."""
    if headers.get("x-failed-recipients"):
        return True
    sender = next(iter(headers.addresses("from")), None)
    is_daemon = bool(sender and _DAEMON.match(sender.email))
    has_no_sender = headers.get("return-path").strip() == "<>"
    return (is_daemon or has_no_sender) and bool(_SUBJECT.search(headers.text("subject")[:300]))


def _find_original(parts: list[Part], root: Part) -> Headers:
    for part in parts[1:]:
        if part.content_type in ("message/rfc822", "text/rfc822-headers", "message/global"):
            data = part.content(MAX_REPORT_BYTES)
            return parse_headers(data.lstrip(b"\r\n"), 0, len(data.lstrip(b"\r\n")))[0]
    match = _MESSAGE_ID.search(root.content(MAX_REPORT_BYTES))
    return Headers((("message-id", b"<" + match[1] + b">"),)) if match else Headers()


def _read_recipients(report: Part) -> Iterator[FailedRecipient]:
    data = report.content(MAX_REPORT_BYTES)
    position, count = 0, 0
    while position < len(data) and count < MAX_FAILED_RECIPIENTS:
        headers, body_start = parse_headers(data, position, len(data))
        if body_start <= position:
            return
        position, count = body_start, count + 1
        email = _read_address(headers, "original-recipient") or _read_address(
            headers, "final-recipient"
        )
        if email:
            status = _STATUS.search(headers.get("status")[:100])
            reason = headers.get("diagnostic-code").partition(";")[2]
            yield FailedRecipient(
                email,
                headers.get("action").strip().lower()[:20] or "failed",
                status[0] if status else "",
                clean_line(decode_words(reason)).strip()[:500],
            )


def _read_address(headers: Headers, name: str) -> str:
    """Return the address of ``rfc822; bob@example.org``."""
    return find_address(headers.get(name).partition(";")[2].strip(" <>\t")[:300])
