"""Calendar invitations (RFC 5545) as text that can be read."""

import re
from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from appliance.core.clean_text import clean_line

MAX_LINES = 5_000
MAX_FIELD = 2_000
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?")


def describe(text: str) -> str:
    """Return the first event: what, when, where and by whom; nothing if there is none."""
    event: dict[str, tuple[str, str]] = {}
    method, is_inside = "", False
    for name, parameters, value in _read_lines(text):
        if name == "METHOD":
            method = value.upper()
        elif name == "BEGIN" and value.upper() == "VEVENT":
            is_inside = True
        elif name == "END" and value.upper() == "VEVENT" and is_inside:
            break
        elif is_inside:
            event.setdefault(name, (parameters, value))
    if not event:
        return ""
    return "\n".join(line for line in _describe_event(event, method) if line)


def _describe_event(event: dict[str, tuple[str, str]], method: str) -> Iterator[str]:
    summary = _read_text(event, "SUMMARY") or _("without a title")
    match method:
        case "CANCEL":
            yield _("Cancelled appointment: %(summary)s") % {"summary": summary}
        case "REPLY":
            yield _("Answer to an invitation: %(summary)s") % {"summary": summary}
        case _other:
            yield _("Invitation: %(summary)s") % {"summary": summary}
    start, end = _read_date(event, "DTSTART"), _read_date(event, "DTEND")
    if start:
        yield _("When: %(time)s") % {"time": f"{start} – {end}" if end else start}
    if location := _read_text(event, "LOCATION"):
        yield _("Where: %(location)s") % {"location": location}
    parameters, organizer = event.get("ORGANIZER", ("", ""))
    if organizer:
        name = re.search(r'CN="?([^";:]{1,200})', parameters, re.IGNORECASE)
        address = re.sub("^mailto:", "", organizer, flags=re.IGNORECASE)[:200]
        organizer = f"{name[1]} <{address}>" if name else address
        yield _("Organiser: %(name)s") % {"name": clean_line(organizer)}
    if description := _read_text(event, "DESCRIPTION", keeps_lines=True):
        yield f"\n{description}"


def _read_lines(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, parameters and value of each line; a line may continue on the next."""
    unfolded = re.sub(r"\r?\n[ \t]", "", text)
    for line in unfolded.split("\n", MAX_LINES)[:MAX_LINES]:
        match = re.match(r'([A-Za-z-]{1,40})((?:;(?:[^":;]|"[^"]*")*+)*+):(.*)', line)
        if match:
            yield match[1].upper(), match[2], match[3].strip()


def _read_text(event: dict[str, tuple[str, str]], name: str, *, keeps_lines: bool = False) -> str:
    _parameters, value = event.get(name, ("", ""))
    value = re.sub(r"\\([nN,;\\])", lambda m: "\n" if m[1] in "nN" else m[1], value[:MAX_FIELD])
    return value.strip() if keeps_lines else clean_line(value).strip()


def _read_date(event: dict[str, tuple[str, str]], name: str) -> str:
    """Return a date as the sender wrote it, with its time zone."""
    parameters, value = event.get(name, ("", ""))
    match = _DATE.fullmatch(value)
    if not match:
        return ""
    try:
        date = datetime(*(int(part or 0) for part in match.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return ""
    if match[4] is None:
        return f"{date:%Y-%m-%d}"
    zone = re.search(r'TZID="?([^";:]{1,100})', parameters, re.IGNORECASE)
    name = "UTC" if match[7] else zone[1] if zone else ""
    return f"{date:%Y-%m-%d %H:%M}" + (f" ({name})" if name else "")
