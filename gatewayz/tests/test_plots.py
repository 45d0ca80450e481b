"""The plots are well-formed, true to the figures, and readable."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from gatewayz.benchmarks.plots import Bar, bars, lines, short

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in drawing.iter(f"{SVG}text")]


def test_a_bar_is_as_long_as_its_parts() -> None:
    svg = bars("Cost", ["server", "database"], {"a": [Bar("x", (1, 2)), Bar("y", (4, 2))]}, "ms")

    parts = [r for r in ElementTree.fromstring(svg).iter(f"{SVG}rect") if r.get("height") == "17"]
    widths = [float(part.attrib["width"]) for part in parts]
    assert widths == pytest.approx([widths[0] * n for n in (1, 2, 4, 2)], abs=0.2)
    starts = [float(part.attrib["x"]) for part in parts]
    assert starts[1] == pytest.approx(starts[0] + widths[0], abs=0.2)


def test_a_name_is_text_whatever_it_is() -> None:
    svg = bars("<&", [], {'"': [Bar("</text>", (1,))]}, "ms")

    assert {"<&", '"', "</text>"} <= set(texts(ElementTree.fromstring(svg)))


def test_a_line_has_a_point_for_each_size_and_rises_with_its_values() -> None:
    svg = lines("Growth", {"page": [(10_000, 20), (100_000, 21), (1_000_000, 210)]}, "people", "ms")

    points = ElementTree.fromstring(svg).findall(f"{SVG}circle")
    x, y = ([float(point.attrib[name]) for point in points] for name in ("cx", "cy"))
    assert x == sorted(x)
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2)
    assert y[0] > y[1] > y[2]


def test_labels_of_lines_that_meet_do_not_cover_each_other() -> None:
    svg = lines("Growth", {name: [(1, 5), (10, 5)] for name in "abc"}, "people", "ms")

    labels = [
        t for t in ElementTree.fromstring(svg).iter(f"{SVG}text") if (t.text or "")[1:] == " 5"
    ]
    assert len(labels) == 3
    places = sorted(float(label.attrib["y"]) for label in labels)
    assert all(below - above >= 15 for above, below in pairwise(places))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.684, "0.684"), (3.2, "3.2"), (19_000, "19,000"), (43.51, "43.5"), (10, "10"), (0, "0")],
)
def test_a_figure_has_three_digits_that_count(value: float, text: str) -> None:
    assert short(value) == text
