"""The published networks for isolated signs and actions: what they cost, and whose weights they read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from slr.data import Sample
from slr.skeleton import skeleton_layout
from workbench.assemble import make_network
from workbench.cost import count_macs, count_parameters
from workbench.result import short
from workbench.targets import resolve

CLASSES = 60
FRAMES = 64
CAPTION = (
    f"As published for a class, here {CLASSES} of them; MAC: multiply-adds of a clip of {FRAMES} frames, all persons "
    "together; weights: the names by which `scripts/prepare.py weights --layout NAME` reads what was released:"
)
COLUMNS = ("network for a class", "skeleton", "persons", "parameters", "MAC", "weights")
SIDES: tuple[Literal["left", "right"], ...] = ("left", "left", "right", "right", "right", "left")


@dataclass(frozen=True)
class PublishedCost:
    """A network as it was published, for 60 classes and clips of 64 frames.

    Attributes:
        name: of the class.
        skeleton: the layout it was published with.
        persons: in a clip.
        params: all its parameters.
        macs: multiply-adds of a clip.
        weights: names of the released layout; None where none is known.
    """

    name: str
    skeleton: str
    persons: int
    params: int
    macs: int
    weights: str | None

    def cells(self) -> tuple[str, ...]:
        """What stands in the columns of a table."""
        return (
            self.name, self.skeleton, str(self.persons), f"{self.params:,}", short(self.macs), self.weights or "-"
        )  # fmt: skip


def published_costs(paths: Iterable[str]) -> Iterator[PublishedCost]:
    """The costs of those skeleton networks among dotted ``paths`` that can be built for a class, by released layout.

    One of which no weights are known says in ``published`` with which arguments it was; else its defaults count.
    """
    for path in paths:
        target = resolve(path)
        if not {"task", "layout"} <= set(target.parameters):
            continue
        default = {"task": "class", "layout": target.parameters["layout"].default}
        for weights, released in getattr(target.call, "released", {}).items():
            yield _cost(path, {**default, **released.arguments, "layout": released.skeleton}, weights)
        if not getattr(target.call, "released", {}):
            yield _cost(path, {**default, **getattr(target.call, "published", {})}, None)


def _cost(path: str, arguments: Mapping[str, Any], weights: str | None) -> PublishedCost:
    skeleton = skeleton_layout(arguments["layout"])
    node = {"_target_": path, **{name: value for name, value in arguments.items() if name != "layout"}}
    network = make_network(node, CLASSES, {"layout": skeleton}, seed=0)
    persons = int(arguments.get("persons", 1))
    people = (persons,) if "persons" in arguments else ()
    pose = torch.rand(FRAMES, *people, len(skeleton), 3, generator=torch.Generator().manual_seed(0))
    clip = Sample("noise", torch.tensor([1]), torch.arange(FRAMES), None, pose, rgb_stride=1, flipped=False)
    return PublishedCost(
        path.rpartition(".")[2], skeleton.name, persons, count_parameters(network), count_macs(network, clip), weights
    )
