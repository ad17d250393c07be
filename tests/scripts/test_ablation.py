"""The command from end to end: real runs on the tiny corpus, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.running import ROOT, here, read_json, sha256
from tests.workbench.study.made import make_all, planned, usual, write_study


def tiny_study(root: Path, epochs: int, *, broken: bool = False) -> dict[str, Any]:
    """Students that are trained alone: quick, without frames."""
    rows: list[dict[str, Any]] = [
        {"name": "plain", "label": "CTC"},
        {
            "name": "one",
            "label": "CTC on one head",
            "set": {"stages.glosses.losses.ctc_conv.weight": 0},
            "paper": {"test_wer": 33.3},
            "flags": {"test_wer": "digit uncertain"},
        },
    ]
    if broken:
        label = "fails when it is started"
        rows.append({"name": "broken", "label": label, "set": {"run.seed": 3, "evaluate.labels": "nowhere.json"}})
        rows[-1]["set"]["evaluate.beam_width"] = 3
    return {
        "title": "A tiny table",
        "config": str(ROOT / "configs" / "train_stgt.yaml"),
        "set": {
            "data.corpus.profile": "tiny",
            "data.root": str(root),
            "stages.glosses.epochs": epochs,
            "evaluate.every_epochs": 1,
            "run.threads": 1,
        },
        "reference": "plain",
        "columns": ["dev_wer", "test_wer", "difference", "p", "train_seconds"],
        "paper": {"source": "Table 9", "corpus": "RWTH-PHOENIX-Weather 2014"},
        "rows": rows,
    }


@pytest.mark.slow
def test_a_tiny_table_from_end_to_end_with_a_row_that_fails(simulated_root: Path, tmp_path: Path) -> None:
    study = write_study(tmp_path, tiny_study(simulated_root, 2, broken=True), "tiny")
    arguments = ("ablation", study, "--out", tmp_path / "runs", "--jobs", "2")
    done = here(*arguments)
    assert done.code == 1, done.err
    assert "1 of 3 runs failed: broken, seed 0: " in done.err.splitlines()[-1]
    assert "nowhere.json" in done.err.splitlines()[-1]
    assert done.folder == tmp_path / "runs" / "tiny"
    assert "simulated corpus (tiny, seed 0)" in done.out
    found = read_json(done.folder / "table.json")
    rows = {row["name"]: row for row in found["rows"]}
    assert [len(rows[name]["runs"]) for name in ("plain", "one", "broken")] == [1, 1, 0]
    assert rows["one"]["against_reference"]["p_holm"] <= 1
    for name in ("plain", "one"):
        result = read_json(Path(rows[name]["runs"][0]["folder"]) / "result.json")
        assert rows[name]["figures"]["test_wer"]["mean"] == result["network"]["test"]["wer"]
    assert not (done.folder / "networks").exists(), "networks lie where studies share them"
    assert len(list((tmp_path / "runs" / "networks").iterdir())) == 2
    planned = here(*arguments, "--dry-run")
    assert planned.code == 0
    assert [line.split()[1] for line in planned.out.splitlines() if line.startswith("python ")] == ["scripts/train.py"]
    assert "1 of 3 runs to do, 2 at once: about " in planned.out
    table = here(*arguments, "--table-only")
    assert table.code == 2
    assert "nowhere.json" in table.err
    assert table.folder == done.folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_study_killed_in_the_middle_loses_an_epoch_at_most_and_ends_with_the_same_weights(
    simulated_root: Path, tmp_path: Path
) -> None:
    study = tiny_study(simulated_root, 15)
    study["rows"] = study["rows"][:1]
    command = [sys.executable, str(ROOT / "scripts" / "ablation.py"), str(write_study(tmp_path, study, "tiny"))]
    command += ["--out", str(tmp_path / "killed")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    done_before = _wait_for_epochs(tmp_path / "killed", 3)
    os.killpg(process.pid, signal.SIGKILL)  # the run too: as when the machine loses its power
    process.wait()
    (interrupted,) = (tmp_path / "killed" / "networks").iterdir()
    assert not (interrupted / "finished.json").exists()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    (run,) = (tmp_path / "killed" / "tiny").glob("plain-*")
    log = (tmp_path / "killed" / "tiny" / "logs" / f"{run.name}.log").read_text()
    (kept,) = (int(found) for found in re.findall(r"continuing after (\d+) of 15 epochs", log))
    assert kept >= done_before - 1
    words = [f"{key}={json.dumps(value)}" for key, value in study["set"].items()]
    straight = here("train", study["config"], *words, "--out", tmp_path / "straight")
    assert sha256(straight.folder / "network.safetensors") == sha256(run / "network.safetensors")


def _wait_for_epochs(out: Path, epochs: int) -> int:
    """Until so many epochs of the first network are recorded; how many there are."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for path in (out / "networks").glob("*/metrics.jsonl") if (out / "networks").is_dir() else []:
            done = path.read_bytes().count(b"\n")
            if done >= epochs:
                return done
        time.sleep(0.05)
    raise AssertionError(f"{epochs} epochs were not done in five minutes")


