"""The checks of docs/models.md, their goals, and the table that shows both."""

GOALS = {
    ("categories, internal IT", "accuracy"): "≥ 0.72",
    ("categories, internal IT", "accuracy, second label accepted"): "≥ 0.85",
    ("categories, internal IT", "accuracy, confident labels"): "≥ 0.90",
    ("categories, internal IT", "coverage at threshold"): "≥ 0.70",
    ("categories, internal IT", "accuracy of decided"): "≥ 0.92",
    ("categories, internal IT, extended", "accuracy"): "≥ 0.72",
    ("categories, internal IT, extended", "accuracy, second label accepted"): "≥ 0.85",
    ("categories, internal IT, extended", "accuracy, confident labels"): "≥ 0.90",
    ("categories, internal IT, extended", "coverage at threshold"): "≥ 0.70",
    ("categories, internal IT, extended", "accuracy of decided"): "≥ 0.92",
    ("SST-2 dev", "accuracy"): "≥ 0.92",
    ("sentiment, test splits", "tweet_sentiment: macro-F1"): "≥ 0.75",
    ("sentiment, test splits", "uci_sentiment: macro-F1"): "≥ 0.65",
    ("sentiment, test splits", "senti4sd_train: macro-F1"): "≥ 0.82",
    ("linked titles with votes", "hit@3"): "≥ 0.60",
    ("BANKING77, 10 labels a class", "accuracy, mean of 5 seeds"): "≥ 0.88",
    ("BANKING77, full training set", "accuracy"): "≥ 0.94",
    ("one ticket of 60 tokens", "median ms"): "≤ 40",
    ("one ticket of 60 tokens", "p99 ms"): "≤ 100",
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
    ),
    "sentiment": ("SST-2 dev", "sentiment, test splits", "sentiment, probe sentences"),
    "encoder": (
        "STS-B test",
        "support articles",
        "linked titles",
        "linked titles with votes",
        "BANKING77, 10 labels a class",
        "CLINC150, 50 labels a class",
    ),
}

# Measures in bundle.json of shipped bundles → their names in the table.
MEASURE_NAMES = {
    "first choice": "accuracy",
    "first or second": "accuracy, second label accepted",
    "decided: first": "accuracy of decided",
    "decided: first or second": "accuracy of decided, second label accepted",
}

BANKING = "BANKING77, full training set"  # from train_banking.py; that model is not shipped
SPEED, MEMORY = "one ticket of 60 tokens", "memory"  # all three bundles together
# Check → the role whose bundle it scores, or its own name where no bundle of one role is scored.
CHECKS = {
    **dict.fromkeys(ROLE_CHECKS["classifier"], "classifier"),
    BANKING: BANKING,
    **{check: role for role in ("encoder", "sentiment") for check in ROLE_CHECKS[role]},
    SPEED: SPEED,
    MEMORY: MEMORY,
}

Figures = dict[str, dict[str, float]]


def shown(value: float | None) -> str:
    """Format a figure: counts as they are, shares with three digits, larger numbers with one."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}" if value < 2 else f"{value:.1f}"


def table(int8: Figures, fp32: Figures) -> str:
    """Return a Markdown table: check, measure, goal, int8, fp32."""
    lines = ["| check | measure | goal | int8, as shipped | fp32 |", "|---|---|---|---|---|"]
    for check, figures in int8.items():
        for measure, value in figures.items():
            if isinstance(value, list):  # a table of its own
                continue
            fp32_value = fp32.get(check, {}).get(measure)
            goal = GOALS.get((check, measure), "")
            lines.append(f"| {check} | {measure} | {goal} | {shown(value)} | {shown(fp32_value)} |")
    return "\n".join(lines)
