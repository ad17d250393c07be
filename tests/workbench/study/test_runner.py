"""Doing a grid of runs, with runs that are made up."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.workbench.study.made import make_run, planned, usual
from workbench.interrupts import Interrupted
from workbench.lock import lock_folder
from workbench.study import runner as runner_module
from workbench.study.collect import Collected, Found, collect
from workbench.study.command import keeper
from workbench.study.estimate import estimate
from workbench.study.finished import FinishedRun
from workbench.study.grid import Cell, Grid, PlannedRun
from workbench.study.invocation import command_line
from workbench.study.kept_file import read_kept
from workbench.study.launch import LocalLauncher
from workbench.study.runner import StudyRunner
from workbench.study.state import StudyState
from workbench.study.view import PlainView, last_line, make_view
from workbench.training_lines import duration


@dataclass
class MadeUpJob:
    """Ends when it is asked for the ``polls``-th time."""

    code: int
    polls: int = 2
    ticket: str | None = None
    stopped: bool = False
    failure: str | None = None

    def poll(self) -> int | None:
        self.polls -= 1
        return self.code if self.polls < 0 or self.stopped else None

    def stop(self) -> None:
        self.stopped = True


@dataclass
class MadeUpLauncher:
    """Makes run folders up; rows in ``failing`` end with a code and a last word."""

    capacity: int = 1
    failing: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    polls: int = 2
    ticket: str | None = None
    failure: str | None = None
    started: list[Cell] = field(default_factory=list)
    jobs: list[MadeUpJob] = field(default_factory=list)
    known: Mapping[str, MadeUpJob] = field(default_factory=dict)

    def start(self, run: PlannedRun, log: Path) -> MadeUpJob:
        self.started.append(run.cell)
        assert sum(not job.stopped and job.polls >= 0 for job in self.jobs) < self.capacity
        code, said = self.failing.get(run.cell.row, (0, "all is well"))
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"epoch 1\n{said}\n")
        if code == 0:
            make_run(run, usual(run.cell))
        self.jobs.append(MadeUpJob(code, self.polls, self.ticket, failure=self.failure if code else None))
        return self.jobs[-1]

    def find(self, ticket: str) -> MadeUpJob | None:
        return self.known.get(ticket)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "_POLL_SECONDS", 0.0)


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    return planned(tmp_path, seeds=[0, 1])


def do(grid: Grid, launcher: MadeUpLauncher) -> tuple[Collected, str]:
    said = io.StringIO()
    state = StudyState.open(grid.out)
    found = collect(grid, state.failures)
    cells = StudyRunner(grid, launcher, PlainView(grid, launcher.capacity, said), state).run(found.cells)
    return Collected(cells), said.getvalue()


@pytest.mark.parametrize("capacity", [1, 2, 9])
def test_all_runs_are_done_in_the_order_of_the_table(grid: Grid, capacity: int) -> None:
    launcher = MadeUpLauncher(capacity)
    found, said = do(grid, launcher)
    assert launcher.started == list(grid.runs)
    assert all(one.status == "done" for one in found.cells.values())
    assert "0 of 4 done" in said
    assert "4 of 4 done" in said
    again = MadeUpLauncher()
    do(grid, again)
    assert again.started == []


def test_a_run_that_fails_is_told_remembered_and_tried_again(grid: Grid) -> None:
    launcher = MadeUpLauncher(failing={"kd": (2, "distill.py: the corpus is gone")})
    found, said = do(grid, launcher)
    assert [one.status for one in found.cells.values()] == ["failed", "failed", "done", "done"]
    log = grid.out / "logs" / f"{grid.runs[Cell('kd', 0)].name}.log"
    reason = f"the corpus is gone (log: {log})"
    assert found.cells[Cell("kd", 0)].reason == reason
    assert f"kd, seed 0  FAILED: {reason}" in said
    remembered = collect(grid, StudyState.open(grid.out).failures)
    assert remembered.cells[Cell("kd", 1)].status == "failed"
    launcher = MadeUpLauncher()
    found, _ = do(grid, launcher)
    assert launcher.started == [Cell("kd", 0), Cell("kd", 1)]
    assert all(one.status == "done" for one in found.cells.values())
    assert StudyState.open(grid.out).failures == {}


def test_every_run_is_handed_on_as_soon_as_it_has_ended_well(grid: Grid) -> None:
    """So that its record is there when the study breaks off with the next."""
    ended: list[Cell] = []

    def keep(cell: Cell, run: FinishedRun) -> None:
        ended.append(cell)
        if len(ended) == 2:
            raise KeyboardInterrupt

    launcher, state = MadeUpLauncher(failing={"kd": (1, "no memory")}), StudyState.open(grid.out)
    view = PlainView(grid, 1, io.StringIO())
    with pytest.raises(KeyboardInterrupt):
        StudyRunner(grid, launcher, view, state, keep).run(collect(grid).cells)
    assert ended == [Cell("crd", 0), Cell("crd", 1)]


def test_a_record_that_cannot_be_written_stops_no_other_run(
    grid: Grid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    keep = keeper(str(tmp_path / "file" / "records.json"))
    launcher, state = MadeUpLauncher(), StudyState.open(grid.out)
    StudyRunner(grid, launcher, PlainView(grid, 1, io.StringIO()), state, keep).run(collect(grid).cells)
    assert len(launcher.started) == 4
    assert capsys.readouterr().err.count(f"is not in {tmp_path / 'file' / 'records.json'} yet: ") == 4
    keeper(str(tmp_path / "records.json"))(Cell("kd", 0), collect(grid).finished[Cell("kd", 0)])
    assert [run.cell for run in read_kept(tmp_path / "records.json").runs.values()] == [Cell("kd", 0)]


def test_a_run_that_was_killed_is_told_with_its_signal(grid: Grid) -> None:
    found, _ = do(grid, MadeUpLauncher(failing={"crd": (-signal.SIGKILL, "epoch 3")}))
    assert "it was killed by SIGKILL; the machine may have run out of memory" in found.cells[Cell("crd", 0)].reason


def test_a_run_whose_job_gave_no_result_is_told_with_the_reason(grid: Grid) -> None:
    found, _ = do(grid, MadeUpLauncher(failing={"crd": (1, "epoch 3")}, failure="TimeoutError: its time was up"))
    assert found.cells[Cell("crd", 0)].reason.startswith("its job gave no result: TimeoutError: its time was up (log: ")


def test_a_fault_of_ours_is_told_by_its_last_line(grid: Grid) -> None:
    found, _ = do(grid, MadeUpLauncher(failing={"crd": (1, "Traceback ...\nZeroDivisionError: division by zero")}))
    assert found.cells[Cell("crd", 0)].reason.startswith("ZeroDivisionError: division by zero (log: ")


def test_a_run_in_which_another_process_works_is_left_to_it(grid: Grid) -> None:
    first = Cell("kd", 0)
    folder = grid.out / grid.runs[first].name
    folder.mkdir(parents=True)
    lock = lock_folder(folder)

    class Releasing(MadeUpLauncher):
        def start(self, run: PlannedRun, log: Path) -> MadeUpJob:
            if len(self.started) == 2:
                folder.joinpath(".lock").unlink()
                lock.close()
                folder.rmdir()
            return super().start(run, log)

    launcher = Releasing()
    found, said = do(grid, launcher)
    assert launcher.started[-1] == first
    assert all(one.status == "done" for one in found.cells.values())
    assert said.count(f"kd, seed 0  is being done by another process: waiting for {folder}") == 1


def test_a_job_that_a_cluster_still_has_is_found_again(grid: Grid) -> None:
    first = Cell("kd", 0)
    StudyState.open(grid.out).start(grid.runs[first].name, lambda ticket: "17")
    make_run(grid.runs[first], usual(first))
    (grid.out / grid.runs[first].name / "result.json").rename(grid.out / "kept.json")

    class Finishing(MadeUpJob):
        def poll(self) -> int | None:
            code = super().poll()
            if code is not None and (grid.out / "kept.json").is_file():
                (grid.out / "kept.json").rename(grid.out / grid.runs[first].name / "result.json")
            return code

    launcher = MadeUpLauncher(known={"17": Finishing(0, ticket="17")}, ticket="18")
    found, _ = do(grid, launcher)
    assert first not in launcher.started
    assert all(one.status == "done" for one in found.cells.values())
    assert StudyState.open(grid.out).tickets == {}


def test_two_processes_know_what_the_other_started(tmp_path: Path) -> None:
    one, other = StudyState.open(tmp_path), StudyState.open(tmp_path)
    one.start("kd", lambda ticket: "17")
    one.ended("crd", "no memory")
    other.start("alone", lambda ticket: "18")
    asked: list[str | None] = []
    other.start("kd", lambda ticket: asked.append(ticket) or ticket)
    assert asked == ["17"]
    found = StudyState.open(tmp_path)
    assert (found.tickets, found.failures) == ({"kd": "17", "alone": "18"}, {"crd": "no memory"})


def test_no_two_processes_start_a_run_at_once(tmp_path: Path) -> None:
    one, other = StudyState.open(tmp_path), StudyState.open(tmp_path)
    waiting = threading.Thread(target=lambda: other.start("kd", lambda ticket: ticket or "18"))

    def submit(ticket: str | None) -> str:
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive()
        return "17"

    one.start("kd", submit)
    waiting.join(timeout=60)
    assert StudyState.open(tmp_path).tickets == {"kd": "17"}


def test_sigterm_lets_runs_save_and_end(grid: Grid) -> None:
    class Terminating(MadeUpLauncher):
        def start(self, run: PlannedRun, log: Path) -> MadeUpJob:
            job = super().start(run, log)
            signal.raise_signal(signal.SIGTERM)
            return job

    launcher = Terminating(capacity=2, polls=1000)
    with pytest.raises(Interrupted) as caught:
        do(grid, launcher)
    assert caught.value.code == 128 + signal.SIGTERM
    assert launcher.jobs
    assert all(job.stopped for job in launcher.jobs)


def test_jobs_of_a_cluster_are_left_when_this_process_ends(grid: Grid) -> None:
    class Interrupting(MadeUpLauncher):
        def start(self, run: PlannedRun, log: Path) -> MadeUpJob:
            super().start(run, log)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do(grid, Interrupting(polls=1000, ticket="3"))


def test_a_study_begun_anew_forgets_its_runs_and_trains_apart(grid: Grid) -> None:
    do(grid, MadeUpLauncher())
    state = StudyState.open(grid.out)
    state.ended("some", "reason")
    (state.store / "networks").mkdir(parents=True)
    state.begin_anew(run.name for run in grid.runs.values())
    assert not state.store.exists()
    again = StudyState.open(grid.out)
    assert again.fresh
    assert again.failures == {}
    assert {found.status for found in collect(grid).cells.values()} == {"unfinished"}
    assert command_line(grid.runs[Cell("kd", 0)], replace(grid, store=again.store), None).endswith("/runs/losses/fresh")


def test_the_time_left_counts_shared_parts_once(grid: Grid) -> None:
    """60 s each for teacher, student alone and student, 1 s for the teacher's outputs, 5 s around."""
    make_run(grid.runs[Cell("kd", 0)], usual(Cell("kd", 0)))
    pending = [cell for cell in grid.runs if cell != Cell("kd", 0)]
    found = estimate(grid, collect(grid).finished, pending)
    assert found.seconds == {Cell("kd", 1): 186.0, Cell("crd", 0): 65.0, Cell("crd", 1): 65.0}
    assert found.total(jobs=1) == 316.0
    assert found.total(jobs=2) == 186.0
    assert estimate(grid, {}, pending).total(jobs=1) is None
    assert estimate(grid, {}, []).total(jobs=1) == 0.0


