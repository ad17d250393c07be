from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from slr.scoring import PROTOCOLS, Counts, score_files

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "wer.py"


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, encoding="utf-8", check=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ref.csv").write_text("a|REGEN SONNE\nb|IX WOLKE\n")
    (tmp_path / "first.txt").write_text("a REGEN WIND\nb IX\n")
    (tmp_path / "second.ctm").write_text(
        "a 1 0.0 0.2 loc-REGEN\na 1 0.2 0.2 SONNE\nb 1 0.0 0.2 IX\nb 1 0.4 0.2 WOLKE\n"
    )
    return tmp_path


def test_one_system_is_scored_and_its_files_are_written(folder):
    done = run("ref.csv", "first.txt", "--json", "out/scores.json", "--alignments", "out/a.txt", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "50.00%" in done.stdout
    assert json.loads((folder / "out" / "scores.json").read_text())["systems"][0]["wer"] == 0.5
    assert "REF:  REGEN SONNE\nHYP:  REGEN WIND\nEval:       S" in (folder / "out" / "a.txt").read_text()


def test_more_systems_are_compared_with_the_first(folder):
    done = run("ref.csv", "first.txt", "second.ctm", "first.txt", "--json", "all.json", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "compared with the first system, first.txt" in done.stdout
    pairs = json.loads((folder / "all.json").read_text())["comparisons"]
    assert [(pair["baseline"], pair["system"]) for pair in pairs] == [
        ("first.txt", "second.ctm"),
        ("first.txt", "first.txt (2)"),
    ]
    assert pairs[1]["holm"] == {"bootstrap": 1, "randomisation": 1, "mapsswe": 1}


def test_two_systems_are_compared_under_the_protocol_asked_for(folder):
    assert "-50.00" in run("ref.csv", "first.txt", "second.ctm", folder=folder).stdout
    raw = run("ref.csv", "first.txt", "second.ctm", "--protocol", "raw", folder=folder)
    assert "-25.00" in raw.stdout
    assert "every gloss as it stands" in raw.stdout


def test_all_protocols_are_one_table(folder):
    done = run("ref.csv", "second.ctm", "--all-protocols", "--json", "scores.json", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    figures = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if "%" in line}
    assert (figures["phoenix2014"], figures["raw"], len(figures)) == ("0.00%", "25.00%", len(PROTOCOLS))
    written = json.loads((folder / "scores.json").read_text())["systems"][0]["protocols"]
    assert written["raw"]["wer"] == 0.25
    refused = run("ref.csv", "second.ctm", "--all-protocols", "--alignments", "a.txt", folder=folder)
    assert (refused.returncode, refused.stdout) == (2, "")


@pytest.mark.parametrize("reference", ["ref.csv", "ref.stm", "ref.txt", "ref_pairs.csv", "ref_lines"])
@pytest.mark.parametrize("hypothesis", ["hyp.ctm", "hyp.stm", "hyp.txt", "hyp_pairs.csv", "hyp_table.csv"])
def test_any_form_is_scored_against_any_other(tmp_path, reference, hypothesis):
    forms = {
        "csv": "id|folder|signer|annotation\na|a/1|S|你们 好\nb|b/1|S|X\n",
        "stm": "a 1 S 0.0 9.0 你们 好\nb 1 S 0.0 9.0 X\n",
        "txt": "a|你们 好\nb|X\n",
        "pairs.csv": "a,你们 好\nb,X\n",
        "lines": "a 你们 好\nb X\n",
        "ctm": "a 1 0.0 0.1 你们\na 1 0.1 0.1 好\nb 1 0.0 0.1 x\n",
        "table.csv": "id|confidences|prediction\na|0.5 0.5|你们 好\nb|0.5|x\n",
    }
    for name in (reference, hypothesis):
        form = name.partition("_")[2] or name.partition(".")[2]
        (tmp_path / name).write_text(forms[form], encoding="utf-8")
    assert score_files(tmp_path / reference, [tmp_path / hypothesis]).reports[0].counts == Counts(correct=3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ref.csv", "absent.ctm"], "wer.py: absent.ctm: No such file or directory"),
        (
            ["ref.csv", "first.txt", "--protocol", "vac"],
            "wer.py: unknown scoring protocol 'vac': choose one of phoenix2014",
        ),
        (["first.txt", "bad.stm"], "wer.py: bad.stm, line 1: expected 'clip channel signer start end gloss gloss ...'"),
        (["ref.csv", "."], "wer.py: .: Is a directory"),
        (["ref.csv", "empty.txt"], "wer.py: empty.txt, line 1: expected a transcript somewhere in the file"),
        (["ref.csv", "latin.txt"], "wer.py: latin.txt, line 2: expected UTF-8 text, got the byte 0xDC"),
        (["ref.csv", "other.txt"], "wer.py: other.txt cannot be scored against ref.csv: 1 of 1 hypotheses"),
    ],
)
def test_what_the_user_got_wrong_is_one_sentence(folder, arguments, sentence):
    (folder / "bad.stm").write_text("a REGEN\n")
    (folder / "other.txt").write_text("z REGEN\n")
    (folder / "empty.txt").write_text("")
    (folder / "latin.txt").write_bytes("a Ü\n".encode() + "b Ü\n".encode("latin-1"))
    done = run(*arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_help_shows_an_example(folder):
    done = run("--help", folder=folder)
    assert done.returncode == 0
    assert "python scripts/wer.py phoenix2014-groundtruth-dev.stm student.ctm" in done.stdout


def test_scoring_starts_without_torch(folder):
    program = f"""
import runpy, sys
sys.argv = ["wer.py", "ref.csv", "first.txt"]
try:
    runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
except SystemExit as end:
    assert end.code == 0
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.shared
def test_the_phoenix_fixture_gives_the_figures_of_sclite(shared_data, tmp_path):
    phoenix = shared_data / "phoenix2014"
    done = run(
        str(phoenix / "phoenix2014-groundtruth-dev.stm"),
        str(phoenix / "sclite-fixture" / "dev.hyp.raw.ctm"),
        folder=tmp_path,
    )
    assert "25.61%  773  291  355" in done.stdout
    assert "without __ON__ __OFF__" in done.stdout
