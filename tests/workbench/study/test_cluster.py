"""Runs as jobs of submitit, whose executor for this machine stands for a cluster."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.workbench.study.made import planned
from workbench.study.grid import Grid
from workbench.study.launch import ClusterJob, ClusterLauncher, Job

submitit = pytest.importorskip("submitit")


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grid:
    """Runs that do nothing but say their name and end with a code."""
    code = "import sys; print('I am', sys.argv[1]); sys.exit(sys.argv[1].startswith('crd'))"
    monkeypatch.setattr(
        "workbench.study.launch.process_arguments", lambda run, *more: [sys.executable, "-c", code, run.name]
    )
    return planned(tmp_path, seeds=[0])


def ended(job: Job) -> int:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        code = job.poll()
        if code is not None:
            return code
        time.sleep(0.1)
    raise AssertionError("the job did not end in two minutes")


@pytest.mark.slow
def test_a_job_runs_the_command_and_gives_its_exit_code(grid: Grid, tmp_path: Path) -> None:
    launcher = ClusterLauncher(grid, {"cluster": "local", "timeout_min": 5}, None)
    assert launcher.capacity == len(grid.runs)
    logs = [tmp_path / "logs" / f"{run.name}.log" for run in grid.runs.values()]
    jobs = [launcher.start(run, log) for run, log in zip(grid.runs.values(), logs, strict=True)]
    assert [ended(job) for job in jobs] == [0, 1]
    assert [log.read_text().strip() for log in logs] == [f"I am {run.name}" for run in grid.runs.values()]
    assert all(job.ticket for job in jobs)
    assert launcher.find(str(jobs[0].ticket)) is None, "it has ended"


ENDED = f"""Job 7 (task: 0) with path 7_0_result.pkl
has not produced any output (state: OUT_OF_MEMORY)
Error stream produced:
{"-" * 40}
step 1
slurmstepd: error: Detected 1 oom-kill event
"""
FAILED = f"""Job (task=0) failed during processing with trace:
{"-" * 22}
Traceback (most recent call last):
FileExistsError: [Errno 17] File exists: 'logs'

{"-" * 22}
You can check full logs with 'job.stderr(0)'
"""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            submitit.core.utils.UncompletedJobError(ENDED),
            "UncompletedJobError: Job 7 (task: 0) with path 7_0_result.pkl has not produced any output (state: "
            "OUT_OF_MEMORY) Error stream produced: slurmstepd: error: Detected 1 oom-kill event",
        ),
        (
            submitit.core.utils.FailedJobError(FAILED),
            "FailedJobError: Job (task=0) failed during processing with trace: FileExistsError: [Errno 17] File "
            "exists: 'logs'",
        ),
        (EOFError("Ran out of input"), "EOFError: Ran out of input"),
    ],
)
def test_a_job_without_an_exit_code_is_told_as_submitit_does(error: Exception, told: str) -> None:
    """Whatever it was, it need not have been a lack of memory."""

    class Ended:
        """As submitit answers for a job without a result."""

        asked = 0

        def done(self) -> bool:
            return True

        def result(self) -> int:
            self.asked += 1
            raise error

    ended = Ended()
    job = ClusterJob(ended)
    assert (job.poll(), job.failure) == (1, told)
    assert ended.asked == 1, "it waits for a result that will not come"


def test_options_that_submitit_does_not_know_are_refused(grid: Grid) -> None:
    with pytest.raises(ValueError, match=r"--slurm: submitit refuses its options: .*partitoin"):
        ClusterLauncher(grid, {"cluster": "local", "partitoin": "gpu"}, None)
    with pytest.raises(ValueError, match=r"--slurm: submitit refuses its options: .*nowhere"):
        ClusterLauncher(grid, {"cluster": "nowhere"}, None)


def test_a_machine_without_slurm_says_so(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="--slurm"):
        ClusterLauncher(grid, {}, None)


def test_without_submitit_its_name_is_told(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(ValueError, match="pip install"):
        ClusterLauncher(grid, {}, None)
