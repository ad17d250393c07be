"""A finished run as tables see it, whether its folder is at hand or a record of it alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from slr.scoring import AccuracyReport, WerReport
from workbench.study.grid import RunConfig
from workbench.study.schema import Task


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
    def task(self) -> Task:
        """What its networks were for."""
        ...

    @property
    def judged(self) -> str:
        """How its networks were judged, in a few words."""
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
        """The commit of the workbench that finished it, where that is known."""
        ...

    @property
    def uncommitted_changes(self) -> bool | None:
        """Whether the workbench differed from that commit, where that is known."""
        ...

    @property
    def machine(self) -> Mapping[str, Any] | None:
        """The kind of machine that finished it, where that is known."""
        ...

    @property
    def wall_seconds(self) -> float | None:
        """From the start that finished it to its end, where that is known."""
        ...

    @property
    def references(self) -> Mapping[str, Any]:
        """What should have been found in the clips of every split, as a record keeps it."""
        ...

    def read_by(self, role: str) -> Mapping[str, Any]:
        """What a network found in them, as a record keeps it."""
        ...

    @property
    def clips(self) -> str:
        """Hash of the references."""
        ...

    def counts(self, role: str, split: str) -> Mapping[str, Any] | None:
        """The entry of ``result.json`` about a network on a split; None for one that was not measured there."""
        ...

    def report(self, role: str, split: str) -> WerReport | None:
        """The errors of a network, clip by clip; those of a class are errors of sentences of one gloss.

        None for a network that was not measured on this split.
        """
        ...

    def accuracy(self, role: str, split: str) -> AccuracyReport | None:
        """How often a network found the class of a clip; None where there are no classes."""
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
