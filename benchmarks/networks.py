"""Skeleton networks beside their plain formulations: time, parameters, multiply-adds, memory.

A plain formulation (``tests/reference/plain``) is the network as its formulas read: ``[N, C, T, V]``, one convolution
per layer, einsum for graphs. It is given the same weights, and both must answer alike before anything is measured.
The two take turns, so that whatever else the machine does befalls both; a ratio is the median over the turns, with its
range. Times are those on the wall, or with ``--clock cpu`` those of the processor, which with one thread is the same on
a quiet machine, and on a shared one does not count the turns of others. The process keeps the memory that it frees, as
all commands do (``workbench.process``): else what is measured is how often the system maps pages anew, for whichever
of the two allocates more. Memory is how much a process grows over one forward and backward pass, each formulation in a
process of its own, which gives freed memory back as the C library would: the median of three, because how well freed
pieces fit the next ones is a matter of luck.

    python -m benchmarks.networks
    python -m benchmarks.networks ctr-gcn pyskl-dgstgcn --repeats 15 --threads 2
    python -m benchmarks.networks ms-g3d --threads 1 --clock cpu
"""

from __future__ import annotations

import argparse
import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import students
from slr.released import ReleasedLayout, fill
from slr.types import Padded
from tests.reference import dsta_slr, ms_g3d, sl_gcn
from tests.reference.plain import PLANS, plain
from workbench.process import keep_freed_memory

CLASSES = 60
LIMIT = 1.3
TOLERANCE = 1e-4  # of the largest score
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
HEAD = (
    "network        parameters    GMAC a clip     times as fast: forward,     seconds   memory, MiB     differs\n"
    "                                             and backward (range)"
)
# Those whose plain formulation reads the weights of ours where they lie.
BY_OUR_WEIGHTS = {
    "dsta-slr": (students.DSTASLR, "sign-27", 1, dsta_slr.plain_network),
    "ms-g3d": (students.MSG3D, "ntu-25", 2, ms_g3d.plain_network),
    "sl-gcn": (students.SLGCN, "sign-27", 1, sl_gcn.plain_network),
}


@dataclass(frozen=True)
class Pair:
    """A network and its plain formulation, with the same weights and a batch of clips."""

    ours: Callable[[], Tensor]
    plain: Callable[[], Tensor]
    networks: tuple[nn.Module, ...]
    labels: Tensor

    @property
    def parameters(self) -> int:
        """Of ours."""
        return sum(parameter.numel() for parameter in self.networks[0].parameters())


def by_released_weights() -> dict[str, tuple[Any, ReleasedLayout]]:
    """Class and layout of the networks whose plain formulation has the names of released weights."""
    found = {}
    for name in students.__all__:
        for layout, released in getattr(getattr(students, name), "released", {}).items():
            if layout in PLANS:
                found[layout] = (getattr(students, name), released)
    return found


def names() -> list[str]:
    """All networks that have a plain formulation."""
    return [*by_released_weights(), *BY_OUR_WEIGHTS]


def pair(name: str, clips: int, frames: int) -> Pair:
    """The network of that name with ``clips`` of ``frames``."""
    torch.manual_seed(0)
    labels = torch.randint(CLASSES, (clips,))
    if name in BY_OUR_WEIGHTS:
        network, layout, persons, formula = BY_OUR_WEIGHTS[name]
        ours = network(num_classes=CLASSES, layout=layout, task="class", persons=persons)
        keypoints = torch.randn(clips, frames, persons, len(ours.layout), 3)
        answer = functools.partial(formula, ours, keypoints.permute(0, 4, 1, 3, 2).contiguous())
        return Pair(functools.partial(scores, ours, keypoints), answer, (ours,), labels)
    network, released = by_released_weights()[name]
    other = plain(name, CLASSES)
    ours = network(num_classes=CLASSES, layout=released.skeleton, **released.arguments)
    fill(ours, released, other.state_dict(), f"the plain {name}")
    keypoints = torch.randn(clips, frames, ours.persons, len(ours.layout), 3)
    answers = functools.partial(scores, ours, keypoints), functools.partial(other, keypoints)
    return Pair(*answers, (ours, other), labels)