def test_the_time_left_is_no_shorter_than_the_longest_run(grid: Grid) -> None:
    make_run(grid.runs[Cell("kd", 0)], usual(Cell("kd", 0)))
    said = io.StringIO()
    with PlainView(grid, 9, said).following(collect(grid).cells):
        assert said.getvalue() == f"1 of {len(grid.runs)} done, about {duration(186.0)} left\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_live_grid_with_the_last_word_of_every_run(grid: Grid) -> None:
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "100")
        view = make_view(grid, 1, screen)
    state = StudyState.open(grid.out)
    StudyRunner(grid, MadeUpLauncher(failing={"crd": (2, "train.py: no")}), view, state).run(collect(grid).cells)
    text = screen.getvalue()
    assert "seed 1" in text
    assert "all is well" in text
    assert "2 of 4 done, 2 failed" in text
    assert "crd, seed 0  FAILED: no (log: " in text


def test_the_last_line_of_a_log_is_the_last_that_says_something(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert last_line(path) == ""
    path.write_text("x" * 5000 + "\nstudent distilled  epoch 3/60\n\n")
    assert last_line(path) == "student distilled  epoch 3/60"


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("[]")
    with pytest.raises(ValueError, match=r"state\.json is damaged"):
        StudyState.open(tmp_path)


@contextlib.contextmanager
def devices(monkeypatch: pytest.MonkeyPatch, named: str) -> Iterator[None]:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    yield


def test_runs_take_turns_on_several_devices(grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show = "import os, sys; print(os.environ['CUDA_VISIBLE_DEVICES']); sys.stdout.flush(); sys.stdin.read()"
    monkeypatch.setattr("workbench.study.launch.process_arguments", lambda *given: [sys.executable, "-c", show])
    with devices(monkeypatch, "4,6"):
        launcher = LocalLauncher(grid, jobs=2, threads=1)
        logs = [tmp_path / f"{number}.log" for number in range(2)]
        jobs = [launcher.start(run, log) for run, log in zip(grid.runs.values(), logs, strict=False)]
        assert [_waited(job) for job in jobs] == [0, 0]
    assert sorted(log.read_text().strip() for log in logs) == ["4", "6"]


def _waited(job: object) -> int:
    assert isinstance(job.process, subprocess.Popen)  # type: ignore[attr-defined]
    return int(job.process.wait(timeout=60))  # type: ignore[attr-defined]


def test_found_runs_are_not_started(grid: Grid) -> None:
    cell = Cell("kd", 0)
    make_run(grid.runs[cell], usual(cell))
    launcher = MadeUpLauncher(capacity=3)
    found, said = do(grid, launcher)
    assert cell not in launcher.started
    assert isinstance(found.cells[cell], Found)
    assert "1 of 4 done" in said
