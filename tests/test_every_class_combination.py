"""Every network that can tell a class is taught by every loss on the class of a clip, beside a teacher of its own kind.

Nothing is listed here: rows of ``tests/nets.py`` with a head for classes and rows of ``tests/losses.py`` that say
``of_a_class`` take part.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch

from slr.types import Batch, NetOutput, Padded
from tests import losses, nets
from workbench.assemble import CorpusSizes, make_objective
from workbench.faults import ConfigError
from workbench.learner import Learner
from workbench.precision import choose_precision
from workbench.schema import LossTerm
from workbench.trainer import parameter_groups
from workbench.training_state import Trainee

from .test_every_combination import arguments_of

LOSSES = [name for name, cases in losses.ROWS.items() if cases[0].of_a_class]
# By their labels: building every network of every row only to ask it would take longer than the test.
NETWORKS = [case for cases in nets.ROWS.values() for case in cases if "class" in case.label]


def clips(case: nets.Case, stream: str) -> Batch:
    generator = torch.Generator().manual_seed(2)
    shown = Padded.from_list([torch.randn(length, *case.step_shape, generator=generator) for length in (9, 5, 8)])
    empty = Padded.from_list([torch.zeros(0, dtype=torch.int64)] * 3)
    batch = Batch(("a", "b", "c"), empty, empty, labels=torch.tensor([0, 3, 1]))
    return replace(batch, **{stream: shown})


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: case.label)
def test_two_steps_move_the_network(case: nets.Case, loss: str) -> None:
    torch.manual_seed(0)
    network, teacher = case.build().train(), case.build().eval()
    batch = clips(case, network.input_stream)
    said = teacher(batch.stream(network.input_stream))
    sizes = CorpusSizes(nets.CLASSES, case.step_shape[-2], clips=3)
    node = {"_target_": f"kd.losses.{loss}", **arguments_of(loss)}
    if node.get("head", "logits") not in {"logits", *network.tap_widths}:
        del node["head"]
    terms, widths = {"it": LossTerm(loss=node)}, {**teacher.tap_widths, "logits": nets.CLASSES}
    read = set(losses.built(losses.ROWS[loss][0]).student_taps) - {"logits", "conv_logits"}
    if not read <= set(network.tap_widths):  # not every network says how sure it is
        with pytest.raises(ConfigError, match="which the student does not publish"):
            make_objective(terms, network, sizes, widths)
        return
    objective = make_objective(terms, network, sizes, widths)
    optimizer = torch.optim.AdamW(parameter_groups(network, objective), lr=1e-3)
    trainee = Trainee(network, objective, optimizer, torch.amp.GradScaler(enabled=False))
    before = copy.deepcopy(network.state_dict())

    def answer(batch: Batch) -> NetOutput:
        return said

    learner = Learner(trainee, choose_precision("float32", torch.device("cpu")), answer)
    for _ in range(2):
        numbers = learner.learn(batch, share=1.0)
        assert math.isfinite(numbers.loss)
        assert numbers.output_steps == 0  # nothing here can be blank
        learner.step(1.0, may_skip=False)
    assert any(not torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_there_are_some() -> None:
    assert len(NETWORKS) >= 2
    assert LOSSES
