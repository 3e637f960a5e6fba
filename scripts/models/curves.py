"""Draw risk by coverage as an SVG picture, without a drawing library.

A curve answers: if only the surest tickets were decided, how many of these would be wrong? A dot
is where the bundle's own thresholds stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from category_figures import RISK_COVERAGE

COLOURS = ("#1b6ca8", "#c2410c", "#15803d", "#7c3aed", "#b91c1c", "#0f766e", "#a16207", "#475569")
WIDTH, HEIGHT = 800, 420
LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT = 60, 24, 400, 330
LEGEND, LINE_HEIGHT = LEFT + PLOT_WIDTH + 24, 22


@dataclass(frozen=True)
class Curve:
    """Points of (coverage, risk), both from 0 to 1, and the point of the thresholds, if any."""

    name: str
    points: Sequence[tuple[float, float]]
    decided: tuple[float, float] | None = None


def curve_of(name: str, figures: Mapping) -> Curve:
    """Return the curve of one check; ``figures`` must hold ``risk-coverage``."""
    points = [(step["coverage"], step["risk"]) for step in figures[RISK_COVERAGE]]
    coverage, right = figures.get("coverage at threshold"), figures.get("accuracy of decided")
    decided = (coverage, 1 - right) if coverage and right is not None else None
    return Curve(name, points, decided)


def curves_of(figures: Mapping[str, Mapping]) -> list[Curve]:
    """Return the curves of the checks that have one."""
    return [curve_of(name, of) for name, of in figures.items() if RISK_COVERAGE in of]


def drawing(curves: Sequence[Curve]) -> str:
    """Return the picture as SVG text; it has a white background, for light and dark pages."""
    highest = max((risk for curve in curves for _, risk in curve.points), default=0.0)
    top = next(step / 10 for step in range(1, 11) if highest <= step / 10)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" font-family="sans-serif" font-size="12">',
        "<title>Risk by coverage</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_axes(top),
    ]
    for number, curve in enumerate(curves):
        parts += _line(curve, COLOURS[number % len(COLOURS)], top)
        parts += _legend(curve, COLOURS[number % len(COLOURS)], TOP + LINE_HEIGHT * number)
    return "\n".join([*parts, "</svg>", ""])


def _axes(top: float) -> list[str]:
    parts = []
    for step in range(6):
        x, y = _place(step / 5, top * step / 5, top)
        bottom, right = TOP + PLOT_HEIGHT, LEFT + PLOT_WIDTH
        parts += [
            f'<path d="M{LEFT} {y}H{right}M{x} {TOP}V{bottom}" stroke="#e2e8f0" fill="none"/>',
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="#334155">'
            f"{100 * top * step / 5:.0f} %</text>",
            f'<text x="{x}" y="{bottom + 18}" text-anchor="middle" fill="#334155">'
            f"{20 * step} %</text>",
        ]
    middle = TOP + PLOT_HEIGHT / 2
    return [
        *parts,
        f'<text x="{LEFT + PLOT_WIDTH / 2}" y="{HEIGHT - 16}" text-anchor="middle" '
        'fill="#0f172a">tickets decided, surest first</text>',
        f'<text x="16" y="{middle}" text-anchor="middle" fill="#0f172a" '
        f'transform="rotate(-90 16 {middle})">of these, wrong</text>',
    ]


def _line(curve: Curve, colour: str, top: float) -> list[str]:
    places = [_place(coverage, risk, top) for coverage, risk in curve.points]
    points = " ".join(f"{x},{y}" for x, y in places)
    parts = [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>']
    if curve.decided:
        x, y = _place(curve.decided[0], min(curve.decided[1], top), top)
        parts.append(f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>')
    return parts


def _legend(curve: Curve, colour: str, y: int) -> list[str]:
    return [
        f'<path d="M{LEGEND} {y + 6}h18" stroke="{colour}" stroke-width="2"/>',
        f'<text x="{LEGEND + 24}" y="{y + 10}" fill="#0f172a">{escape(curve.name)}</text>',
    ]


def _place(coverage: float, risk: float, top: float) -> tuple[float, float]:
    """Return the coordinates in the picture, in tenths of a unit."""
    return (
        round(LEFT + PLOT_WIDTH * coverage, 1),
        round(TOP + PLOT_HEIGHT * (1 - risk / top), 1),
    )
