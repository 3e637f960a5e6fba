"""Weekly business hours: parsed from text, stored as JSON, read as minutes after midnight.

Text: "08:00–12:00, 13:00–17:00". Stored: {"0": [["08:00", "12:00"], ["13:00", "17:00"]]}, where 0
is Monday and 24:00 the end of a day.
"""

import re

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from appliance.core.errors import BadInputError
from appliance.sla.working_time import MINUTES_OF_A_DAY, Spans, Week

StoredHours = dict[str, list[list[str]]]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*(?:-|–|—|−|to|bis)\s*(\d{1,2})(?::(\d{2}))?")


def parse_week(texts: dict[str, str]) -> StoredHours:
    """Parse the text of each day into the stored form; a span over midnight is split there.

    Raises BadInputError naming the day as ``field``.
    """
    spans: list[list[tuple[int, int]]] = [[] for _day in DAYS]
    for number, day in enumerate(DAYS):
        for opens, closes in _parse_day(texts.get(day, ""), day):
            if closes > opens:
                spans[number].append((opens, closes))
            else:
                spans[number].append((opens, MINUTES_OF_A_DAY))
                spans[(number + 1) % 7].append((0, closes))
    week = {
        str(number): _stored_spans(_merge_spans(day_spans))
        for number, day_spans in enumerate(spans)
        if any(closes > opens for opens, closes in day_spans)
    }
    if not week:
        raise BadInputError(
            _("Enter hours for at least one day. Without business hours, nothing is ever due."),
            field=DAYS[0],
        )
    return week


def _parse_day(text: str, day: str) -> list[tuple[int, int]]:
    pieces = [piece.strip() for piece in re.split(r"[,;\n]", text) if piece.strip()]
    return [_parse_span(piece, day) for piece in pieces]


def _parse_span(text: str, day: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(text)
    if not match:
        raise BadInputError(
            _("“%(text)s” is not a valid time range. Use the format 08:00–17:00.")
            % {"text": text[:40]},
            field=day,
        )
    hours = [int(part or 0) for part in match.groups()]
    opens, closes = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(opens, closes) > MINUTES_OF_A_DAY or max(hours[1], hours[3]) > 59 or opens == closes:
        raise BadInputError(
            _("“%(text)s” is not a valid time range. Times run from 00:00 to 24:00.")
            % {"text": text[:40]},
            field=day,
        )
    return opens, closes


def _merge_spans(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans in order, overlapping and adjacent ones merged."""
    merged: list[tuple[int, int]] = []
    for opens, closes in sorted(spans):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        elif closes > opens:
            merged.append((opens, closes))
    return merged


def _stored_spans(spans: list[tuple[int, int]]) -> list[list[str]]:
    return [[_format_time(opens), _format_time(closes)] for opens, closes in spans]


def _format_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def read_week(stored: StoredHours) -> Week:
    """Return the spans of the seven days, in minutes after midnight."""
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = (
        _read_spans(stored.get(str(day), [])) for day in range(7)
    )
    return monday, tuesday, wednesday, thursday, friday, saturday, sunday


def _read_spans(stored: list[list[str]]) -> Spans:
    return tuple((_minutes_after_midnight(o), _minutes_after_midnight(c)) for o, c in stored)


def _minutes_after_midnight(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def show_day(stored: StoredHours, day: int) -> str:
    """Return the text of one day, as ``parse_week`` reads it."""
    return ", ".join(f"{opens}–{closes}" for opens, closes in stored.get(str(day), []))


def describe_week(stored: StoredHours) -> list[tuple[str, str]]:
    """Return the name and the hours of each day, localised."""
    return [(str(WEEKDAYS[day]), show_day(stored, day) or _("closed")) for day in range(7)]
