"""Draws figures as SVG: bars compare what costs how much, lines show how a time grows."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from pygal.style import Style

_STYLE = Style(
    background="white",
    plot_background="white",
    font_family="system-ui, sans-serif",
    colors=("#0969da", "#bc6c00", "#1a7f37", "#cf222e", "#8250df", "#57606a", "#bf3989"),
    opacity="1",
)


def bars(title: str, labels: Sequence[str], parts: Mapping[str, Sequence[float]]) -> str:
    """Return horizontal bars from the top down; each is made of its values in `parts`."""
    chart = pygal.HorizontalStackedBar(**_options(title, 110 + 26 * len(labels)))
    chart.x_labels = list(reversed(labels))
    for name, values in parts.items():
        chart.add(name, list(reversed(values)))
    return _svg(chart)


def lines(title: str, x_labels: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    """Return one line for each of the series, over a logarithmic axis; None leaves a gap."""
    chart = pygal.Line(logarithmic=True, **_options(title, 480))
    values = [value for line in series.values() for value in line if value is not None]
    lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    chart.x_labels = x_labels
    chart.y_labels = [10.0**power for power in range(lowest, highest + 1)]
    for name, line in series.items():
        chart.add(name, line)
    return _svg(chart)


def _options(title: str, height: int) -> dict[str, Any]:
    return {
        "title": title,
        "height": height,
        "width": 760,
        "style": _STYLE,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 2,
        "truncate_label": -1,
        "truncate_legend": -1,
        "value_formatter": "{:,g}".format,
        "js": [],  # A script of another host, for what moves.
        "no_prefix": True,  # A new id each time; the same figures shall give the same file.
    }


def _svg(chart: Any) -> str:
    # A comment has the day.
    svg: str = chart.render(is_unicode=True, disable_xml_declaration=True)
    return re.sub(r"<!--.*?-->", "", svg) + "\n"
