"""Figures of one span, step or part. Values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass

SUMS = (
    "opened",
    "solved",
    "first_responses_met",
    "first_responses_missed",
    "resolutions_met",
    "resolutions_missed",
    "rated_good",
    "rated_bad",
    "moods_read",
    "unhappy",
    "happy",
)


@dataclass
class Figures:
    """Counts, and durations in seconds; None where there is nothing to measure."""

    opened: int = 0
    solved: int = 0
    first_responses_met: int = 0
    first_responses_missed: int = 0
    resolutions_met: int = 0
    resolutions_missed: int = 0
    rated_good: int = 0
    rated_bad: int = 0
    moods_read: int = 0
    unhappy: int = 0
    happy: int = 0
    answered: int = 0
    first_response_median: float | None = None
    first_response_p90: float | None = None
    resolution_median: float | None = None
    resolution_p90: float | None = None
    backlog: int = 0

    @classmethod
    def of(cls, sums: Sequence[int | None]) -> "Figures":
        """From a row of sums in the order of SUMS."""
        return cls(**{name: int(n or 0) for name, n in zip(SUMS, sums, strict=True)})

    def set_durations(self, what: str, count: int, median: float, p90: float) -> None:
        """Of ``answer`` or ``solution``: how many, the median and the ninetieth percentile."""
        if what == "answer":
            self.answered, self.first_response_median, self.first_response_p90 = count, median, p90
        else:
            self.resolution_median, self.resolution_p90 = median, p90

    @property
    def promises(self) -> int:
        return self.promises_kept + self.first_responses_missed + self.resolutions_missed

    @property
    def promises_kept(self) -> int:
        return self.first_responses_met + self.resolutions_met

    @property
    def kept_share(self) -> float | None:
        return share(self.promises_kept, self.promises)

    @property
    def first_responses_met_share(self) -> float | None:
        return share(
            self.first_responses_met, self.first_responses_met + self.first_responses_missed
        )

    @property
    def resolutions_met_share(self) -> float | None:
        return share(self.resolutions_met, self.resolutions_met + self.resolutions_missed)

    @property
    def ratings(self) -> int:
        return self.rated_good + self.rated_bad

    @property
    def good_share(self) -> float | None:
        return share(self.rated_good, self.ratings)

    @property
    def unhappy_share(self) -> float | None:
        return share(self.unhappy, self.moods_read)

    @property
    def happy_share(self) -> float | None:
        return share(self.happy, self.moods_read)


def share(part: int, whole: int) -> float | None:
    """Between 0 and 1; None of nothing."""
    return part / whole if whole else None
