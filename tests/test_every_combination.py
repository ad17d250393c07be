"""Every teacher teaches every student by every loss, as the workbench puts them together, on clips of the tiny corpus.

Nothing is listed here: a network or a loss that is exported takes part, as its row in ``tests/nets.py`` or
``tests/losses.py`` builds it.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch import nn

import students
import teachers
from kd import losses
from kd.losses.base import Loss
from kd.teacher import FrozenTeacher
from slr.data import Phoenix2014, PosePipeline, RgbPipeline, SignDataset, collate
from slr.skeleton import layout_names, skeleton_layout
from slr.types import Batch, NetOutput, Padded
from tests import losses as loss_rows
from tests import nets
from workbench.assemble import CorpusSizes, make_objective
from workbench.learner import Learner
from workbench.precision import choose_precision
from workbench.schema import LossTerm
from workbench.trainer import parameter_groups
from workbench.training_state import Trainee

CLIPS = ((0, 1, 2), (3, 4, 5))  # of the training split, in two batches


def exported(package: Any, kind: type) -> list[str]:
    return [
        name
        for name in package.__all__
        if isinstance(getattr(package, name), type) and issubclass(getattr(package, name), kind)
    ]


TEACHERS, STUDENTS = exported(teachers, nn.Module), exported(students, nn.Module)
# Those on the class of a clip take part in tests/test_every_class_combination.py.
OF_A_CLASS = [name for name, cases in loss_rows.ROWS.items() if cases[0].of_a_class]
LOSSES = [name for name in exported(losses, Loss) if name not in OF_A_CLASS]


def layout_with(joints: int) -> str:
    return next(name for name in ("sign-27", *layout_names()) if len(skeleton_layout(name)) == joints)


class Classroom:
    """The clips as each network wants them, and what each teacher says about them: made once for all combinations."""

    def __init__(self, root: Path) -> None:
        self.root = root / "tiny-seed0"
        self.vocabulary = Phoenix2014(self.root).vocabulary()
        self.network = cache(self._network)
        self.stream = cache(self._stream)
        self.said = cache(self._said)

    @property
    def classes(self) -> int:
        return len(self.vocabulary)

    def _network(self, name: str) -> nn.Module:
        torch.manual_seed(0)
        with mock.patch.object(nets, "CLASSES", self.classes):
            network = nets.ROWS[name][0].build()
        if network.input_stream == "pose":  # some variants read fewer channels than a loss on the keypoints
            channels = nets.ROWS[name][0].step_shape[-1]
            network.register_forward_pre_hook(lambda module, given: (first_channels(given[0], channels),))
        return network

    def _stream(self, name: str) -> tuple[list[Batch], str]:
        """The batches, with only the stream that the network called ``name`` reads, in the shape it wants."""
        kind, shape = self.network(name).input_stream, nets.ROWS[name][0].step_shape
        layout = layout_with(shape[0]) if kind == "pose" else "sign-27"
        size = (shape[-1], shape[-2]) if kind == "rgb" else None
        dataset = SignDataset(
            Phoenix2014(self.root, layout=layout), "train", self.vocabulary, streams=(kind,),
            rgb_pipeline=RgbPipeline(resize=size), pose_pipeline=PosePipeline(),
        )  # fmt: skip
        batches = [collate([dataset[clip] for clip in clips]) for clips in CLIPS]
        return batches, kind

    def _said(self, name: str) -> dict[tuple[str, ...], NetOutput]:
        """What a teacher says of each batch, by the ids of its clips; leaves that a gradient could reach."""
        teacher = FrozenTeacher(self.network(name), "untrained, for a test")
        outputs = [(batch.ids, teacher(batch)) for batch in self.stream(name)[0]]
        return {
            ids: NetOutput(leaf(out.logits), {tap: leaf(it) for tap, it in out.taps.items()}) for ids, out in outputs
        }

    def batches(self, *networks: str) -> list[Batch]:
        """The batches with the streams of all these networks."""
        together = self.stream(networks[0])[0]
        for name in networks[1:]:
            batches, kind = self.stream(name)
            together = [
                replace(one, **{kind: other.stream(kind)}) for one, other in zip(together, batches, strict=True)
            ]
        return together


def first_channels(pose: Padded, channels: int) -> Padded:
    return pose.map(lambda values: values[..., :channels])


def leaf(sequence: Padded) -> Padded:
    return sequence.map(lambda values: values.detach().clone().requires_grad_())


@pytest.fixture(scope="module")
def classroom(simulated_root: Path) -> Classroom:
    return Classroom(simulated_root)


@cache
def arguments_of(loss: str) -> dict[str, Any]:
    """What the first row of a loss in ``tests/losses.py`` gives to its constructor."""
    signature, given = inspect.signature(getattr(losses, loss)), {}

    def note(self: Loss, *values: Any, **named: Any) -> None:
        given.update(signature.bind(*values, **named).arguments)

    with mock.patch.object(getattr(losses, loss), "__init__", note):
        loss_rows.ROWS[loss][0].build()
    return given


def objective_of(loss: str, student: nn.Module, teacher: nn.Module, sizes: CorpusSizes) -> nn.Module:
    """The loss as a configuration would name it, made as wide as these networks are."""
    given = arguments_of(loss)
    workbench_sets = {*getattr(losses, loss).wanted_widths(given), *(field.name for field in fields(CorpusSizes))}
    node = {
        "_target_": f"kd.losses.{loss}",
        **{key: value for key, value in given.items() if key not in workbench_sets},
    }
    return make_objective({"it": LossTerm(loss=node)}, student, sizes, {**teacher.tap_widths, "logits": sizes.classes})


@dataclass(frozen=True)
class Watched:
    """Tensors that must not change, as they were."""

    tensors: list[torch.Tensor]
    before: list[torch.Tensor]

    @classmethod
    def of(cls, tensors: Iterable[torch.Tensor]) -> Watched:
        tensors = list(tensors)
        return cls(tensors, [tensor.detach().clone() for tensor in tensors])

    def moved(self) -> bool:
        return any(not torch.equal(*pair) for pair in zip(self.tensors, self.before, strict=True))


def two_steps(classroom: Classroom, teacher: str, student: str, loss: str) -> None:
    """Train a new student for two steps; it has to move, and nothing of the teacher may."""
    network, teaching = copy.deepcopy(classroom.network(student)).train(), classroom.network(teacher)
    sizes = CorpusSizes(classroom.classes, nets.ROWS[student][0].step_shape[0], clips=sum(map(len, CLIPS)))
    objective = objective_of(loss, network, teaching, sizes).train()
    said = classroom.said(teacher)
    outputs = [part.values for output in said.values() for part in (output.logits, *output.taps.values())]
    taught = Watched.of(network.parameters())
    untouched = Watched.of([*teaching.state_dict().values(), *outputs])
    optimizer = torch.optim.AdamW(parameter_groups(network, objective), lr=1e-3)
    trainee = Trainee(network, objective, optimizer, torch.amp.GradScaler(enabled=False))
    learner = Learner(trainee, choose_precision("float32", torch.device("cpu")), lambda batch: said[batch.ids])
    for batch in classroom.batches(student, teacher):
        numbers = learner.learn(batch, share=1.0)
        assert math.isfinite(numbers.loss)
        learner.step(1.0, may_skip=False)
    assert taught.moved()
    assert not untouched.moved()
    assert all(output.grad is None for output in outputs)


MAIN = ("STSGNet", "STGT", "FrameKL")


def all_with_all() -> list[Any]:
    """Teacher, student and loss; where more than one of them is not the main configuration's, it is a slow test."""
    combinations = []
    for names in itertools.product(TEACHERS, STUDENTS, LOSSES):
        exchanged = sum(name != main for name, main in zip(names, MAIN, strict=True))
        combinations.append(pytest.param(*names, marks=pytest.mark.slow if exchanged > 1 else ()))
    return combinations


@pytest.mark.parametrize(("teacher", "student", "loss"), all_with_all())
def test_two_steps_move_the_student_and_not_the_teacher(
    classroom: Classroom, teacher: str, student: str, loss: str
) -> None:
    two_steps(classroom, teacher, student, loss)


def test_nothing_that_is_exported_is_left_out() -> None:
    assert set(TEACHERS) | set(STUDENTS) == set(nets.ROWS)
    assert set(LOSSES) | set(OF_A_CLASS) == set(loss_rows.ROWS)


def test_every_network_and_loss_is_in_a_combination_that_is_not_slow() -> None:
    quick = {name for case in all_with_all() if not case.marks for name in case.values}
    assert quick == {*TEACHERS, *STUDENTS, *LOSSES}
