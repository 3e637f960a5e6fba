"""The checks of docs/models.md, their goals, and the table that shows both."""

from collections.abc import Mapping

_INTERNAL = {
    "accuracy": "≥ 0.73",
    "accuracy, second label accepted": "≥ 0.86",
    "accuracy, confident labels": "≥ 0.90",
    "coverage at threshold": "≥ 0.70",
    "accuracy of decided, second label accepted": "≥ 0.95",
}
WRITTEN_TICKETS, WRITTEN_SENTENCES = "tickets in nine languages", "sentences in nine languages"
OUT_OF_SCOPE = "texts out of scope"
QUESTIONS, SIMILARITY = "questions in eight languages", "STS-B dev, eight languages"
SPEED, MEMORY = "one ticket of 60 tokens", "memory"  # all three bundles together
WITH_VNNI = ("amx_int8", "avx512_vnni", "avx_vnni")
_GOALS = {
    "categories, internal IT": _INTERNAL,
    "categories, internal IT, extended": _INTERNAL,
    "categories, demo data, cold start": {
        "coverage at threshold": "≥ 0.65",
        "accuracy of decided": "≥ 0.92",
        "right, or in the first two suggestions": "≥ 0.85",
    },
    WRITTEN_TICKETS: {
        "en: accuracy, second label accepted": "≥ 0.93",
        "en: coverage at threshold": "≥ 0.75",
        "en: accuracy of decided, second label accepted": "≥ 0.97",
        "de: accuracy, second label accepted": "≥ 0.85",
        "fr: accuracy, second label accepted": "≥ 0.80",
        "es: accuracy, second label accepted": "≥ 0.80",
        "pl: accuracy, second label accepted": "≥ 0.80",
    },
    OUT_OF_SCOPE: {"decided": "≤ 0"},
    "SST-2 dev": {"accuracy": "≥ 0.92"},
    "sentiment, test splits": {
        "tweet_sentiment: macro-F1": "≥ 0.75",
        "uci_sentiment: macro-F1": "≥ 0.62",
        "senti4sd_train: macro-F1": "≥ 0.85",
    },
    WRITTEN_SENTENCES: {
        "cool: accuracy": "≥ 0.85",
        "de: anger taken for positive": "≤ 0",
        "de: tickets, accuracy": "≥ 0.85",
        "fr: tickets, accuracy": "≥ 0.85",
        "es: tickets, accuracy": "≥ 0.85",
    },
    "STS-B test": {"spearman": "≥ 0.83"},
    "linked titles with votes": {"hit@3": "≥ 0.60"},
    QUESTIONS: {"lowest: title, hit@3": "≥ 0.95", "lowest: opening, hit@3": "≥ 0.70"},
    SIMILARITY: {
        "mean of seven languages: spearman": "≥ 0.77",
        "across languages: spearman": "≥ 0.74",
    },
    "BANKING77, 10 labels a class": {"accuracy, mean of 5 seeds": "≥ 0.87"},
    "BANKING77, full training set": {"accuracy": "≥ 0.94"},
    SPEED: {
        "CPU-ms, one thread, avx2": "≤ 120",
        **{f"CPU-ms, one thread, {name}": "≤ 60" for name in WITH_VNNI},
    },
    MEMORY: {"MB of the files of all three": "≤ 140"},
}
GOALS = {
    (check, measure): goal for check, goals in _GOALS.items() for measure, goal in goals.items()
}
ROLE_CHECKS = {
    "classifier": (
        "categories, all sources",
        "categories, internal IT",
        "categories, internal IT, extended",
        "categories, internal IT, hard examples",
        "categories, internal IT, cold start",
        "categories, demo data, cold start",
        "categories, demo data, without cold start",
        "annotator agreement, internal IT",
        WRITTEN_TICKETS,
        OUT_OF_SCOPE,
    ),
    "sentiment": (
        "SST-2 dev",
        "sentiment, test splits",
        "sentiment, probe sentences",
        WRITTEN_SENTENCES,
    ),
    "encoder": (
        "STS-B test",
        SIMILARITY,
        "support articles",
        "linked titles",
        "linked titles with votes",
        QUESTIONS,
        "BANKING77, 10 labels a class",
        "CLINC150, 50 labels a class",
    ),
}
PICTURED = (  # in the picture of risk by coverage
    "categories, internal IT, extended",
    "categories, demo data, without cold start",
    WRITTEN_TICKETS,
)

BANKING = "BANKING77, full training set"  # from train_banking.py; that model is not shipped
# Check → the role whose bundle it scores, or its own name where no bundle of one role is scored.
CHECKS = {
    **dict.fromkeys(ROLE_CHECKS["classifier"], "classifier"),
    BANKING: BANKING,
    **{check: role for role in ("encoder", "sentiment") for check in ROLE_CHECKS[role]},
    SPEED: "all bundles",
    MEMORY: "all bundles",
}

Figures = dict[str, dict[str, float]]


def shown(value: float | None) -> str:
    """Format a figure: counts as they are, shares with three digits, larger numbers with one."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}" if value < 2 else f"{value:.1f}"


def is_missed(goal: str, value: float) -> bool:
    """Return whether a figure misses its goal, such as "≥ 0.9"; an empty goal is never missed."""
    sign, _, limit = goal.partition(" ")
    if not goal:
        return False
    return value < float(limit) if sign == "≥" else value > float(limit)


def missed(figures: Figures) -> list[str]:
    """Return the goals that are missed, each as check, measure, figure and goal."""
    return [
        f"{check}, {measure}: {shown(figures[check][measure])} ({goal})"
        for (check, measure), goal in GOALS.items()
        if measure in figures.get(check, {}) and is_missed(goal, figures[check][measure])
    ]


def table(int8: Figures, fp32: Figures) -> str:
    """Return a Markdown table: check, measure, goal, int8, fp32."""
    lines = ["| check | measure | goal | int8, as shipped | fp32 |", "|---|---|---|---|---|"]
    for check, figures in int8.items():
        for measure, value in figures.items():
            if isinstance(value, list):  # risk by coverage, which has a picture
                continue
            fp32_value = fp32.get(check, {}).get(measure)
            goal = GOALS.get((check, measure), "")
            mark = " (missed)" if value is not None and is_missed(goal, value) else ""
            lines.append(
                f"| {check} | {measure} | {goal}{mark} | {shown(value)} | {shown(fp32_value)} |"
            )
    return "\n".join(lines)


def left_out_table(left_out: Mapping[str, Mapping[str, float]]) -> str:
    """Return a Markdown table of the figures of sources left out of training, a column each."""
    sources = list(left_out)
    lines = [f"| measure | {' | '.join(sources)} |", "|---" * (len(sources) + 1) + "|"]
    for measure in left_out[sources[0]]:
        values = " | ".join(shown(left_out[source][measure]) for source in sources)
        lines.append(f"| {measure} | {values} |")
    return "\n".join(lines)
