"""Line charts as SVG for the report: a few series over time, and perhaps a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

COLORS = ("#2563eb", "#dc2626", "#16a34a", "#d97706", "#7c3aed", "#0891b2", "#be185d")
WIDTH, HEIGHT = 560, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 22, 10, 24
TICKS = 5


@dataclass(frozen=True)
class Line:
    """A series; None leaves a gap."""

    name: str
    times: Sequence[float]
    values: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """A line chart over time in seconds."""

    title: str
    unit: str
    lines: Sequence[Line]
    limit: float | None = None
    """drawn as a dashed line, such as a container's limit"""
    end_of_load: float | None = None
    """drawn as a dotted line at that second"""

    def svg(self) -> str:
        """Return the chart with its title and legend as one <figure>."""
        most = max(
            [value for line in self.lines for value in line.values if value is not None],
            default=0.0,
        )
        top = nice_above(max(most, self.limit or 0.0))
        end = max([time for line in self.lines for time in line.times], default=1.0) or 1.0
        parts = [*self._axes(top, end)]
        for color, line in zip(COLORS * len(self.lines), self.lines, strict=False):
            for points in _runs(line):
                drawn = " ".join(
                    f"{_x(time, end):.1f},{_y(value, top):.1f}" for time, value in points
                )
                parts.append(
                    f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="1.5"/>'
                )
        legend = "".join(
            f'<span style="color:{color}">▬ {escape(line.name)}</span> '
            for color, line in zip(COLORS * len(self.lines), self.lines, strict=False)
        )
        return (
            f"<figure><figcaption><b>{escape(self.title)}</b>, {escape(self.unit)}</figcaption>"
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">'
            f"{''.join(parts)}</svg><div class=legend>{legend}</div></figure>"
        )

    def _axes(self, top: float, end: float) -> list[str]:
        parts = []
        for number in range(TICKS + 1):
            value = top * number / TICKS
            y = _y(value, top)
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="y">{_short(value)}</text>')
            time = end * number / TICKS
            parts.append(f'<text x="{_x(time, end):.1f}" y="{HEIGHT - 6}">{time:.0f} s</text>')
        if self.limit is not None:
            y = _y(self.limit, top)
            parts.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="limit"/>'
            )
        if self.end_of_load is not None and self.end_of_load < end:
            x = _x(self.end_of_load, end)
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="end"/>'
            )
        return parts


def nice_above(value: float) -> float:
    """Return the next round number."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(
        step * power for step in (1, 1.25, 1.5, 2, 2.5, 4, 5, 8, 10) if step * power >= value
    )


def _runs(line: Line) -> list[list[tuple[float, float]]]:
    """Return the points between gaps."""
    runs: list[list[tuple[float, float]]] = [[]]
    for time, value in zip(line.times, line.values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((time, value))
    return [run for run in runs if run]


def _x(time: float, end: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * time / end


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value, top) / top


def _short(value: float) -> str:
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{name}"
    return f"{value:.3g}"
