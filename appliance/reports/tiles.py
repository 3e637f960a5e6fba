"""The figures at the top of a report, each beside that of the span before."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from appliance.reports import words
from appliance.reports.figures import Figures


@dataclass(frozen=True)
class Tile:
    label: str
    value: str
    under: str
    before: str
    trend: str  # up, down, same, or empty when there is nothing to compare
    is_good: bool | None  # None: neither good nor bad


def list_tiles(now: Figures, before: Figures) -> list[Tile]:
    def tile(label: str, name: str, show: Callable, *, more_is: str = "", under: str = "") -> Tile:
        value, earlier = getattr(now, name), getattr(before, name)
        trend = _trend(value, earlier)
        is_good = trend == more_is if more_is and trend in ("up", "down") else None
        return Tile(label, show(value), under, show(earlier), trend, is_good)

    return [
        tile(_("New"), "opened", words.number),
        tile(_("Solved"), "solved", words.number, more_is="up"),
        tile(_("Open (end of period)"), "backlog", words.number, more_is="down"),
        tile(
            _("First response"),
            "first_response_median",
            words.duration,
            more_is="down",
            under=_("90th percentile %(time)s") % {"time": words.duration(now.first_response_p90)},
        ),
        tile(
            _("Resolution"),
            "resolution_median",
            words.duration,
            more_is="down",
            under=_("90th percentile %(time)s") % {"time": words.duration(now.resolution_p90)},
        ),
        tile(
            _("SLA met"),
            "kept_share",
            words.percent,
            more_is="up",
            under=_("%(kept)s of %(all)s") % {"kept": now.promises_kept, "all": now.promises},
        ),
        tile(
            _("Rated good"),
            "good_share",
            words.percent,
            more_is="up",
            under=_("%(good)s of %(all)s") % {"good": now.rated_good, "all": now.ratings},
        ),
        tile(
            _("Negative tickets"),
            "unhappy_share",
            words.percent,
            more_is="down",
            under=_("%(part)s of %(all)s analysed") % {"part": now.unhappy, "all": now.moods_read},
        ),
    ]


def _trend(value: float | None, earlier: float | None) -> str:
    if value is None or earlier is None:
        return ""
    return "same" if value == earlier else "up" if value > earlier else "down"
