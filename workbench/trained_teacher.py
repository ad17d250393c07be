"""Teachers that a run trains itself, of sentences and of isolated clips alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from workbench.measure import MadeNetwork
from workbench.place import Place
from workbench.schema import Stage
from workbench.training import Training, is_being_trained, train_network

TEACHER = "teacher"  # the role of the teacher itself; members have roles of their own
Teacher = TypeVar("Teacher")


class Source(Protocol):
    """Where a teacher comes from, as configurations say it."""

    @property
    def is_trained(self) -> bool:
        """Whether the run trains it."""
        ...

    @property
    def network(self) -> Mapping[str, Any] | None:
        """How a configuration names it."""
        ...

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Of its training."""
        ...

    @property
    def seed(self) -> int | None:
        """Added to that of the run."""
        ...


def teacher_training(source: Source, seed: int) -> Training:
    """Whatever the member is called: runs that need the same teacher share it."""
    assert source.network is not None, "the schema wants a network, or a teacher that is ready"
    return Training(TEACHER, source.network, source.stages, seed + (source.seed or 0))


def with_student_alone(
    place: Place,
    sources: Mapping[str, tuple[Any, Source]],
    make_teacher: Callable[[], Teacher],
    alone: Training,
    *,
    fresh: bool,
) -> tuple[Teacher, MadeNetwork]:
    """A teacher, and the student alone: that goes first while another process trains the teacher, or one of several.

    So runs side by side do not stand idle until the first of them has trained the teacher they share. ``sources`` are
    those of the configuration, by role.
    """
    trained = [source for _, source in sources.values() if source.is_trained]
    busy = any(is_being_trained(place, teacher_training(source, alone.seed)) for source in trained)
    baseline = train_network(place, alone, fresh=fresh) if busy else None
    teacher = make_teacher()
    return teacher, baseline or train_network(place, alone, fresh=fresh)
