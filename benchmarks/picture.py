"""Recall and precision as an SVG picture, without a library: the whole curves, and the corner that matters beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 1_120, 640
_COLORS = ("#0b6e4f", "#b3541e", "#4059ad", "#7a5195", "#c2a300", "#5c5c5c")


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of (recall, precision) points and the one at the threshold."""

    name: str
    points: Sequence[tuple[float, float]]
    chosen: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Panel:
    """A square of the picture, from `least` to 1 on both axes."""

    left: float
    least: float
    top: float = 60
    size: float = 420

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        across, up = ((value - self.least) / (1 - self.least) for value in point)
        return self.left + across * self.size, self.top + (1 - up) * self.size

    def holds(self, point: tuple[float, float]) -> bool:
        return min(point) >= self.least

    def line(self, points: Sequence[tuple[float, float]], color: str, *, dashed: bool = False) -> str:
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, points))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        return f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="{1 if dashed else 2}"{dash}/>'

    def axes(self, goal: float) -> list[str]:
        least = self.least
        parts = [
            self.line(((least, 1.0), (least, least), (1.0, least)), "#333"),
            self.line(((goal, least), (goal, 1.0)), "#999", dashed=True),
            self.line(((least, goal), (1.0, goal)), "#999", dashed=True),
        ]
        for step in range(5):
            value = least + step * (1 - least) / 4
            x, below = self.at((value, least))
            left, y = self.at((least, value))
            parts += [
                f'<text x="{x:.1f}" y="{below + 20:.1f}" text-anchor="middle">{value:.2f}</text>',
                f'<text x="{left - 10:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>',
            ]
        x, y = self.at(((1 + least) / 2, (1 + least) / 2))
        bottom, side = self.top + self.size + 42, self.left - 54
        return [
            *parts,
            f'<text x="{x:.1f}" y="{bottom:.1f}" text-anchor="middle">recall</text>',
            f'<text x="{side:.1f}" y="{y:.1f}" text-anchor="middle" transform="rotate(-90 {side:.1f} {y:.1f})">precision</text>',
        ]


_PANELS = (Panel(80, 0.0), Panel(640, 0.80))


def drawn(title: str, curves: Sequence[Curve], goal: float) -> str:
    """The picture as text: the same for the same curves. The right panel shows what of them is above 0.80."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="80" y="30" font-size="16">{escape(title)}</text>',
    ]
    for panel in _PANELS:
        parts += panel.axes(goal)
        for curve, color in zip(curves, _COLORS, strict=False):
            kept = [point for point in curve.points if panel.holds(point)]
            # A thousand points are as smooth as a hundred thousand.
            kept = [*kept[:: max(1, len(kept) // 1_000)], *kept[-1:]]
            if kept:
                parts.append(panel.line(kept, color))
            if panel.holds(curve.chosen):
                x, y = panel.at(curve.chosen)
                parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>')
    for index, (curve, color) in enumerate(zip(curves, _COLORS, strict=False)):
        x, y = 80 + 560 * (index % 2), 555 + 22 * (index // 2)
        told = f"{curve.name}: recall {curve.chosen[0]:.3f}, precision {curve.chosen[1]:.3f}"
        parts += [
            f'<rect x="{x}" y="{y - 7}" width="22" height="4" fill="{color}"/>',
            f'<text x="{x + 30}" y="{y}">{escape(told)}</text>',
        ]
    return "\n".join((*parts, "</svg>")) + "\n"
