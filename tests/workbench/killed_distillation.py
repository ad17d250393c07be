"""A distillation that kills itself: ``python -m tests.workbench.killed_distillation STAGE EPOCH BATCH ARGUMENT ...``.

The arguments are those of the script. The process is killed without a word when a batch of a stage is asked for; epochs
and batches count from 0.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from slr.types import Batch
from tests.workbench.running import ROOT
from workbench import training


class DeadlyBatches:
    """The batches of a stage, one of which is deadly."""

    def __init__(self, batches: Any, deadly: tuple[int, int]) -> None:
        self._batches = batches
        self._deadly = deadly

    def count(self, epoch: int) -> int:
        count: int = self._batches.count(epoch)
        assert epoch != self._deadly[0] or self._deadly[1] < count, f"epoch {epoch} has only {count} batches"
        return count

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        batches: Iterable[Batch] = self._batches.epoch(epoch, first)
        for index, batch in enumerate(batches, start=first):
            if (epoch, index) == self._deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch


def make_deadly(stage: str, deadly: tuple[int, int]) -> None:
    """Let the training of ``stage`` die at a batch."""
    harmless = training.train_stage

    def train_stage(
        network: Any, objective: Any, batches: Any, optimizer: Any, schedule: Any, options: Any, **more: Any
    ):
        if options.name == stage:
            batches = DeadlyBatches(batches, deadly)
        return harmless(network, objective, batches, optimizer, schedule, options, **more)

    training.train_stage = train_stage


if __name__ == "__main__":
    _, name, at_epoch, at_batch, *arguments = sys.argv
    make_deadly(name, (int(at_epoch), int(at_batch)))
    script = str(ROOT / "scripts" / "distill.py")
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")
