"""Every network of the project with what it costs as its constructor makes it: a table, for the README too."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from torch import nn

from slr.data import Sample
from slr.files import write_text
from slr.skeleton import layout_names, skeleton_layout
from workbench.assemble import make_network
from workbench.cost import count_macs, count_parameters, count_trainable
from workbench.progress import Progress
from workbench.published import CAPTION as PUBLISHED_CAPTION
from workbench.published import COLUMNS as PUBLISHED_COLUMNS
from workbench.published import SIDES as PUBLISHED_SIDES
from workbench.published import PublishedCost, published_costs
from workbench.result import short
from workbench.targets import resolve

Side = Literal["left", "right"]
PACKAGES = ("teachers", "students")
CLASSES = 1232  # the 1231 glosses of Phoenix-2014's training clips, and the blank
FPS = 25
FRAMES = 64  # a multiple of every stride, so that no network makes a step of a part of one
DEFAULT_SIZE = (224, 224)  # for a network that takes frames of any size
BEGIN, END = "<!-- networks: python scripts/check.py networks --into README.md -->", "<!-- /networks -->"
CAPTION = f"defaults of the constructors, {CLASSES} classes; MAC/s: multiply-adds per second of signing at {FPS} frames"

_COLUMNS = ("network", "role", "reads", "skeleton layouts", "parameters", "trainable", "MAC/s")
_SIDES: tuple[Side, ...] = ("left", "left", "left", "left", "right", "right", "right")


@dataclass(frozen=True)
class NetworkCost:
    """A network as its constructor makes it, for 1232 classes.

    Attributes:
        role: ``"teacher"`` or ``"student"``.
        name: of the class.
        reads: the stream and its size: ``rgb 80 x 100`` pixels, ``pose 79 joints``.
        layouts: names of the skeleton layouts it can be built for; empty for a network that reads frames.
        params: all its parameters.
        trainable: those of them that a training changes.
        macs: multiply-adds per second of signing at 25 frames per second.
    """

    role: str
    name: str
    reads: str
    layouts: tuple[str, ...]
    params: int
    trainable: int
    macs: int


def list_networks(progress: Progress, console: Console, *, as_markdown: bool = False, into: str | None = None) -> None:
    """Print every exported network with its cost, as a table or ``as_markdown``, or put it ``into`` a Markdown file.

    Raises:
        ValueError: when that file has no place for the table.
    """
    paths = network_paths()
    costs = []
    with progress.bar("networks", len(paths)) as bar:
        for path in paths:
            costs.append(cost_of(path))
            bar.advance(path)
    published = list(published_costs(paths))
    if into is not None:
        write_between_markers(into, markdown(costs, published))
    elif as_markdown:
        console.file.write(markdown(costs, published))  # not printed: the console would fold the lines
    else:
        console.print(_table(_COLUMNS, _SIDES, map(_cells, costs)))
        console.print(CAPTION)
        if published:
            console.print(_table(PUBLISHED_COLUMNS, PUBLISHED_SIDES, (cost.cells() for cost in published)))
            console.print(PUBLISHED_CAPTION)


def network_paths() -> list[str]:
    """Dotted paths of all exported networks, teachers first."""
    return [f"{package}.{name}" for package in PACKAGES for name in _networks_of(package)]


def cost_of(path: str) -> NetworkCost:
    """The cost of the network that a dotted path such as ``students.STGT`` names; a large one takes seconds."""
    node, parameters = {"_target_": path}, resolve(path).parameters
    layouts = tuple(_layouts(node)) if "layout" in parameters else ()
    width, height = _default(parameters, "frame_size", DEFAULT_SIZE)
    layout = skeleton_layout(_default(parameters, "layout", layouts[0])) if layouts else None
    network = make_network(node, CLASSES, {"layout": layout, "frame_size": (width, height)}, seed=0)
    package, _, name = path.rpartition(".")
    return NetworkCost(
        role=package.removesuffix("s"),
        name=name,
        reads=f"pose {len(layout)} joints" if layout is not None else f"rgb {width} x {height}",
        layouts=layouts,
        params=count_parameters(network),
        trainable=count_trainable(network),
        macs=round(count_macs(network, _noise(0 if layout is None else len(layout), width, height)) * FPS / FRAMES),
    )


def markdown(costs: Sequence[NetworkCost], published: Sequence[PublishedCost] = ()) -> str:
    """The tables in Markdown, the second one only if there is anything in it."""
    first = _rows(_COLUMNS, _SIDES, map(_cells, costs))
    if not published:
        return first
    second = _rows(PUBLISHED_COLUMNS, PUBLISHED_SIDES, (cost.cells() for cost in published))
    return f"{first}\n{PUBLISHED_CAPTION}\n\n{second}"


def _rows(columns: Sequence[str], sides: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rules = ["---:" if side == "right" else "---" for side in sides]
    lines = [columns, rules, *((f"`{name}`", *others) for name, *others in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_between_markers(path: Path | str, table: str) -> None:
    """Put a table where a Markdown file wants it.

    Raises:
        ValueError: when the file does not hold both markers.
    """
    before, begin, rest = Path(path).read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{path} has no place for the table of networks: write {BEGIN} and, some lines below, {END}")
    write_text(Path(path), f"{before}{begin}\n\n{table}\n{end}{after}")


def _table(columns: Sequence[str], sides: Sequence[Side], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column, side in zip(columns, sides, strict=True):
        table.add_column(column, justify=side)
    for row in rows:
        table.add_row(*row)
    return table


def _cells(cost: NetworkCost) -> tuple[str, ...]:
    layouts = "all" if set(cost.layouts) == set(layout_names()) else ", ".join(cost.layouts) or "-"
    return cost.name, cost.role, cost.reads, layouts, short(cost.params), short(cost.trainable), short(cost.macs)


def _networks_of(package: str) -> Iterator[str]:
    for name in importlib.import_module(package).__all__:
        found = resolve(f"{package}.{name}").call
        if isinstance(found, type) and issubclass(found, nn.Module):
            yield name


def _layouts(node: Mapping[str, Any]) -> Iterator[str]:
    """The skeleton layouts for which a network can be built; its constructor refuses the others."""
    for name in layout_names():
        with contextlib.suppress(ValueError):
            make_network(node, CLASSES, {"layout": skeleton_layout(name)}, seed=0)
            yield name


def _default(parameters: Mapping[str, inspect.Parameter], name: str, otherwise: Any) -> Any:
    default = parameters[name].default if name in parameters else inspect.Parameter.empty
    return otherwise if default is inspect.Parameter.empty else default


def _noise(joints: int, width: int, height: int) -> Sample:
    """A clip in both streams; how much is multiplied does not depend on what it shows."""
    chance = torch.Generator().manual_seed(0)
    rgb = torch.rand(FRAMES, 3, height, width, generator=chance)
    pose = torch.rand(FRAMES, joints, 3, generator=chance)
    return Sample("noise", torch.tensor([1]), torch.arange(FRAMES), rgb, pose, rgb_stride=1, flipped=False)