def scores(network: nn.Module, keypoints: Tensor) -> Tensor:
    """``[B, V]`` of whole clips."""
    return network(Padded(keypoints, torch.full((len(keypoints),), keypoints.shape[1]))).logits.values[:, 0]


def learn(both: Pair, side: str, clock: Callable[[], float]) -> tuple[float, float]:
    """Seconds of the forward pass, and of forward and backward pass together."""
    for network in both.networks:
        network.zero_grad()
    begin = clock()
    loss = nn.functional.cross_entropy(getattr(both, side)(), both.labels)
    forward = clock()
    loss.backward()
    return forward - begin, clock() - begin


def giga_macs(answer: Callable[[], Tensor], clips: int) -> float:
    """Multiply-adds of one clip in thousands of millions, those of einsum included."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        answer()
    return counter.get_total_flops() / 2 / clips / 1e9


def growth(name: str, side: str, asked: argparse.Namespace) -> float:
    """Mebibytes that a fresh process grows by over one forward and backward pass."""
    command = [sys.executable, "-m", "benchmarks.networks", name, "--side", side, "--threads", str(asked.threads)]
    sizes = ["--clips", str(asked.clips), "--frames", str(asked.frames)]
    done = subprocess.run([*command, *sizes], check=True, capture_output=True, text=True)
    return float(done.stdout)


def peak() -> float:
    """Mebibytes that this process has had at most, as Linux tells; in ru_maxrss a child begins with its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def report(name: str, asked: argparse.Namespace) -> bool:
    """One line about a network; whether it is as fast as it should be, answers alike, and takes no more memory."""
    both = pair(name, asked.clips, asked.frames)
    with torch.no_grad():
        ours, other = both.ours(), both.plain()
    difference = ((ours - other).abs().max() / other.abs().max()).item()
    clock = CLOCKS[asked.clock]
    turns = [{side: learn(both, side, clock) for side in ("ours", "plain")} for _ in range(asked.repeats + 1)][1:]
    forward, whole = ([turn["plain"][part] / turn["ours"][part] for turn in turns] for part in (0, 1))
    seconds = statistics.median(turn["ours"][1] for turn in turns)
    memory = [statistics.median(growth(name, side, asked) for _ in range(3)) for side in ("ours", "plain")]
    cost = [giga_macs(answer, asked.clips) for answer in (both.ours, both.plain)]
    print(
        f"{name:14} {both.parameters:10,d}   {cost[0]:5.2f} ({cost[1]:5.2f})   {statistics.median(forward):5.2f}   "
        f"{statistics.median(whole):5.2f} ({min(whole):.2f} to {max(whole):.2f})   {seconds:7.3f}   "
        f"{memory[0]:5.0f} ({memory[1]:5.0f})   {difference:.1e}",
        flush=True,
    )
    return difference <= TOLERANCE and statistics.median(whole) >= LIMIT and memory[0] <= memory[1]


def main() -> None:
    """Measure the networks that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--side", choices=("ours", "plain"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in names()]
    if unknown:
        parser.error(f"there is no network {unknown[0]!r}: there are {', '.join(names())}")
    torch.set_num_threads(asked.threads)
    if asked.side is not None:
        both = pair(asked.names[0], asked.clips, asked.frames)
        before = peak()
        learn(both, asked.side, time.perf_counter)
        print(peak() - before)
        return
    keep_freed_memory()
    print(
        f"{asked.clips} clips of {asked.frames} frames, {asked.threads} threads, clock: {asked.clock}; "
        "the plain formulation in brackets"
    )
    print(HEAD)
    short = [name for name in asked.names or names() if not report(name, asked)]
    if short:
        print(f"below {LIMIT}, larger, or not alike: {', '.join(short)}")


if __name__ == "__main__":
    main()
