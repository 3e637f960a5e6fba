"""Figures of one span, step or part. Values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass

SUMS = (
    "opened",
    "solved",
    "answers_kept",
    "answers_missed",
    "solutions_kept",
    "solutions_missed",
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
    answers_kept: int = 0
    answers_missed: int = 0
    solutions_kept: int = 0
    solutions_missed: int = 0
    rated_good: int = 0
    rated_bad: int = 0
    moods_read: int = 0
    unhappy: int = 0
    happy: int = 0
    answered: int = 0
    answer_median: float | None = None
    answer_p90: float | None = None
    solution_median: float | None = None
    solution_p90: float | None = None
    backlog: int = 0

    @classmethod
    def of(cls, sums: Sequence[int | None]) -> "Figures":
        """From a row of sums in the order of SUMS."""
        return cls(**{name: int(n or 0) for name, n in zip(SUMS, sums, strict=True)})

    def set_durations(self, what: str, count: int, median: float, p90: float) -> None:
        """Of ``answer`` or ``solution``: how many, the median and the ninetieth percentile."""
        if what == "answer":
            self.answered, self.answer_median, self.answer_p90 = count, median, p90
        else:
            self.solution_median, self.solution_p90 = median, p90

    @property
    def promises(self) -> int:
        return self.promises_kept + self.answers_missed + self.solutions_missed

    @property
    def promises_kept(self) -> int:
        return self.answers_kept + self.solutions_kept

    @property
    def kept_share(self) -> float | None:
        return share(self.promises_kept, self.promises)

    @property
    def answers_kept_share(self) -> float | None:
        return share(self.answers_kept, self.answers_kept + self.answers_missed)

    @property
    def solutions_kept_share(self) -> float | None:
        return share(self.solutions_kept, self.solutions_kept + self.solutions_missed)

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
