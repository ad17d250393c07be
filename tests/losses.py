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
    """One variant of a loss.

    ``zero_at_identity``: 0 when the student's outputs are the teacher's. ``untaught``: taps of the student that the
    loss reads and gives no gradient. ``of_a_class``: it reads the class of a clip, in one step of scores.
    """

    label: str
    build: Callable[[], Loss]
    zero_at_identity: bool = False
    untaught: tuple[str, ...] = ()
    of_a_class: bool = False

    def example(
        self,
        steps: Sequence[int] = (6, 4, 5),
        teacher_steps: Sequence[int] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Example:
        """Something to call it with; for the class of a clip there is one step where ``steps`` are several."""
        if not self.of_a_class:
            return example(steps, teacher_steps, dtype)
        given = example(
            [min(length, 1) for length in steps], [min(length, 1) for length in teacher_steps or steps], dtype
        )
        labels = torch.arange(len(steps)) % CLASSES
        empty = Padded.from_list([torch.zeros(0, dtype=torch.int64) for _ in steps])
        return replace(given, batch=replace(given.batch, labels=labels, glosses=empty))


def _widths(**arguments: object) -> dict:
    return {"student_width": STUDENT_WIDTH, "teacher_width": TEACHER_WIDTH, **arguments}


def _over(name: str) -> list[Case]:
    """A loss without parameters, over every kind of set."""
    loss = getattr(losses, name)
    return [
        Case(f"{name}-{over}", lambda over=over: loss(over=over), zero_at_identity=True)
        for over in ("steps", "clips", "batch")
    ]


ROWS: dict[str, list[Case]] = {
    "AttentionTransfer": [
        Case("AttentionTransfer", losses.AttentionTransfer, zero_at_identity=True),
        Case("AttentionTransfer-1", lambda: losses.AttentionTransfer(exponent=1), zero_at_identity=True),
    ],
    "BoundarySaliency": [
        Case(
            f"BoundarySaliency-{normalise}",
            lambda normalise=normalise: losses.BoundarySaliency(normalise=normalise),
            zero_at_identity=True,
        )
        for normalise in ("min-max", "z-score")
    ],
    "ContextualRelation": [Case("ContextualRelation", losses.ContextualRelation, zero_at_identity=True)],
    "FitNet": [Case("FitNet", lambda: losses.FitNet(**_widths()))],
    "PKT": _over("PKT"),
    "RKDAngle": [
        *_over("RKDAngle"),
        Case("RKDAngle-few", lambda: losses.RKDAngle(max_elements=4), zero_at_identity=True),
    ],
    "RKDDistance": _over("RKDDistance"),
    "SimilarityPreserving": _over("SimilarityPreserving"),
    "CTC": [Case("CTC", losses.CTC)],
    "DKD": [
        Case(
            f"DKD-{target}-{blank}",
            lambda target=target, blank=blank: losses.DKD(target=target, blank=blank),
            zero_at_identity=True,
        )
        for target in ("aligned", "best")
        for blank in ("keep", "drop")
    ],
    "FrameKL": [
        Case(f"FrameKL-{blank}", lambda blank=blank: losses.FrameKL(blank=blank), zero_at_identity=True)
        for blank in ("keep", "drop", "eliminate", "symmetric_n", "reweight")
    ],
    "CrossEntropy": [
        Case("CrossEntropy", losses.CrossEntropy, of_a_class=True),
        Case("CrossEntropy-smooth", lambda: losses.CrossEntropy("conv_logits", 0.1), of_a_class=True),
    ],
    "ClassDKD": [Case("ClassDKD", losses.ClassDKD, zero_at_identity=True, of_a_class=True)],
    "Confidence": [Case("Confidence", losses.Confidence, untaught=("logits",), of_a_class=True)],
    "Focal": [
        Case("Focal", losses.Focal, of_a_class=True),
        Case("Focal-every", lambda: losses.Focal(focus="every", gamma=0.5), of_a_class=True),
        Case("Focal-curriculum", lambda: losses.Focal(curriculum_epochs=5, head="conv_logits"), of_a_class=True),
    ],
    "PairwiseMargin": [
        Case("PairwiseMargin", losses.PairwiseMargin, of_a_class=True),
        Case("PairwiseMargin-2", lambda: losses.PairwiseMargin([[0, 1], [2, 4]], 2.0, 0.5), of_a_class=True),
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
        for adjacency, layers in (("P", 1), ("L", 1), ("P+L", 2), ("I", 1))
    ]
    + [
        Case(
            "TemporalRelation-" + "-".join(control.values()),
            lambda control=control: losses.TemporalRelation(**_widths(width=8, embedding_width=8, radius=2, **control)),
        )
        for control in ({"comparison": "mse"}, {"frozen": "teacher"}, {"frozen": "both"})
    ],
    "GuidedCTC": [Case("GuidedCTC", losses.GuidedCTC)],
    "SequenceKD": [
        Case("SequenceKD", lambda: losses.SequenceKD(n_best=4, width=6)),
        Case("SequenceKD-1", lambda: losses.SequenceKD(n_best=1)),
    ],
    "ShiftTolerantKL": [
        Case(
            f"ShiftTolerantKL-{per}-{blank}-{softness:g}",
            lambda per=per, blank=blank, softness=softness: losses.ShiftTolerantKL(
                max_shift=2, per=per, blank=blank, softness=softness
            ),
            zero_at_identity=softness == 0,
        )
        for per in ("clip", "step")
        for blank, softness in (("keep", 0), ("drop", 0.5))
    ],
    "SelfDistillation": [
        Case("SelfDistillation", losses.SelfDistillation, untaught=("logits",)),
        Case("SelfDistillation-keep", lambda: losses.SelfDistillation(3.0, blank="keep"), untaught=("logits",)),
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

    def features(self, tap: str) -> tuple[list, list]:
        """What both networks publish there, student first: lists of clips, of steps, of numbers."""
        student, teacher = (network.read(tap).unpad() for network in (self.student, self.teacher))
        return [clip.tolist() for clip in student], [clip.tolist() for clip in teacher]

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
    for output in (student, teacher):  # last, so that what is drawn above stays as it is
        output.taps["conv_logits"] = sequences(output.logits.lengths.tolist(), CLASSES).map(lambda scores: 2 * scores)
    for output in (student, teacher):
        output.taps["confidence"] = sequences(output.logits.lengths.tolist(), 1)
    for sequence in (student.logits, *student.taps.values()):
        sequence.values.requires_grad_()
    return Example(student, teacher, batch)


def published(student: Sequence[Sequence], teacher: Sequence[Sequence]) -> Example:
    """Two networks that publish these features under every tap; a clip is a list of steps, a step a list of numbers."""

    def network(clips: Sequence[Sequence]) -> NetOutput:
        width = max(len(step) for clip in clips for step in clip)
        features = Padded.from_list(
            [torch.tensor(clip, dtype=torch.float32).reshape(len(clip), width) for clip in clips]
        )
        return NetOutput(features, dict.fromkeys(("conv", "context", "frame"), features))

    empty = Padded.from_list([torch.zeros(0, dtype=torch.int64) for _ in student])
    batch = Batch(tuple(f"clip-{row}" for row in range(len(student))), empty, empty)
    given = Example(network(student), network(teacher), batch)
    given.student.logits.values.requires_grad_()
    return given


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
    labels = None if given.batch.labels is None else given.batch.labels[rows]
    return replace(out, batch=replace(out.batch, ids=tuple(given.batch.ids[row] for row in order), labels=labels))


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
