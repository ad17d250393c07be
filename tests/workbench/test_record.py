from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from workbench import environment
from workbench.config import Section, load_config
from workbench.disk import write_bytes
from workbench.lock import is_busy, lock_folder
from workbench.record import MetricsFile, RunRecord


class Config(Section):
    title: str = "a"
    seed: int = 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_a_run_folder_says_what_was_asked_for_and_where_it_ran(folder: Path) -> None:
    with RunRecord(folder, Config(seed=3)) as record:
        record.begin()
    assert load_config(folder / "config.yaml", schema=Config) == Config(seed=3)
    written = json.loads((folder / "environment.json").read_text())
    assert written["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert written["packages"]["torch"]
    assert written["threads"] >= 1
    assert written["command"]
    assert set(written) >= {
        "commit",
        "uncommitted_changes",
        "platform",
        "cpu",
        "cores",
        "project_version",
        "started",
    }


def test_a_continued_run_keeps_the_environments_of_earlier_starts(folder: Path) -> None:
    for _ in range(3):
        with RunRecord(folder, Config()) as record:
            record.begin()
    written = json.loads((folder / "environment.json").read_text())
    assert len(written["earlier_starts"]) == 2
    assert all("earlier_starts" not in start for start in written["earlier_starts"])


def test_a_start_that_does_nothing_leaves_no_trace(folder: Path) -> None:
    with RunRecord(folder, Config()) as record:
        record.begin()
    before = (folder / "environment.json").read_bytes()
    with RunRecord(folder, Config()):
        pass
    assert (folder / "environment.json").read_bytes() == before


def test_a_finished_step_is_reused_while_inputs_and_files_are_the_same(folder: Path) -> None:
    with RunRecord(folder, Config()) as record:
        assert record.finished("teacher", {"lr": 0.1}) is None
        (folder / "teacher.bin").write_bytes(b"weights")
        record.finish("teacher", {"lr": 0.1}, outputs=["teacher.bin"], result={"wer": 0.25}, seconds=3)
    with RunRecord(folder, Config()) as record:
        found = record.finished("teacher", {"lr": 0.1})
        assert found is not None
        assert found.result == {"wer": 0.25}
        assert record.finished("teacher", {"lr": 0.2}) is None
        assert record.finished("student", {"lr": 0.1}) is None
        (folder / "teacher.bin").write_bytes(b"others")
        assert record.finished("teacher", {"lr": 0.1}) is None
        (folder / "teacher.bin").unlink()
        assert record.finished("teacher", {"lr": 0.1}) is None


def test_a_step_done_again_replaces_its_record_and_leaves_the_others(folder: Path) -> None:
    with RunRecord(folder, Config()) as record:
        record.finish("a", 1, result="old")
        record.finish("b", 1, result="other")
        record.finish("a", 2, result="new")
        assert record.finished("a", 1) is None
        assert {name: step.result for name, step in record.steps().items()} == {"a": "new", "b": "other"}


def test_a_step_cannot_be_finished_without_its_files(folder: Path) -> None:
    with RunRecord(folder, Config()) as record, pytest.raises(ValueError, match=r"should have left .*missing.bin"):
        record.finish("a", 1, outputs=["missing.bin"])


def test_a_fresh_start_forgets_steps_measurements_and_states(folder: Path) -> None:
    with RunRecord(folder, Config()) as record:
        record.finish("a", 1)
        record.metrics.append({"epoch": 1})
        record.state_file("student").write_bytes(b"x")
        (folder / "notes.txt").write_text("mine")
    with RunRecord(folder, Config(), fresh=True) as record:
        assert record.finished("a", 1) is None
        assert record.metrics.rows() == []
        assert not record.state_file("student").exists()
        assert (folder / "notes.txt").read_text() == "mine"


def test_a_second_process_is_refused_and_a_later_one_is_not(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from workbench.lock import lock_folder; lock_folder(Path(sys.argv[1]))"
    )
    with RunRecord(folder, Config()):
        with pytest.raises(ValueError, match=r"another process is working in .*run: wait for it"):
            RunRecord(folder, Config())
        other = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
        assert other.returncode == 1
        assert "another process is working in" in other.stderr
    lock_folder(folder).close()


def test_a_look_at_whether_a_folder_is_busy_stops_no_run(tmp_path: Path) -> None:
    look = lock_folder(tmp_path)
    assert is_busy(tmp_path)
    threading.Timer(0.05, look.close).start()
    lock_folder(tmp_path).close()
    assert not is_busy(tmp_path)


def test_a_damaged_ledger_is_named_with_the_remedy(folder: Path) -> None:
    with RunRecord(folder, Config()) as record:
        (folder / "steps.json").write_text("{")
        with pytest.raises(
            ValueError, match=r"steps.json is damaged .*: remove it, and what it recorded is done again"
        ):
            record.finished("a", 1)


def test_a_result_must_be_made_of_real_numbers(folder: Path) -> None:
    with RunRecord(folder, Config()) as record:
        record.write_result({"wer": 0.5})
        with pytest.raises(ValueError, match="not JSON compliant"):
            record.write_result({"wer": float("nan")})
        assert json.loads((folder / "result.json").read_text()) == {"wer": 0.5}


ROWS: list[dict[str, Any]] = [{"epoch": 1, "loss": 0.1}, {"epoch": 2, "gloss": "SÜD\u2028\n"}]


def test_rows_are_read_back_in_order(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path / "m.jsonl")
    for row in ROWS:
        metrics.append(row)
    assert metrics.rows() == MetricsFile(tmp_path / "m.jsonl").rows() == ROWS


def test_a_writer_killed_at_any_byte_costs_at_most_its_last_row(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    metrics = MetricsFile(path)
    metrics.append(ROWS[0])
    whole = len(path.read_bytes())
    metrics.append(ROWS[1])
    content = path.read_bytes()
    for length in range(whole, len(content)):
        path.write_bytes(content[:length])
        again = MetricsFile(path)
        assert again.rows() == ROWS[:1]
        again.append({"epoch": 3})
        assert again.rows() == [ROWS[0], {"epoch": 3}]


def test_a_line_damaged_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"a": 1}\n{"a"\n{"a": 2}\n')
    with pytest.raises(ValueError, match=r"m.jsonl is damaged in line 2"):
        MetricsFile(path)


def test_unwanted_rows_are_dropped(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path / "m.jsonl")
    for epoch in range(4):
        metrics.append({"epoch": epoch})
    metrics.keep(lambda row: row["epoch"] < 2)
    assert MetricsFile(tmp_path / "m.jsonl").rows() == [{"epoch": 0}, {"epoch": 1}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the always full device of Linux")
def test_a_full_disk_is_one_clear_sentence_when_a_row_is_added(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path / "m.jsonl")
    (tmp_path / "m.jsonl").symlink_to("/dev/full")
    with pytest.raises(
        OSError, match=r"m.jsonl could not be written: the disk is full; .* make room and start again"
    ) as caught:
        metrics.append({"a": 1})
    assert caught.value.errno == errno.ENOSPC


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from workbench.disk import write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(sys.argv[1], b"x" * 5000)
except OSError as error:
    print(error)
"""
    path = tmp_path / "state.bin"
    path.write_bytes(b"before")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "state.bin could not be written: the file may not grow" in done.stdout
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["state.bin"]


def test_other_faults_of_the_system_pass_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|File exists|cannot find"):
        write_bytes(tmp_path / "file" / "below", b"")


def test_without_a_checkout_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_PROJECT", tmp_path)
    described = environment.describe_environment()
    assert described["commit"] is None
    assert described["uncommitted_changes"] is None
    json.dumps(described)


@pytest.mark.parametrize(("status", "changed"), [("", False), (" M kd/align.py", True), (None, None)])
def test_what_git_does_not_say_is_not_known(
    monkeypatch: pytest.MonkeyPatch, status: str | None, changed: bool | None
) -> None:
    monkeypatch.setattr(environment, "_git", lambda command, *options: status if command == "status" else "0123")
    assert environment.describe_environment()["uncommitted_changes"] is changed
