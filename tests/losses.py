"""How to build every loss of ``kd.losses`` for the tests that hold for all of them.

A loss that is exported and has no row here fails a test: give it one, with every variant worth testing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from kd import losses
from kd.losses.base import Loss
from slr.types import Batch, NetOutput, Padded

STUDENT_WIDTH, TEACHER_WIDTH, CLASSES, JOINTS = 6, 7, 5, 4


@dataclass(frozen=True)
class Case:
    """One variant of a loss. ``zero_at_identity``: 0 when the student's outputs are the teacher's."""

    label: str
    build: Callable[[], Loss]
    zero_at_identity: bool = False


def _widths(**arguments: object) -> dict:
    return {"student_width": STUDENT_WIDTH, "teacher_width": TEACHER_WIDTH, **arguments}


ROWS: dict[str, list[Case]] = {
    "CTC": [Case("CTC", losses.CTC)],
    "FrameKL": [
        Case(f"FrameKL-{blank}", lambda blank=blank: losses.FrameKL(blank=blank), zero_at_identity=True)
        for blank in ("keep", "drop", "eliminate", "symmetric_n", "reweight")
    ],
    "Complementary": [Case("Complementary", lambda: losses.Complementary("conv", "context"))],
    "CRD": [
        Case("CRD-batch", lambda: losses.CRD(**_widths(width=8))),
        Case("CRD-gloss", lambda: losses.CRD(**_widths(width=8, positives="gloss", exclude_neighbours=0))),
        Case("CRD-stride", lambda: losses.CRD(**_widths(width=8, stride=2))),
        Case("CRD-queue", lambda: losses.CRD(**_widths(width=8, negatives="queue", queue_length=32))),
    ],
    "CRDBank": [Case("CRDBank", lambda: losses.CRDBank(**_widths(width=8, clips=10, num_negatives=6)))],
    "TemporalRelation": [
        Case(
            f"TemporalRelation-{adjacency}-{layers}",
            lambda adjacency=adjacency, layers=layers: losses.TemporalRelation(
                **_widths(width=8, embedding_width=8, adjacency=adjacency, layers=layers, radius=2)
            ),
        )
        for adjacency, layers in (("P", 1), ("L", 1), ("P+L", 2))
    ],
    "KeypointRegression": [
        Case("KeypointRegression", lambda: losses.KeypointRegression(student_width=STUDENT_WIDTH, joints=JOINTS))
    ],
}

CASES = [case for cases in ROWS.values() for case in cases]


def built(case: Case) -> Loss:
    """A fresh loss in training mode; the same parameters every time."""
    torch.manual_seed(7)
    return case.build()


@dataclass(frozen=True)
class Example:
    """What a loss is called with."""

    student: NetOutput
    teacher: NetOutput
    batch: Batch

    def loss(self, loss: Loss) -> torch.Tensor:
        return loss(self.student, self.teacher, self.batch)

    def student_tensors(self) -> list[torch.Tensor]:
        return [self.student.logits.values, *(tap.values for tap in self.student.taps.values())]


def example(
    steps: Sequence[int] = (6, 4, 5), teacher_steps: Sequence[int] | None = None, dtype: torch.dtype = torch.float32
) -> Example:
    """Clips of ``4 * steps`` pose frames, every second one an image; random outputs of two networks."""
    generator = torch.Generator().manual_seed(3)

    def sequences(lengths: Sequence[int], *trailing: int) -> Padded:
        return Padded.from_list(
            [torch.randn(length, *trailing, generator=generator, dtype=dtype) for length in lengths]
        )

    def network(lengths: Sequence[int], width: int) -> NetOutput:
        taps = {name: sequences(lengths, width) for name in ("conv", "context")}
        taps["frame"] = sequences([2 * length for length in lengths], width)
        return NetOutput(sequences(lengths, CLASSES).map(lambda scores: 2 * scores), taps)

    frames = [4 * length for length in steps]
    pose = sequences(frames, JOINTS, 3)
    glosses = [
        torch.tensor(([1, 2, 2] if length >= 4 else [3])[: max(0, length - 1)], dtype=torch.int64) for length in steps
    ]
    batch = Batch(
        ids=tuple(f"clip-{row}" for row in range(len(steps))),
        glosses=Padded.from_list(glosses),
        frames=Padded.from_list([torch.arange(length) for length in frames]),
        pose=pose,
        rgb_stride=2,
    )
    student = network(steps, STUDENT_WIDTH)
    teacher = network(teacher_steps or steps, TEACHER_WIDTH)
    for sequence in (student.logits, *student.taps.values()):
        sequence.values.requires_grad_()
    return Example(student, teacher, batch)


def with_garbage(given: Example, garbage: float, more: int = 2) -> Example:
    """The same clips with ``more`` steps of padding, all padding filled with ``garbage``."""

    def spoil(sequence: Padded) -> Padded:
        shape = list(sequence.values.shape)
        shape[1] += more
        values = sequence.values.detach()
        filler = garbage if values.is_floating_point() else -1
        wide = values.new_full(shape, filler)
        wide[:, : values.shape[1]] = torch.where(sequence.expanded_mask(), values, values.new_full((), filler))
        return Padded(wide.requires_grad_(sequence.values.requires_grad), sequence.lengths)

    return _mapped(given, spoil)


def permuted(given: Example, order: Sequence[int]) -> Example:
    """The same clips in another order."""
    rows = torch.tensor(order)
    out = _mapped(given, lambda sequence: Padded(sequence.values.detach()[rows], sequence.lengths[rows]))
    return replace(out, batch=replace(out.batch, ids=tuple(given.batch.ids[row] for row in order)))


def cast(given: Example, dtype: torch.dtype) -> Example:
    """The networks' outputs in another precision; the batch stays as it is."""

    def to(output: NetOutput) -> NetOutput:
        def one(sequence: Padded) -> Padded:
            values = sequence.values.detach().to(dtype)
            return Padded(values.requires_grad_(sequence.values.requires_grad), sequence.lengths)

        return NetOutput(one(output.logits), {name: one(tap) for name, tap in output.taps.items()})

    return replace(given, student=to(given.student), teacher=to(given.teacher))


def _mapped(given: Example, change: Callable[[Padded], Padded]) -> Example:
    def output(network: NetOutput) -> NetOutput:
        return NetOutput(change(network.logits), {name: change(tap) for name, tap in network.taps.items()})

    batch = replace(
        given.batch,
        glosses=change(given.batch.glosses),
        frames=change(given.batch.frames),
        pose=change(given.batch.pose),
    )
    return Example(output(given.student), output(given.teacher), batch)
