"""Read the tickets of one month: the input of the measures."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from appliance.accounts import queries as accounts_queries
from appliance.core import queries as core_queries
from appliance.core.sql_files import fetch_objects, fetch_rows
from appliance.triage import engine
from appliance.triage.drift.measures import MonthProfile, TicketWords
from appliance.triage.stop_words import STOP_WORDS

MAX_VECTORS = 2000  # of a month, for the bootstrap; the centroid is that of all
MAX_WORDS = 400  # of one ticket, so that a pasted log does not outweigh all others
MIN_PREDICTED = 0.9  # of the tickets; while fewer are processed, the month is not compared
_WORD = re.compile(r"[^\W\d_]{3,40}")  # without digits: every error code would be a new word


@dataclass(frozen=True)
class TicketRow:
    """A row of drift_month.sql."""

    customer_id: int
    team_id: int | None
    language: str
    text: str
    is_predicted: bool
    category: str
    first_guess: str
    sentiment: str
    is_overridden: bool | None
    label_predicted: str | None
    label_confidence: float | None
    label_category: str | None


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def site_zone() -> str:
    """Return the time zone in which months begin, the same for everybody."""
    return core_queries.locale_defaults()[1]


def start_of_month(month: date) -> datetime:
    return datetime.combine(month, time.min, ZoneInfo(site_zone()))


def count_by_month(since: datetime) -> dict[date, int]:
    """Return the number of tickets of each month that has any, the oldest month first."""
    return dict(fetch_rows("triage", "drift_months", zone=site_zone(), since=since))


def list_changed_months(since: datetime) -> set[date]:
    """Return the months of tickets that were predicted, corrected or labelled since then."""
    rows = fetch_rows("triage", "drift_changed_months", zone=site_zone(), since=since)
    return {month for (month,) in rows}


def read_profile(month: date, *, needs_vectors: bool = False) -> MonthProfile:
    """Read a month: 1.5 s for 8,000 tickets. ``needs_vectors``: with the sample of vectors."""
    refs = engine.refs()
    span = {"since": start_of_month(month), "until": start_of_month(next_month(month))}
    rows = fetch_objects(
        "triage",
        "drift_month",
        TicketRow,
        classifier=refs["classifier"].digest if "classifier" in refs else "",
        sentiment=refs["sentiment"].digest if "sentiment" in refs else "",
        **span,
    )
    closed_teams = set(accounts_queries.closed_team_ids())
    labels = [row for row in rows if row.label_predicted]
    embedded, centroid = _read_centroid(span)
    return MonthProfile(
        tickets=len(rows),
        predicted=sum(row.is_predicted for row in rows),
        decided=sum(bool(row.category) or _is_overridden(row) for row in rows if row.is_predicted),
        overridden=sum(_is_overridden(row) for row in rows if row.is_predicted),
        confidences=[min(1.0, max(0.0, row.label_confidence or 0.0)) for row in labels],
        hits=[row.label_predicted == row.label_category for row in labels],
        classes=Counter(row.first_guess for row in rows if row.first_guess),
        languages=Counter(row.language for row in rows),
        sentiments=Counter(row.sentiment for row in rows if row.sentiment),
        lengths=[len(row.text.split()) for row in rows],
        words=[
            TicketWords(row.customer_id, row.team_id not in closed_teams, _words_of(row.text))
            for row in rows
        ],
        embedded=embedded,
        centroid=centroid,
        vectors=_read_vectors(span) if needs_vectors and embedded else None,
    )


def is_waiting(profile: MonthProfile) -> bool:
    """Whether the models still process the month: after an import, or with new bundles."""
    has_classifier = engine.find_ref("classifier") is not None
    return has_classifier and profile.predicted < MIN_PREDICTED * profile.tickets


def _is_overridden(row: TicketRow) -> bool:
    return bool(row.is_overridden)


def _words_of(text: str) -> tuple[str, ...]:
    words = _WORD.findall(text.lower())[:MAX_WORDS]
    return tuple(word for word in words if word not in STOP_WORDS)


def _read_centroid(span: dict[str, datetime]) -> tuple[int, np.ndarray | None]:
    space = engine.active_space()
    if space is None:
        return 0, None
    ((count, centroid),) = fetch_rows("triage", "drift_centroid", space=space, **span)
    return count, np.array(json.loads(centroid)) if centroid else None


def _read_vectors(span: dict[str, datetime]) -> np.ndarray | None:
    space = engine.active_space()
    if space is None:
        return None
    rows = fetch_rows("triage", "drift_vectors", space=space, limit=MAX_VECTORS, **span)
    return np.array([json.loads(vector) for (vector,) in rows], np.float32)
