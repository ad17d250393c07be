from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from slr.scoring import PROTOCOLS, Transcript, score_protocols, write_lines


@pytest.fixture
def folder(tmp_path):
    write_lines(
        tmp_path / "ref.txt", {"a": Transcript(("neg-HABEN", "neg-HABEN", "REGEN")), "b": Transcript(("WIND",))}
    )
    write_lines(tmp_path / "hyp.txt", {"a": Transcript(("neg-HABEN", "neg-HABEN", "loc-REGEN"))})
    return tmp_path


def shown(scores, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(scores.render())
    return console.file.getvalue()


def row(text: str, name: str) -> list[str]:
    return next(line.split()[1:] for line in text.splitlines() if line.split()[:1] == [name])


@pytest.mark.parametrize("width", [80, 120])
def test_the_same_hypotheses_are_shown_under_every_protocol(folder, width):
    text = shown(score_protocols(folder / "ref.txt", [folder / "hyp.txt"]), width)
    assert "2 clips, 1 of them without hypothesis" in text
    assert row(text, "raw") == ["50.00%", "1", "1", "0", "4", "0.00%"]
    assert row(text, "phoenix2014") == ["25.00%", "1", "0", "0", "4", "0.00%"]
    # A peer that takes repeats from the hypothesis only does so to a perfect transcript as well.
    assert row(text, "vac-python") == ["50.00%", "1", "1", "0", "4", "25.00%"]
    assert row(text, "twostream") == ["33.33%", "0", "1", "0", "3", "0.00%"]
    honest, others = text.index("\n honest"), text.index("\n what others publish")
    for name, protocol in PROTOCOLS.items():
        place = text.index(f"\n   {name} ")
        assert honest < place < others if protocol.honest else others < place
        assert protocol.description[:30] in text
    assert max(map(len, text.splitlines())) <= width


def test_every_system_has_its_own_figures(folder):
    scores = score_protocols(folder / "ref.txt", [folder / "hyp.txt", folder / "ref.txt"])
    assert [[report.protocol.name for report in reports] for reports in scores.systems] == 2 * [[*PROTOCOLS]]
    assert [report.counts for report in scores.systems[1]] == list(scores.perfect)
    first, second = json.loads(scores.to_json())["systems"]
    assert (first["name"], first["missing"], second["missing"]) == ("hyp.txt", ["b"], [])
    raw, vac = first["protocols"]["raw"], first["protocols"]["vac-python"]
    assert (raw["wer"], raw["ref"], raw["perfect_transcript"], raw["honest"]) == (0.5, 4, 0, True)
    assert (vac["perfect_transcript"], vac["honest"]) == (0.25, False)


def test_a_fault_names_both_files(folder):
    write_lines(folder / "other.txt", {"z": Transcript(("A",))})
    with pytest.raises(ValueError, match=r"other\.txt cannot be scored against .*ref\.txt: 1 of 1 hypotheses"):
        score_protocols(folder / "ref.txt", [folder / "other.txt"])


def test_a_protocol_that_leaves_no_gloss_has_no_figure(folder):
    write_lines(folder / "marker.txt", {"a": Transcript(("__ON__",))})
    text = shown(score_protocols(folder / "marker.txt", [folder / "marker.txt"]), 80)
    assert row(text, "phoenix2014t") == ["-", "0", "0", "0", "0", "-"]
