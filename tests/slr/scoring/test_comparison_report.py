from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from slr.scoring import Transcript, compare_systems, render_comparisons, score_files, write_lines
from slr.scoring.comparison_report import _p, render_resolution
from slr.scoring.significance import PValues
from tests.slr.scoring.significance.systems import random_reports, report

LONG = "a_long_name_as_people_have_them_with_dates_2024-05-17.ctm"


def shown(part, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(part)
    return console.file.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


def row(text: str, start: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.strip().startswith(start))


@pytest.fixture(scope="module")
def several():
    base, better, same = random_reports(80, [0.3, 0.2, 0.3], seed=0)
    return compare_systems({"base": base, "better": better, "same": same, LONG: better}, resamples=999)


def test_the_baseline_comes_first_and_everybody_is_measured_by_it(several):
    text = shown(render_comparisons(several))
    assert text.startswith("compared with the first system, base\n")
    first, change = several[0].bootstrap.first, several[0].bootstrap.difference
    bounds = [f"{100 * first.low:.1f}", "to", f"{100 * first.high:.1f}"]
    assert row(text, "base") == ["base", f"{first.value:.2%}", *bounds]
    assert row(text, "better ")[5:] == [
        f"{100 * change.value:+.2f}",
        f"{100 * change.low:+.2f}",
        "to",
        f"{100 * change.high:+.2f}",
        f"{100 * several[0].resolvable:.2f}",
    ]


def test_p_values_stand_with_their_correction_where_there_are_several(several):
    lines = shown(render_comparisons(several)).split("p (Holm)")[1]
    same = several[1]
    tests = ("bootstrap", "randomisation", "mapsswe")
    cells = [(_p(getattr(same.p_values, test)), f"({_p(getattr(same.holm, test))})") for test in tests]
    assert row(lines, "same") == ["same", *sum(cells, ()), f"{abs(same.mapsswe.z):.2f}"]
    assert "(" not in " ".join(row(shown(render_comparisons(several[1:2])), "same"))


def test_every_line_fits_into_80_columns(several):
    text = shown(render_comparisons(several))
    assert max(map(len, text.splitlines())) <= 80
    # Nothing but the long name is broken over lines.
    assert all(len(row(part, "better")) >= 5 for part in text.split("p (Holm)"))


def test_a_sentence_says_what_follows(several):
    text = words(shown(render_comparisons(several)))
    assert "better is better than base: p < 0.05 in all three tests." in text
    assert "same cannot be told apart from base: p < 0.05 in none of the three tests." in text
    assert "corrected for 3 comparisons" in text


def test_tests_that_disagree_are_named(several):
    torn = dataclasses.replace(several[0], holm=PValues(bootstrap=0.04, randomisation=0.06, mapsswe=0.01))
    text = words(shown(render_comparisons([torn])))
    assert "better may be better than base: p < 0.05 in bootstrap and MAPSSWE, not in randomisation." in text


def test_a_worse_system_is_called_worse():
    text = words(shown(render_comparisons(compare_systems({"a": report(*[1] * 20), "b": report(*[4] * 20)}))))
    assert "b is worse than a: p < 0.05 in all three tests." in text
    assert "10000 random exchanges" in text
    assert row(shown(render_comparisons(compare_systems({"a": report(1), "b": report(1)}))), "b")[-1] == "-"


def test_small_p_values_are_bounds_and_none_hides_its_side_of_the_level():
    assert [_p(p) for p in (1e-9, 0.00099, 0.001, 0.0496, 0.05, 0.0504, 0.1234, 1.0)] == [
        "<0.001",
        "<0.001",
        "0.001",
        "0.0496",
        "0.050",
        "0.0504",
        "0.123",
        "1.000",
    ]


def test_a_single_system_is_told_what_its_test_set_resolves():
    (system,) = random_reports(100, [0.3], seed=0)
    text = shown(render_resolution(system))
    assert text.count("\n") == 1
    assert "independent" in text
    assert "too few or too alike" in shown(render_resolution(report(3)))


def test_files_are_compared_and_written_out_in_full(tmp_path):
    generator = np.random.default_rng(0)
    references = {f"c{i}": Transcript(tuple(generator.choice(["A", "B", "C"], 8))) for i in range(20)}
    write_lines(tmp_path / "ref.txt", references)
    write_lines(tmp_path / "one.txt", {c: Transcript(t.glosses[1:]) for c, t in references.items()})
    write_lines(tmp_path / "two.txt", {c: Transcript(t.glosses[int(c[1:]) % 2 :]) for c, t in references.items()})
    names = [tmp_path / name for name in ("one.txt", "two.txt", "one.txt")]
    scores = score_files(tmp_path / "ref.txt", names, "raw")
    content = json.loads(scores.to_json())
    assert [system["resolvable"] is None for system in content["systems"]] == [True, False, True]
    assert content["systems"][0]["ci95"] == [0.125, 0.125]
    two, again = content["comparisons"]
    assert (two["baseline"], two["system"]) == (str(names[0]), str(names[1]))
    assert again["system"] == f"{names[0]} (2)"
    assert two["bootstrap"]["difference"]["value"] == pytest.approx(-1 / 16)
    assert two["randomisation"] == {"difference": -0.0625, "p_value": 2 / 2**10, "assignments": 2**10, "exact": True}
    assert two["mapsswe"]["segments"] == 20
    assert two["holm"]["randomisation"] == 2 * two["randomisation"]["p_value"]
    text = shown(scores.render())
    assert "all exchanges" in words(text)
    alone = score_files(tmp_path / "ref.txt", names[1:2], "raw")
    assert "Resolvable between two independent systems" in shown(alone.render())
    assert json.loads(alone.to_json())["comparisons"] == []
