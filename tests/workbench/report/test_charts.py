from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from workbench.analysis.breakdown import Breakdown, Group, Rate
from workbench.report.charts import Series, group_chart, interval_bar, key, line_chart
from workbench.report.svg import log_ticks, nice_ticks


def points_of(chart: str) -> list[list[tuple[float, float]]]:
    """The corners of every line of a chart, in pixels."""
    ElementTree.fromstring(chart)  # it is well-formed
    paths = re.findall(r'class="line" d="M([^"]+)"', chart)
    return [[(float(x), float(y)) for x, y in (pair.split() for pair in path.split("L"))] for path in paths]


def test_a_line_goes_where_its_values_are() -> None:
    chart = line_chart(
        [Series("one", 0, [(1, 0.0), (2, 5.0), (3, 10.0)])], x_label="epoch", y_label="%", size=(320, 190)
    )
    ((first, middle, last),) = points_of(chart)
    assert (first[0], last[0]) == (44, 310)
    assert middle[0] == pytest.approx((first[0] + last[0]) / 2, abs=0.1)
    assert middle[1] == pytest.approx((first[1] + last[1]) / 2, abs=0.1)
    assert last[1] < first[1]  # larger is higher


def test_on_a_logarithmic_axis_equal_factors_are_equal_ways() -> None:
    chart = line_chart([Series("one", 1, [(1, 1.0), (2, 10.0), (3, 100.0)])], x_label="epoch", y_label="loss", log=True)
    ((_, low), (_, middle), (_, high)) = points_of(chart)[0]
    assert low - middle == pytest.approx(middle - high, abs=0.1)
    assert [text for text in re.findall(r">([\d.e+]+)</text>", chart) if text in ("1", "10", "100")] != []


def test_one_point_and_equal_values_make_a_chart() -> None:
    assert points_of(line_chart([Series("one", 0, [(1, 3.0)])], x_label="epoch", y_label="%"))
    assert points_of(line_chart([Series("one", 0, [(1, 0.0), (2, 0.0)])], x_label="epoch", y_label="%", from_zero=True))


def test_names_are_escaped_and_the_chart_says_what_it_shows() -> None:
    chart = line_chart([Series('<b>"&', 0, [(1, 2.0), (2, 1.5)])], x_label="epoch", y_label="<%>", markers=True)
    ElementTree.fromstring(chart)
    assert "<b>" not in chart
    assert 'aria-label="&lt;%&gt; over epoch: &lt;b&gt;&quot;&amp; from 2 to 1.5"' in chart


def test_groups_stand_side_by_side_with_their_intervals() -> None:
    groups = (
        Group("<S1>", 9, 30, {"teacher": Rate(0.1, 0.05, 0.2), "student": Rate(0.2, 0.1, 0.3)}),
        Group("S2", 1, 2, {"teacher": Rate(0.5), "student": None}),
    )
    chart = group_chart(Breakdown("signer", "WER", groups), [("teacher", "teacher", 0), ("student", "student", 2)])
    ElementTree.fromstring(chart)
    assert chart.count('class="dot"') == 3
    assert chart.count('class="whisker"') == 2
    assert "student, &lt;S1&gt;: 20.0 %, 95 % interval 10.0 to 30.0" in chart
    assert "1 clip</text>" in chart


def test_a_bar_in_a_table_has_its_place_on_the_common_line() -> None:
    chart = interval_bar(Rate(0.2, 0.1, 0.3), 0.4, 1)
    ElementTree.fromstring(chart)
    assert "translate(80.0 10)" in chart
    assert 'd="M43.0 10H117.0"' in chart


def test_the_key_names_every_style_once() -> None:
    assert key([("a<b", 0), ("c", 1)]).count("<li>") == 2
    assert "a&lt;b" in key([("a<b", 0)])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.5, 2000, [1, 10, 100, 1000]), (0.02, 0.7, [0.02, 0.05, 0.1, 0.2, 0.5]), (3, 4, [3])],
)
def test_ticks_of_a_logarithmic_axis(low: float, high: float, ticks: list[float]) -> None:
    assert log_ticks(low, high) == ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (3, 3, [3]), (0.3, 47, [10, 20, 30, 40])],
)
def test_ticks_are_round_numbers_within_the_axis(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == ticks
