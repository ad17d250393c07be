"""What a configuration of a distillation on isolated clips holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from workbench.config import Section
from workbench.faults import Place
from workbench.isolated.schema import IsolatedData, IsolatedEvaluate, IsolatedNetworkNode, IsolatedStages
from workbench.schema import Distillation, Losses, Name, Run, Seed, distinct_members


class ScoreFiles(Section):
    """What a teacher says of the clips of every part, in files that a run, ``evaluate.py`` or ``fuse.py`` left.

    Those of ``train`` teach; those of ``dev`` and ``test``, where they are given, tell how good the teacher is.
    """

    train: str
    dev: str | None = None
    test: str | None = None


class IsolatedTeacherSource(Section):
    """Where a teacher comes from: trained by ``stages``, read from a ``checkpoint``, or known by its ``scores``.

    A checkpoint has to read what the student is shown; scores may come from any streams and any network. A network is
    trained with the seed of the run, plus ``seed`` where one is given.
    """

    seed: Seed | None = None
    network: IsolatedNetworkNode | None = None
    stages: IsolatedStages = ()
    checkpoint: str | None = None
    scores: ScoreFiles | None = None

    def faults_of_source(self) -> Iterator[str]:
        """What keeps this from being one teacher."""
        if self.checkpoint is not None and self.scores is not None:
            yield "a teacher comes from a checkpoint or from scores: name one of them"
        elif self.is_trained and (self.network is None or not self.stages):
            yield (
                "this teacher would be untrained: give it a network and the stages that train it, a checkpoint, or "
                "the scores that it gave"
            )

    @property
    def origin(self) -> Any:
        """What decides the teacher: two of one origin are the same."""
        return (self.network, self.stages, self.seed or 0) if self.is_trained else (self.scores, self.checkpoint)

    @property
    def is_trained(self) -> bool:
        """Whether the run trains it."""
        return self.checkpoint is None and self.scores is None


class IsolatedTeacherMember(IsolatedTeacherSource):
    """One of several teachers; ``weight`` is its share where they are ``weighted``."""

    name: Name
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _from_somewhere(self) -> IsolatedTeacherMember:
        fault = next(self.faults_of_source(), None)
        if fault is not None:
            raise ValueError(fault)
        return self


class IsolatedTeacher(IsolatedTeacherSource):
    """The teacher: one, or several ``members`` whose probabilities are combined (``average`` or ``weighted``).

    A ``live`` teacher sees every clip as the student sees it, augmented, in every step. Else it is asked once about
    every clip as testing shows that, in as many views; that is cheap, and publishes no features.
    """

    live: bool = True
    combine: Literal["average", "weighted"] | None = None
    members: Annotated[tuple[IsolatedTeacherMember, ...], AfterValidator(distinct_members)] = ()

    @model_validator(mode="after")
    def _from_somewhere(self) -> IsolatedTeacher:
        fault = next(self._faults_of_members() if self.members else self.faults_of_source(), None)
        if fault is not None:
            raise ValueError(fault)
        if self.combine is not None and not self.members:
            raise ValueError(f"combine is {self.combine!r}, and there is one teacher: list several as members")
        return self

    def _faults_of_members(self) -> Iterator[str]:
        if self.checkpoint is not None or self.scores is not None:
            yield "several members are the teacher, so it has no checkpoint and no scores of its own"
        if self.combine is None:
            yield "say how the members are combined: average or weighted"
        weighted = [member.weight is not None for member in self.members]
        if self.combine == "weighted" and not all(weighted):
            yield "under weighted every member needs a weight"
        if self.combine == "average" and any(weighted):
            yield "weights belong to weighted, and combine is average"

    def sources(self) -> dict[str, tuple[Place, IsolatedTeacherSource]]:
        """Every teacher by its role in the run, with its place in the configuration."""
        if not self.members:
            return {"teacher": (("teacher",), self)}
        return {f"teacher-{one.name}": (("teacher", "members", one.name), one) for one in self.members}


class IsolatedTrained(Section):
    """A network and the stages that train it."""

    network: IsolatedNetworkNode
    stages: Annotated[IsolatedStages, Field(min_length=1)]


class Assistant(IsolatedTrained):
    """A network between teacher and student: taught by the one in front of it, it teaches the next.

    With the network of the student it is a student born again (DKE-GCN's self-distillation), with a smaller one than
    the teacher a teacher assistant. ``losses`` are laid over those of the distillation, by name.
    """

    name: Name
    losses: Losses | None = None


def _distinct(assistants: tuple[Assistant, ...]) -> tuple[Assistant, ...]:
    names = [assistant.name for assistant in assistants]
    if len(set(names)) < len(names):
        raise ValueError("assistants need names of their own")
    return assistants


class IsolatedDistillConfig(Section):
    """A distillation on isolated clips: teacher -> assistants, one after the other -> distilled student.

    The losses of ``distillation`` are laid over those of every stage of assistants and student.
    """

    run: Run
    data: IsolatedData
    teacher: IsolatedTeacher
    assistants: Annotated[tuple[Assistant, ...], AfterValidator(_distinct)] = ()
    student: IsolatedTrained
    distillation: Distillation
    evaluate: IsolatedEvaluate = IsolatedEvaluate()
