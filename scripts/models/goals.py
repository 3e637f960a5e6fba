"""What each bundle must reach, beside the figure that shows it: check, measure → goal."""

GOALS = {
    ("taxonomy, internal IT", "first choice"): "≥ 0.72",
    ("taxonomy, internal IT", "first or second"): "≥ 0.85",
    ("taxonomy, internal IT", "clear ones, first"): "≥ 0.90",
    ("taxonomy, internal IT", "coverage at threshold"): "≥ 0.70",
    ("taxonomy, internal IT", "decided: first"): "≥ 0.92",
    ("taxonomy, internal IT, enlarged", "first choice"): "≥ 0.72",
    ("taxonomy, internal IT, enlarged", "first or second"): "≥ 0.85",
    ("taxonomy, internal IT, enlarged", "clear ones, first"): "≥ 0.90",
    ("taxonomy, internal IT, enlarged", "coverage at threshold"): "≥ 0.70",
    ("taxonomy, internal IT, enlarged", "decided: first"): "≥ 0.92",
    ("SST-2 dev", "accuracy"): "≥ 0.92",
    ("moods", "tweet_sentiment: macro-F1"): "≥ 0.75",
    ("moods", "uci_sentiment: macro-F1"): "≥ 0.65",
    ("moods", "senti4sd_train: macro-F1"): "≥ 0.82",
    ("linked titles with votes", "hit@3"): "≥ 0.60",
    ("BANKING77, 10 labels a class", "accuracy, mean of 5 seeds"): "≥ 0.88",
    ("BANKING77, full training set", "accuracy"): "≥ 0.94",
    ("one ticket of 60 tokens", "median ms"): "≤ 40",
    ("one ticket of 60 tokens", "p99 ms"): "≤ 100",
}
ROLE_CHECKS = {
    "classifier": (
        "taxonomy, all sources",
        "taxonomy, internal IT",
        "taxonomy, internal IT, enlarged",
        "taxonomy, internal IT, picked as hard",
        "taxonomy, internal IT, new desk",
        "taxonomy, demo desk, new",
        "taxonomy, demo desk, no caution",
        "two readers, internal IT",
    ),
    "sentiment": ("SST-2 dev", "moods", "tones"),
    "encoder": (
        "STS-B test",
        "support articles",
        "linked titles",
        "linked titles with votes",
        "BANKING77, 10 labels a class",
        "CLINC150, 50 labels a class",
    ),
}

BANKING = "BANKING77, full training set"  # of train_banking.py; its model is not shipped
SPEED, MEMORY = "one ticket of 60 tokens", "memory"  # of all three together
# The table's rows, each with the role whose bundle it is of, or with its own name.
CHECKS = {
    **{check: "classifier" for check in ROLE_CHECKS["classifier"]},
    BANKING: BANKING,
    **{check: role for role in ("encoder", "sentiment") for check in ROLE_CHECKS[role]},
    SPEED: SPEED,
    MEMORY: MEMORY,
}

Figures = dict[str, dict[str, float]]


def shown(value: float | None) -> str:
    """Counts as they are, shares with three digits."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}" if value < 2 else f"{value:.1f}"


def table(int8: Figures, fp32: Figures) -> str:
    """A Markdown table: check, measure, goal, int8, fp32."""
    lines = ["| check | measure | goal | int8, as shipped | fp32 |", "|---|---|---|---|---|"]
    for check, figures in int8.items():
        for measure, value in figures.items():
            beside = fp32.get(check, {}).get(measure)
            goal = GOALS.get((check, measure), "")
            lines.append(f"| {check} | {measure} | {goal} | {shown(value)} | {shown(beside)} |")
    return "\n".join(lines)
