"""A training that kills itself: ``python -m tests.workbench.killed_training FOLDER EPOCH:BATCH [itself]``.

``-`` stands for never; with ``itself`` the network is taught by the average of its weights, which is what is kept.
After the kill nothing of the process is left but its files. Writes the weights of a training that reached its end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from kd.teacher import FrozenTeacher
from slr.types import Batch
from tests.workbench.tiny import TinyBatches, TinyNetwork, TinyObjective, seed_everything
from workbench.averaging import make_average
from workbench.precision import choose_precision
from workbench.record import MetricsFile
from workbench.schedule import one_cycle
from workbench.tensor_file import write_tree
from workbench.trainer import parameter_groups, train_stage
from workbench.training_types import DevScore, StageOptions


class DeadlyBatches(TinyBatches):
    """Kills the process, without a word, when the batch of an epoch is asked for."""

    def __init__(self, deadly: tuple[int, int] | None) -> None:
        super().__init__(counts=(5, 4), wild=True)
        self.deadly = deadly

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        for index, batch in enumerate(super().epoch(epoch, first), start=first):
            if (epoch, index) == self.deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch


def dev_loss(network: nn.Module) -> DevScore:
    """The share of wrong classes on one batch; draws random numbers on the way, as an evaluation may."""
    torch.rand(7)
    batch = TinyBatches(seed=99).batch(0, 0)
    logits = network(batch.stream("pose")).logits
    return DevScore(float((logits.valid().argmax(-1) != 1).float().mean()))


def main(folder: Path, deadly: tuple[int, int] | None, itself: bool = False) -> None:
    torch.set_num_threads(1)
    seed_everything(3)
    network, objective = TinyNetwork(dropout=0.4), TinyObjective()
    average = make_average(network, 0.9) if itself else None
    result = train_stage(
        network,
        objective,
        DeadlyBatches(deadly),
        torch.optim.AdamW(parameter_groups(network, objective), lr=0.02),
        one_cycle(),
        StageOptions("student", epochs=4, accumulate=2, clip_grad_norm=1.0, evaluate_every=2, identity="same"),
        precision=choose_precision("auto", torch.device("cpu")),
        evaluate=dev_loss,
        state_file=folder / "student.state.safetensors",
        rows=MetricsFile(folder / "metrics.jsonl"),
        kept=objective.projection,
        average=average,
        teacher=FrozenTeacher(average.module, "itself") if average is not None else None,
    )
    ends = {"network": network.state_dict(), "objective": objective.state_dict(), "draw": torch.rand(3)}
    ends["kept"] = dict(result.kept)
    ends["average"] = {} if average is None else average.state_dict()
    write_tree(folder / "end.safetensors", {**ends, "best": result.best_epoch, "steps": result.steps})


if __name__ == "__main__":
    when = sys.argv[2]
    main(Path(sys.argv[1]), None if when == "-" else tuple(map(int, when.split(":"))), "itself" in sys.argv)  # type: ignore[arg-type]
