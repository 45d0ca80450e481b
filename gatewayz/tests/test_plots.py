"""The lines are true to the figures, and readable; the bars are compared with what is kept."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from gatewayz.benchmarks.plots import lines

SVG = "{http://www.w3.org/2000/svg}"


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
