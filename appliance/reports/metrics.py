"""Metrics of one period, step or part. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass
class Metrics:
    """Counts, and durations in seconds; None where there is nothing to measure.

    The order of the fields is that of the columns of an export.
    """

    opened: int = 0
    solved: int = 0
    backlog: int = 0
    first_responses: int = 0
    first_response_median: float | None = None
    first_response_p90: float | None = None
    resolution_median: float | None = None
    resolution_p90: float | None = None
    first_responses_met: int = 0
    first_responses_missed: int = 0
    resolutions_met: int = 0
    resolutions_missed: int = 0
    rated_good: int = 0
    rated_bad: int = 0
    sentiment_count: int = 0
    negative: int = 0
    positive: int = 0

    @classmethod
    def from_sums(cls, sums: Sequence[int | None]) -> "Metrics":
        """Build from the columns of ``sums.sql``; None, the sum of no rows, becomes 0."""
        return cls(**{name: int(count or 0) for name, count in zip(SUMS, sums, strict=True)})

    def set_durations(self, metric: str, count: int, median: float, p90: float) -> None:
        """Set count, median and 90th percentile of ``first_response`` or ``resolution``."""
        if metric == "first_response":
            self.first_responses = count
            self.first_response_median, self.first_response_p90 = median, p90
        else:
            self.resolution_median, self.resolution_p90 = median, p90

    @property
    def sla_targets(self) -> int:
        return self.sla_met + self.first_responses_missed + self.resolutions_missed

    @property
    def sla_met(self) -> int:
        return self.first_responses_met + self.resolutions_met

    @property
    def sla_met_share(self) -> float | None:
        return share(self.sla_met, self.sla_targets)

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
    def negative_share(self) -> float | None:
        return share(self.negative, self.sentiment_count)

    @property
    def positive_share(self) -> float | None:
        return share(self.positive, self.sentiment_count)


COLUMNS = tuple(field.name for field in fields(Metrics))
DURATIONS = ("first_response_median", "first_response_p90", "resolution_median", "resolution_p90")
# The columns of sums.sql; the others come from durations.sql and backlog.sql.
SUMS = tuple(name for name in COLUMNS if name not in ("backlog", "first_responses", *DURATIONS))


def share(part: int, total: int) -> float | None:
    """Return the share 0..1; None when the total is 0."""
    return part / total if total else None
