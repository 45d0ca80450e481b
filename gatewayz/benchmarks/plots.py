"""Draws figures as SVG that is readable on light and on dark pages.

`bars` compares what costs how much; `lines` shows how a time grows with the size.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

_WIDTH = 760
_LABELS = 190  # room for the names on the left
_STYLE = """<style>
svg { --paper: #ffffff; --ink: #1f2328; --quiet: #59636e; --grid: #d8dee4;
      --c0: #0969da; --c1: #bc6c00; --c2: #1a7f37; --c3: #cf222e; --c4: #8250df; --c5: #57606a; }
@media (prefers-color-scheme: dark) {
svg { --paper: #0d1117; --ink: #e6edf3; --quiet: #9198a1; --grid: #2f353d;
      --c0: #58a6ff; --c1: #e3b341; --c2: #3fb950; --c3: #ff7b72; --c4: #bc8cff; --c5: #8b949e; }
}
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink); }
.title { font-size: 16px; font-weight: 600; }
.group { font-weight: 600; }
.quiet { fill: var(--quiet); font-size: 12px; }
.c0 { fill: var(--c0); } .c1 { fill: var(--c1); } .c2 { fill: var(--c2); }
.c3 { fill: var(--c3); } .c4 { fill: var(--c4); } .c5 { fill: var(--c5); }
</style>"""
_COLOURS = 6

Point = tuple[float, float]


@dataclass(frozen=True)
class Bar:
    """One bar; its parts are drawn one after the other, and `note` stands behind them."""

    label: str
    parts: tuple[float, ...]
    note: str = ""


def bars(title: str, parts: Sequence[str], groups: Mapping[str, Sequence[Bar]], unit: str) -> str:
    """Return horizontal bars in groups; `parts` are the names of what each bar is made of."""
    room = _WIDTH - _LABELS - 190  # for the figures behind the bars
    longest = max(sum(bar.parts) for group in groups.values() for bar in group)
    drawn, y = [_legend(parts)], 80.0
    for name, group in groups.items():
        if name:
            drawn.append(_text(16, y + 13, name, "group"))
            y += 24
        for bar in group:
            drawn.append(_bar(bar, y, room / longest, unit))
            y += 24
        y += 12
    return _document(title, drawn, height=y + 8)


def _legend(names: Sequence[str]) -> str:
    drawn, x = [], 16.0
    for number, name in enumerate(names):
        drawn += [_rectangle(x, 46, 12, 12, number), _text(x + 18, 57, name, "quiet")]
        x += 44 + 7 * len(name)
    return "".join(drawn)


def _bar(bar: Bar, y: float, scale: float, unit: str) -> str:
    drawn, x = [_text(_LABELS - 8, y + 13, bar.label, anchor="end")], float(_LABELS)
    for number, part in enumerate(bar.parts):
        drawn.append(_rectangle(x, y, part * scale, 17, number))
        x += part * scale
    figure = f"{short(sum(bar.parts))} {unit}"
    drawn.append(_text(x + 8, y + 13, figure))
    drawn.append(_text(x + 20 + 7 * len(figure), y + 13, bar.note, "quiet"))
    return "".join(drawn)


def lines(title: str, series: Mapping[str, Sequence[Point]], x_name: str, y_name: str) -> str:
    """Return one line for each of the series, over logarithmic axes; all values are above zero."""
    points = [point for line in series.values() for point in line]
    left, right, top, bottom = 76.0, _WIDTH - 220.0, 80.0, 400.0
    sizes = sorted({x for x, _ in points})
    across = _axis(sizes[0], sizes[-1], left, right)
    decades = _decades(y for _, y in points)
    up = _axis(decades[0], decades[-1], bottom, top)
    drawn = [_text(16, 57, y_name, "quiet")]
    for value in decades:
        drawn += [
            f'<path d="M{left} {up(value):.1f}H{right}" stroke="var(--grid)"/>',
            _text(left - 8, up(value) + 4, short(value), "quiet", anchor="end"),
        ]
    drawn += [_text(across(x), bottom + 20, f"{x:,.0f}", "quiet", anchor="middle") for x in sizes]
    drawn.append(_text((left + right) / 2, bottom + 42, x_name, "quiet", anchor="middle"))
    ends = _spread([up(line[-1][1]) for line in series.values()])
    for number, ((name, line), end) in enumerate(zip(series.items(), ends, strict=True)):
        drawn.append(_line([(across(x), up(y)) for x, y in line], number))
        label = f"{name} {short(line[-1][1])}"
        drawn.append(_text(right + 12, end + 4, label, _colour(number)))
    return _document(title, drawn, height=max(bottom + 60, *(end + 20 for end in ends)))


def _axis(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Return a logarithmic scale, as a function: it maps `low` to `start` and `high` to `end`."""
    span = math.log(high / low) or 1
    return lambda value: start + math.log(value / low) / span * (end - start)


def _decades(values: Iterable[float]) -> list[float]:
    """Return the powers of ten from below the smallest value to above the largest."""
    ordered = sorted(values)
    first, last = math.floor(math.log10(ordered[0])), math.ceil(math.log10(ordered[-1]))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def _spread(places: Sequence[float], gap: float = 17) -> list[float]:
    """Move labels down until none covers another; their order stays."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    for above, below in pairwise(order):
        moved[below] = max(moved[below], moved[above] + gap)
    return moved


def _line(points: Sequence[Point], number: int) -> str:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    colour = _colour(number)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="{colour}"/>' for x, y in points]
    line = f'<path d="{path}" fill="none" stroke="var(--{colour})" stroke-width="2"/>'
    return line + "".join(dots)


def short(value: float) -> str:
    """Return three digits that count, and no exponent."""
    if not value:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _colour(number: int) -> str:
    """Return the name of the class, and of the variable, that has the colour."""
    return f"c{number % _COLOURS}"


def _rectangle(x: float, y: float, width: float, height: float, number: int) -> str:
    size = f'width="{width:.1f}" height="{height}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} rx="2" class="{_colour(number)}"/>'


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(text)}</text>"


def _document(title: str, drawn: Iterable[str], *, height: float) -> str:
    size = f'viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}"'
    name = f'role="img" aria-label="{escape(title)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {name}>'
    paper = '<rect width="100%" height="100%" rx="8" fill="var(--paper)"/>'
    return "\n".join([head, _STYLE, paper, _text(16, 30, title, "title"), *drawn, "</svg>\n"])
