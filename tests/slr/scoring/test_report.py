from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from slr.scoring import Transcript, score_files, write_lines, write_stm


@pytest.fixture
def folder(tmp_path):
    references = {f"c{i}": Transcript(("__ON__", "REGEN", "SONNE"), signer=("Anna", "Bert")[i % 2]) for i in range(8)}
    first = {clip: Transcript(("__ON__", "REGEN", "WOLKE")) for clip in references}
    second = {clip: Transcript(("__ON__", "REGEN", "SONNE")) for clip in references if clip != "c7"}
    write_stm(tmp_path / "ref.stm", references)
    write_lines(tmp_path / "first.txt", first)
    write_lines(tmp_path / "second.txt", second)
    return tmp_path


def shown(scores, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(scores.render())
    return console.file.getvalue()


def row(text: str, start: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.strip().startswith(start))


def test_the_page_shows_totals_signers_and_frequent_errors(folder):
    text = shown(score_files(folder / "ref.stm", [folder / "second.txt"]))
    assert "8 clips, 24 glosses to recognise" in text
    assert "clips without hypothesis, scored as empty: 1\n  c7\n" in text
    # The clip without hypothesis is [EMPTY]: one substitution and two deletions.
    assert row(text, "all glosses")[2:8] == ["12.50%", "1", "2", "0", "87.5%", "12.5%"]
    assert row(text, "without __ON__ __OFF__")[3:9] == ["12.50%", "1", "1", "0", "87.5%", "12.5%"]
    assert row(text, "Anna") == ["Anna", "0.00%", "0", "0", "0", "100.0%", "0.0%", "4", "12"]
    assert row(text, "Bert") == ["Bert", "25.00%", "1", "2", "0", "75.0%", "25.0%", "4", "12"]
    assert "1 x SONNE as [EMPTY]" in text
    assert max(map(len, text.splitlines())) <= 80


def test_many_clips_without_hypothesis_are_counted_and_some_of_them_named(folder):
    write_lines(folder / "few.txt", {"c9": Transcript(("REGEN",))})
    write_stm(folder / "many.stm", {f"c{i}": Transcript(("REGEN",)) for i in range(12)})
    text = shown(score_files(folder / "many.stm", [folder / "few.txt"]))
    assert "scored as empty: 11\n  c0\n" in text
    assert "  c7\n  and 3 more\n" in text


def test_json_holds_every_figure(folder):
    scores = score_files(folder / "ref.stm", [folder / "first.txt", folder / "second.txt"], "raw")
    content = json.loads(scores.to_json())
    first, second = content["systems"]
    assert (first["name"], first["protocol"], first["wer"], first["sub"], first["ref"]) == (
        "first.txt",
        "raw",
        pytest.approx(1 / 3),
        8,
        24,
    )
    assert first["alignments"][0] == {
        "clip": "c0",
        "reference": "__ON__ REGEN SONNE",
        "hypothesis": "__ON__ REGEN WOLKE",
        "operations": "CCS",
    }
    assert first["confusions"] == [{"reference": "SONNE", "hypothesis": "WOLKE", "times": 8}]
    assert first["glosses"]["SONNE"] == {"ref": 8, "correct": 0, "sub": 8, "del": 0, "ins": 0}
    assert (second["missing"], second["del"], second["without_markers"]) == (["c7"], 3, None)
    assert second["signers"]["Anna"]["wer"] == 0
    assert content["comparisons"][0]["bootstrap"]["difference"]["value"] == pytest.approx(-5 / 24)


def test_a_fault_names_both_files(folder):
    write_lines(folder / "other.txt", {"z": Transcript(("A",))})
    with pytest.raises(ValueError, match=r"other\.txt cannot be scored against .*ref\.stm: 1 of 1 hypotheses"):
        score_files(folder / "ref.stm", [folder / "other.txt"])


def test_figures_nobody_measured_are_not_shown(tmp_path):
    write_lines(tmp_path / "ref.txt", {"a": Transcript(())})
    write_lines(tmp_path / "hyp.txt", {"a": Transcript(("X",))})
    text = shown(score_files(tmp_path / "ref.txt", [tmp_path / "hyp.txt"], "raw"))
    assert row(text, "all glosses")[2:] == ["-", "0", "0", "1", "-", "100.0%", "-"]