def test_a_table_is_made_of_what_is_there_and_says_what_is_not(tmp_path: Path) -> None:
    grid = planned(tmp_path, seeds=[0, 1])
    make_all(grid, usual)
    done = here("ablation", tmp_path / "losses.yaml", "--out", tmp_path / "runs", "--table-only")
    assert done.code == 0, done.err
    assert "Not in the table: kd, seed 2: not run yet." in done.out
    assert done.folder == grid.out
    (grid.out / next(iter(grid.runs.values())).name / "hypotheses.test.ctm").unlink()
    halved = here("ablation", tmp_path / "losses.yaml", "--out", tmp_path / "runs", "--table-only", "--seeds", "0,1")
    assert "was copied by halves: it lacks hypotheses.test.ctm" in halved.sentence
    assert json.loads((grid.out / "table.json").read_text())["rows"][1]["wanted_runs"] == 2


def test_a_table_of_nothing_is_refused_and_tells_what_lies_there_instead(tmp_path: Path) -> None:
    write_study(tmp_path)
    options = ("--out", tmp_path / "runs", "--table-only", "--seeds", "0")
    assert "there is no run of this study in" in here("ablation", tmp_path / "losses.yaml", *options).sentence
    make_all(planned(tmp_path, seeds=[0], words=["data.protocol=phoenix2014"]), usual)
    sentence = here("ablation", tmp_path / "losses.yaml", *options).sentence
    assert "is another configuration, it has data.protocol: 'phoenix2014' instead of 'raw'" in sentence


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--jobs", "0"), "--jobs is 0: at least one run is done at a time"),
        (("--fresh", "--dry-run"), "--fresh runs everything again"),
        (("data.corpus.profil=tiny",), "did you mean profile"),
        (("distillation.losses.kd.loss._target_=kd.losses.FitNet", "distillation.losses.kd.loss.tap=convv"), "'convv'"),
    ],
)
def test_what_cannot_run_is_said_before_anything_does(tmp_path: Path, words: tuple[str, ...], expected: str) -> None:
    done = here("ablation", write_study(tmp_path), "--out", tmp_path / "runs", *words)
    assert done.code == 2
    assert expected in done.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("option", "value"), [("--seeds", "0;1"), ("--slurm", "partition")])
def test_options_of_another_form_are_shown_a_right_one(tmp_path: Path, option: str, value: str) -> None:
    done = here("ablation", write_study(tmp_path), option, value)
    assert done.code == 2
    assert "with commas between" in done.err


def test_a_table_is_made_of_records_alone_and_says_so(tmp_path: Path) -> None:
    grid = planned(tmp_path)
    make_all(grid, usual)
    options = (tmp_path / "losses.yaml", "--out", tmp_path / "runs")
    kept = here("ablation", *options, "--table-only", "--keep", tmp_path / "records" / "losses.json")
    assert kept.code == 0, kept.err
    before = json.loads((grid.out / "table.json").read_text())
    shutil.rmtree(tmp_path / "runs")
    again = here(
        "ablation", *options
    )  # nothing is left to do, and the records beside the study are found by themselves
    assert again.code == 0, again.err
    assert "6 of 6 runs are known from records alone." in again.out
    after = json.loads((grid.out / "table.json").read_text())
    assert [row["figures"] for row in after["rows"]] == [row["figures"] for row in before["rows"]]
    assert "all 6 runs are done" in here("ablation", *options, "--dry-run").out
    shutil.rmtree(tmp_path / "runs")
    alone = here("ablation", *options, "--table-only", "--no-records")
    assert "there is no run of this study" in alone.sentence
    (tmp_path / "records" / "losses.json").rename(tmp_path / "elsewhere.json")
    assert here("ablation", *options, "--table-only").code == 2
    assert here("ablation", *options, "--table-only", "--records", tmp_path / "elsewhere.json").code == 0


def test_an_edited_record_is_refused_by_the_command(tmp_path: Path) -> None:
    grid = planned(tmp_path)
    make_all(grid, usual)
    options = (tmp_path / "losses.yaml", "--out", tmp_path / "runs", "--table-only")
    path = tmp_path / "records" / "losses.json"
    assert here("ablation", *options, "--keep", path).code == 0
    shutil.rmtree(tmp_path / "runs")
    path.write_text(path.read_text().replace('"commit":"0123', '"commit":"9123', 1))
    done = here("ablation", *options)
    assert done.code == 2
    assert f"the record of crd, seed 0 in {path} was edited" in done.err
    assert json.loads((grid.out / "table.json").read_text())["not_in_the_table"]
    assert "was edited" in here("ablation", *options, "--keep", path).sentence


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--records", "nowhere.json"), "there is no file of records at nowhere.json"),
        (("--records", "some.json", "--no-records"), "leave out --records"),
        (("--dry-run", "--keep", "some.json"), "leave out --keep"),
    ],
)
def test_records_that_cannot_be_had_are_a_sentence(tmp_path: Path, words: tuple[str, ...], expected: str) -> None:
    done = here("ablation", write_study(tmp_path), "--out", tmp_path / "runs", *words)
    assert done.code == 2
    assert expected in done.sentence
