"""Starting runs, each in a process of its own: on this machine, or through submitit on a cluster."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, cast

import torch

from workbench.study.grid import Grid, PlannedRun
from workbench.study.invocation import process_arguments

_RULE = "-" * 20  # a part of those that submitit draws


class Job(Protocol):
    """A run that was started."""

    @property
    def ticket(self) -> str | None:
        """What finds the job again after this process has ended, if something does."""
        ...

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None as long as it runs."""
        ...

    @property
    def failure(self) -> str | None:
        """Why a run that has ended gave no exit code of its own; None where it gave one."""
        ...

    def stop(self) -> None:
        """Ask it to save and end."""
        ...


class Launcher(Protocol):
    """What starts runs; ``capacity`` of them at once."""

    @property
    def capacity(self) -> int:
        """Runs at once."""
        ...

    def start(self, run: PlannedRun, log: Path) -> Job:
        """Start a run; what it says is appended to ``log``."""
        ...

    def find(self, ticket: str) -> Job | None:
        """A job that an earlier process started and that has not ended."""
        ...


@dataclass(frozen=True)
class LocalJob:
    """A process of this machine."""

    process: subprocess.Popen[bytes]
    ticket: str | None = None
    failure: str | None = None

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        return self.process.poll()

    def stop(self) -> None:
        """SIGTERM: a training saves in the middle of an epoch and ends."""
        if self.process.poll() is None:
            self.process.terminate()


class LocalLauncher:
    """Processes of this machine.

    Args:
        grid: the study.
        jobs: processes at once; where there are several CUDA devices, they take turns on them.
        threads: of each process; None leaves the choice to torch.
    """

    def __init__(self, grid: Grid, jobs: int, threads: int | None) -> None:
        self.capacity = jobs
        self._grid = grid
        self._threads = threads
        self._devices = _cuda_devices()
        self._busy: list[tuple[str, LocalJob]] = []  # the device of every job

    def start(self, run: PlannedRun, log: Path) -> Job:
        """Start a process."""
        arguments = process_arguments(run, self._grid, self._threads)
        device = self._free_device()
        environment = {**os.environ, **({} if device is None else {"CUDA_VISIBLE_DEVICES": device})}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment
            )
        job = LocalJob(process)
        if device is not None:
            self._busy.append((device, job))
        return job

    def find(self, ticket: str) -> Job | None:
        """None: the lock of a run folder says whether somebody works in it."""
        return None

    def _free_device(self) -> str | None:
        """The device with the fewest jobs; None where there is no choice."""
        if len(self._devices) < 2:
            return None
        self._busy = [(device, job) for device, job in self._busy if job.poll() is None]
        taken = [device for device, _ in self._busy]
        return min(self._devices, key=taken.count)


def _cuda_devices() -> list[str]:
    """The CUDA devices that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(index) for index in range(torch.cuda.device_count())]


@dataclass(frozen=True)
class LoggedCommand:
    """A command that a cluster runs, and again when it was put back into the queue."""

    arguments: Sequence[str]
    log: Path

    def __call__(self) -> int:
        """Run it to its end; the exit code."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as file:
            return subprocess.call(self.arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)

    def checkpoint(self) -> Any:
        """What submitit does when the time of the job is up: the same command goes on where it had come to."""
        return _submitit().helpers.DelayedSubmission(self)


@dataclass(frozen=True)
class ClusterJob:
    """A job of submitit."""

    job: Any

    @property
    def ticket(self) -> str | None:
        """The id of the job."""
        return str(self.job.job_id)

    def poll(self) -> int | None:
        """The exit code of its command; 1 when the job ended without one."""
        return self._outcome[0] if self.job.done() else None

    @property
    def failure(self) -> str | None:
        """What submitit says of a job that has ended and gave no exit code."""
        return self._outcome[1] if self.job.done() else None

    @cached_property
    def _outcome(self) -> tuple[int, str | None]:
        """Asked once: submitit waits 15 seconds for a result that is not there."""
        try:
            return int(self.job.result()), None
        except Exception as error:  # submitit documents no narrower kind
            return 1, _told(error)

    def stop(self) -> None:
        """Leave it: it goes on without this process, and a later one finds it."""


class ClusterLauncher:
    """Jobs through submitit.

    Args:
        grid: the study.
        options: of ``submitit.AutoExecutor.update_parameters``, such as ``slurm_partition`` and ``timeout_min``, and
            ``cluster``: ``slurm`` when left out, ``local`` for processes of this machine.
        capacity: jobs at once, None for as many as there are runs.

    Raises:
        ValueError: when submitit is not installed, or does not know an option.
    """

    def __init__(self, grid: Grid, options: Mapping[str, Any], capacity: int | None) -> None:
        self.capacity = capacity or len(grid.runs)
        self._grid = grid
        given = {"cluster": "slurm", **options}
        self._folder = grid.out / "jobs"
        submitit = _submitit()
        try:
            self._executor = submitit.AutoExecutor(folder=self._folder, cluster=given.pop("cluster"))
            self._executor.update_parameters(name=grid.name, **given)
        except (NameError, RuntimeError, AssertionError, TypeError, ValueError) as error:
            raise ValueError(f"--slurm: submitit refuses its options: {' '.join(str(error).split())}") from error

    def start(self, run: PlannedRun, log: Path) -> Job:
        """Submit a job."""
        arguments = process_arguments(run, self._grid, None)
        return ClusterJob(self._executor.submit(LoggedCommand(arguments, log.resolve())))

    def find(self, ticket: str) -> Job | None:
        """The job of an id, as long as the cluster knows it and it has not ended."""
        if self._executor.cluster != "slurm":  # processes of this machine end with the one that started them
            return None
        job = _submitit().SlurmJob(self._folder, ticket)
        known = job.state.upper() in ("PENDING", "RUNNING", "REQUEUED", "COMPLETING", "READY")
        return ClusterJob(job) if known and not job.done() else None


def _told(error: Exception) -> str:
    """What an error of submitit says in one line; of a log, which it puts between rules, the last line alone."""
    text, _, log = str(error).partition(f"\n{_RULE}")
    lines = [line.strip() for line in log.partition(f"\n{_RULE}")[0].splitlines() if line.strip("- ")]
    return " ".join([f"{type(error).__name__}:", *text.split(), *lines[-1:]])


def _submitit() -> Any:
    try:
        import submitit
        import submitit.helpers
    except ImportError as error:
        raise ValueError("--slurm needs the package submitit: pip install -e '.[submitit]'") from error
    return cast(Any, submitit)
