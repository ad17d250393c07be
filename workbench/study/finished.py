"""A finished run as tables see it, whether its folder is at hand or a record of it alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from slr.scoring import WerReport
from workbench.study.grid import RunConfig


class FinishedRun(Protocol):
    """A run that ended well and whose figures follow from what its networks read."""

    @property
    def folder(self) -> Path | None:
        """The run folder; None where only a record is at hand."""
        ...

    @property
    def place(self) -> str:
        """What a message calls it."""
        ...

    @property
    def config(self) -> RunConfig:
        """What was asked for."""
        ...

    @property
    def content(self) -> str:
        """Hash of what was asked for, by which it is found."""
        ...

    @property
    def measured(self) -> Mapping[str, Any]:
        """What its steps found."""
        ...

    @property
    def finished(self) -> str:
        """When it ended, UTC."""
        ...

    @property
    def main(self) -> str:
        """The network that the run was for."""
        ...

    @property
    def corpus(self) -> str:
        """The name of its corpus, which says so when this is simulated or rendered."""
        ...

    @property
    def commit(self) -> str | None:
        """The commit of the workbench that it was started with last, where that is known."""
        ...

    @property
    def machine(self) -> Mapping[str, Any] | None:
        """The kind of machine that it was started on last, where that is known."""
        ...

    @property
    def wall_seconds(self) -> float | None:
        """From its last start to its end, where that is known."""
        ...

    @property
    def references(self) -> Mapping[str, str]:
        """What should have been read, as the text of an STM file, by split."""
        ...

    @property
    def clips(self) -> str:
        """Hash of the references."""
        ...

    def hypotheses(self, role: str, split: str) -> Mapping[str, tuple[str, ...]] | None:
        """What a network read, by clip; None for a teacher that was not measured there."""
        ...

    def report(self, role: str, split: str) -> WerReport | None:
        """The scores of a network on a split; None for a teacher that was not measured there."""
        ...

    def epoch_seconds(self, role: str) -> float | None:
        """Mean seconds of an epoch of training; None for a network that was not trained in this run."""
        ...


def machine_of(environment: Mapping[str, Any], device: str) -> dict[str, Any]:
    """The kind of machine that an ``environment.json`` describes, for a run that asked for a ``device``."""
    gpus = environment.get("cuda_devices") or []
    on_gpu = bool(gpus) and device != "cpu"
    return {
        "device": "cuda" if on_gpu else "cpu",
        "gpu": gpus[0] if on_gpu else None,
        "cpu": environment.get("cpu"),
        "threads": environment.get("threads"),
        "torch": (environment.get("packages") or {}).get("torch"),
    }
