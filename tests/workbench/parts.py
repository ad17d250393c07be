"""Stand-ins for components, one for each thing a signature can say."""

from __future__ import annotations

import abc
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor, nn
from typing_extensions import TypedDict, Unpack

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["Box", "make_box", "system"]


@dataclass(frozen=True)
class Box:
    width: int
    ratio: float = 1.0
    shape: tuple[int, ...] = ()
    mode: Literal["fast", "slow"] = "fast"
    flag: bool = False
    name: str | None = None
    where: Path = Path()
    inner: Box | None = None
    parts: Sequence[Box] = ()
    pair: tuple[Box, ...] = ()
    by_name: Mapping[str, Any] | None = None


class Base:
    def __init__(self, *, depth: int, num_classes: int, layout: str = "none") -> None:
        self.depth, self.num_classes, self.layout = depth, num_classes, layout


class Inheriting(Base):
    pass


class Open:
    def __init__(self, first: int = 0, **rest: Any) -> None:
        self.first, self.rest = first, rest


class Needed(TypedDict):
    height: int


class Options(Needed, total=False):
    colour: str


class Optioned:
    def __init__(self, *, width: int = 1, **options: Unpack[Options]) -> None:
        self.width, self.options = width, options


class InheritingOptions(Optioned):
    pass


class Odd:
    def __init__(
        self, typed_elsewhere: Decimal, call: Callable[[int], int] | None = None, rate: float | Tensor = 0.1
    ) -> None:
        self.typed_elsewhere, self.call, self.rate = typed_elsewhere, call, rate


class Abstract(abc.ABC):
    @abc.abstractmethod
    def work(self) -> None: ...


class Exploding:
    def __init__(self, fuse: int = 0) -> None:
        raise AssertionError("was called")


class _Private:
    pass


class Holder(nn.Module):
    @classmethod
    def of(cls, width: int) -> Box:
        return Box(width)

    def method(self) -> None: ...


def make_box(width: int) -> Box:
    return Box(width)


def unexported(width: int) -> Box:
    return Box(width)


system = os.system
number = 3
