"""Recall and precision as an SVG picture, without a library."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 760, 560, 70, 50, 60
#: the corner that matters: both axes begin here
_FROM = 0.80
_COLORS = ("#0b6e4f", "#b3541e", "#4059ad", "#7a5195")


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of (recall, precision) points and the one at the threshold."""

    name: str
    points: Sequence[tuple[float, float]]
    chosen: tuple[float, float]


def drawn(title: str, curves: Sequence[Curve], goal: float) -> str:
    """The picture as text. Points outside the corner are clipped."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="28" font-size="16">{escape(title)}</text>',
        *_axes(),
        _line(((goal, _FROM), (goal, 1.0)), "#999", dashed=True),
        _line(((_FROM, goal), (1.0, goal)), "#999", dashed=True),
    ]
    for index, (curve, color) in enumerate(zip(curves, _COLORS, strict=False)):
        kept = [point for point in curve.points if min(point) >= _FROM]
        # A thousand points are as smooth as a hundred thousand.
        kept = [*kept[:: max(1, len(kept) // 1_000)], *kept[-1:]]
        x, y = _at(curve.chosen)
        told = f"{curve.name}: recall {curve.chosen[0]:.3f}, precision {curve.chosen[1]:.3f}"
        below = _HEIGHT - _BOTTOM - 24 - 20 * (len(curves) - index)
        parts += [
            _line(kept, color),
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>',
            f'<rect x="{_LEFT + 16}" y="{below - 10}" width="22" height="4" fill="{color}"/>',
            f'<text x="{_LEFT + 46}" y="{below - 3}">{escape(told)}</text>',
        ]
    return "\n".join((*parts, "</svg>")) + "\n"


def _at(point: tuple[float, float]) -> tuple[float, float]:
    across, up = ((max(_FROM, value) - _FROM) / (1 - _FROM) for value in point)
    return _LEFT + across * (_WIDTH - _LEFT - 30), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)


def _line(points: Sequence[tuple[float, float]], color: str, *, dashed: bool = False) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(_at, points))
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="{1 if dashed else 2}"{dash}/>'


def _axes() -> list[str]:
    parts = [_line(((_FROM, _FROM), (1.0, _FROM)), "#333"), _line(((_FROM, _FROM), (_FROM, 1.0)), "#333")]
    for step in range(5):
        value = _FROM + step * (1 - _FROM) / 4
        x, _ = _at((value, _FROM))
        _, y = _at((_FROM, value))
        parts += [
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{value:.2f}</text>',
            f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>',
        ]
    middle = (_HEIGHT - _BOTTOM + _TOP) / 2
    return [
        *parts,
        f'<text x="{(_LEFT + _WIDTH - 30) / 2}" y="{_HEIGHT - 16}" text-anchor="middle">recall</text>',
        f'<text x="20" y="{middle}" text-anchor="middle" transform="rotate(-90 20 {middle})">precision</text>',
    ]
