"""Recipes of training on isolated clips: stages, mixed clips, averaged weights, and being stopped amid all that."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from kd.losses import CrossEntropy
from kd.objective import Objective, Term
from slr.data.isolated import MixUp
from slr.types import Batch, NetOutput
from tests.kd.losses.classes import some
from tests.workbench.running import here, read_json, sha256
from workbench.isolated.mixed_batches import MixedBatches
from workbench.learner import Learner
from workbench.precision import choose_precision
from workbench.training_state import Trainee
from workbench.watch import GapWatch

from .waving import waving_config

CE = {"ce": {"loss": {"_target_": "kd.losses.CrossEntropy"}}}
ADAM = {"_target_": "torch.optim.AdamW", "lr": 0.01}
STAGES: list[dict[str, Any]] = [
    {
        "name": "first",
        "epochs": 3,
        "max_clips": 10,
        "optimizer": ADAM,
        "schedule": {"kind": "cosine_restarts", "period": 1, "warmup_epochs": 1, "gamma": 0.8},
        "mixup": {"_target_": "slr.data.isolated.MixUp", "alpha": 0.2},
        "average": {"decay": 0.9},
        "losses": {"focal": {"loss": {"_target_": "kd.losses.Focal", "curriculum_epochs": 2}}},
    },
    {
        "name": "fine",
        "epochs": 3,
        "max_clips": 10,
        "rate_clips": 20,
        "layer_decay": 0.8,
        "optimizer": ADAM,
        "patience": 1,
        "average": {"decay": 0.9},
        "taught_by": "average",
        "losses": {**CE, "kd": {"weight": 0.5, "loss": {"_target_": "kd.losses.FrameKL", "temperature": 3}}},
    },
    {
        "name": "finer",
        "epochs": 2,
        "max_clips": 10,
        "optimizer": ADAM,
        "taught_by": "last stage",
        "losses": {**CE, "kd": {"weight": 0.5, "loss": {"_target_": "kd.losses.FrameKL", "temperature": 3}}},
    },
]


def staged(folder: Path, store: Path) -> Path:
    network = {"channels": [4], "strides": [1], "dropout": 0.3}
    return waving_config(folder, store, stages=STAGES, network=network, evaluate={"every_epochs": 1})


class Terminated:
    """Sends the process a SIGTERM in front of the batch numbered ``when`` of all batches of the first stage."""

    def __init__(self, when: int) -> None:
        self.when = when
        self.mixed = MixedBatches._mixed

    def __call__(self, batches: MixedBatches, epoch: int, first: int) -> Iterator[Batch]:
        for index, batch in enumerate(self.mixed(batches, epoch, first), start=first):
            if 3 * epoch + index == self.when:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
def test_a_recipe_of_all_there_is_ends_with_the_same_weights_when_it_is_stopped(store: Path, tmp_path: Path) -> None:
    config = staged(tmp_path, store)
    straight = here("train", config, "--out", tmp_path / "straight")
    assert straight.code == 0, straight.err
    for when in (1, 5):
        stopped = Terminated(when)
        with mock.patch.object(MixedBatches, "_mixed", lambda *arguments, stop=stopped: stop(*arguments)):
            done = here("train", config, "--out", tmp_path / "stopped")
        assert done.code == 128 + signal.SIGTERM, done.err
    done = here("train", config, "--out", tmp_path / "stopped")
    assert done.code == 0, done.err
    assert "continuing after 1 of 3 epochs and 3 batches" in done.err
    weights = [sha256(run.folder / "network.safetensors") for run in (straight, done)]
    assert weights[0] == weights[1]
    result = read_json(done.folder / "result.json")["network"]
    assert [stage["name"] for stage in result["stages"]] == ["first", "fine", "finer"]
    assert result["stages"][1]["dev_top1"] is not None  # patience looks at dev
    assert result["stages"][0]["dev_top1"] is None
    rows = [json.loads(line) for line in (done.folder / "metrics.jsonl").read_text().splitlines()]
    assert {"ce", "kd"} <= set(rows[-1]["terms"])


def test_mixed_clips_learn_both_labels() -> None:
    class Answers(torch.nn.Module):
        input_stream = "pose"

        def forward(self, stream: object) -> NetOutput:
            return given.student

    given = some(4)
    batch = MixUp()(given.batch, torch.Generator().manual_seed(1), scored=False)
    assert 0.5 <= batch.share < 1
    network, objective = Answers(), Objective({"ce": Term(CrossEntropy())})
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    trainee = Trainee(network, objective, optimizer, torch.amp.GradScaler(enabled=False))
    numbers = Learner(trainee, choose_precision("float32", torch.device("cpu"))).learn(batch, share=1.0)
    log_probs = given.student.logits.values[:, 0].detach().log_softmax(-1)
    labels = given.batch.labels
    each = [
        -batch.share * log_probs[row, labels[row]] - (1 - batch.share) * log_probs[row, labels[batch.others[row]]]
        for row in range(4)
    ]
    assert numbers.loss == pytest.approx(float(sum(each)) / 4, rel=1e-5)
    assert numbers.terms == {"ce": pytest.approx(numbers.loss)}
    assert numbers.right == int((log_probs.argmax(-1) == labels).sum())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stages.0.taught_by=average", "stages.0.average={}"], "no loss of it compares with a teacher"),
        (["stages.0.losses.kd={loss: {_target_: kd.losses.FrameKL}}"], "and this training has none"),
        (["stages.0.patience=3", "data.corpus.held_out=0"], "patience is 3, and no dev part is held out to look at"),
        (["stages.0.mixup={_target_: slr.data.isolated.Mirror}"], "it is no slr.data.isolated.mixup.MixUp"),
        (["stages.0.mixup={_target_: slr.data.isolated.MixUp, alpha: 0}"], "MixUp alpha is 0"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_trained(
    store: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    done = here("train", waving_config(tmp_path, store), *words, "--out", tmp_path / "runs")
    assert done.code == 2
    assert says in done.err
    assert not (tmp_path / "runs").exists()


def test_clips_learned_by_heart_are_warned_of(store: Path, tmp_path: Path) -> None:
    watch = GapWatch()
    row = {"epoch": 5, "train_top1": 0.95, "blank_rate": None}
    (alarm,) = watch.look(row, 0.6, 10)
    assert "95.0 % of the training clips are right after 5 of 10 epochs and 60.0 % of dev" in alarm.message
    assert watch.look(row, 0.7, 10) == []
    assert watch.look(row, None, 10) == []
    assert watch.look({**row, "epoch": 2}, 0.6, 10) == []
