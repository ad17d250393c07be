"""Skeleton networks beside their plain formulations: time, parameters, multiply-adds, memory.

A plain formulation (``tests/reference/plain``) is the network as its formulas read: ``[N, C, T, V]``, one convolution
per layer, einsum for graphs. It is given the same weights, and both must answer alike before anything is measured.
Times are those of the process on the wall, the two taking turns, so that whatever else the machine does befalls both; a
ratio is the median over the turns, with its range. Memory is how much the process grows over one forward and backward
pass, each formulation in a process of its own.

    python -m benchmarks.networks
    python -m benchmarks.networks ctr-gcn pyskl-dgstgcn --repeats 15 --threads 2
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import students
from slr.released import fill
from slr.types import Padded
from tests.reference.plain import PLANS, plain

CLASSES, PERSONS, JOINTS = 60, 2, 25
LIMIT = 1.3
TOLERANCE = 1e-4  # of the largest score


def networks() -> dict[str, tuple[Any, Any]]:
    """Class and released layout of every network that has a plain formulation, by the name of the layout."""
    found = {}
    for name in students.__all__:
        for layout, released in getattr(getattr(students, name), "released", {}).items():
            if layout in PLANS:
                found[layout] = (getattr(students, name), released)
    return found


def pair(name: str) -> tuple[nn.Module, nn.Module]:
    """A network and its plain formulation, with the same weights."""
    torch.manual_seed(0)
    network, released = networks()[name]
    other = plain(name, CLASSES, PERSONS)
    ours = network(num_classes=CLASSES, layout=released.skeleton, **released.arguments)
    fill(ours, released, other.state_dict(), f"the plain {name}")
    return ours, other


def passes(name: str, clips: Tensor) -> tuple[dict[str, Callable[[], Tensor]], dict[str, nn.Module]]:
    """How to get scores of both."""
    ours, other = pair(name)
    stream = Padded(clips, torch.full((len(clips),), clips.shape[1]))
    answers = {"ours": lambda: ours(stream).logits.values[:, 0], "plain": lambda: other(clips)}
    return answers, {"ours": ours, "plain": other}


def learn(answer: Callable[[], Tensor], network: nn.Module, labels: Tensor) -> tuple[float, float]:
    """Seconds of the forward pass, and of both."""
    network.zero_grad()
    begin = time.perf_counter()
    loss = nn.functional.cross_entropy(answer(), labels)
    forward = time.perf_counter()
    loss.backward()
    return forward - begin, time.perf_counter() - begin


def macs(answer: Callable[[], Tensor], clips: int) -> int:
    """Multiply-adds of one clip, those of einsum included."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        answer()
    return counter.get_total_flops() // 2 // clips


def grown(name: str, side: str, clips: int, frames: int, threads: int) -> float:
    """Mebibytes that a fresh process grows by over one forward and backward pass."""
    command = [sys.executable, "-m", "benchmarks.networks", name, "--side", side]
    sizes = ["--clips", str(clips), "--frames", str(frames), "--threads", str(threads)]
    done = subprocess.run([*command, *sizes], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def grow(name: str, side: str, clips: Tensor, labels: Tensor) -> float:
    """The same, in this process."""
    answers, both = passes(name, clips)
    before = peak()
    learn(answers[side], both[side], labels)
    return peak() - before


def peak() -> float:
    """Mebibytes that this process has had at most, as Linux tells; in ru_maxrss a child begins with its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def report(name: str, asked: argparse.Namespace, clips: Tensor, labels: Tensor) -> bool:
    """One line about a network; whether it is as fast as it should be, alike, and no larger."""
    answers, both = passes(name, clips)
    with torch.no_grad():
        ours, other = answers["ours"](), answers["plain"]()
    difference = ((ours - other).abs().max() / other.abs().max()).item()
    rounds = [{side: learn(answers[side], both[side], labels) for side in answers} for _ in range(asked.repeats + 1)][
        1:
    ]
    forward, whole = ([turn["plain"][k] / turn["ours"][k] for turn in rounds] for k in (0, 1))
    fast = statistics.median(turn["ours"][1] for turn in rounds)
    memory = {side: grown(name, side, asked.clips, asked.frames, asked.threads) for side in answers}
    cost = {side: macs(answers[side], asked.clips) for side in answers}
    size = sum(parameter.numel() for parameter in both["ours"].parameters())
    print(
        f"{name:15} {size:9,d} {cost['ours'] / 1e9:7.2f} {cost['plain'] / 1e9:6.2f} {statistics.median(forward):8.2f} "
        f"{statistics.median(whole):6.2f} ({min(whole):.2f} to {max(whole):.2f}) {fast:7.3f} s "
        f"{memory['ours']:6.0f} {memory['plain']:6.0f} MiB {difference:9.1e}",
        flush=True,
    )
    return difference <= TOLERANCE and statistics.median(whole) >= LIMIT and memory["ours"] <= memory["plain"]


def main() -> None:
    """Measure the networks that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(networks())}")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", choices=("ours", "plain"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in networks()]
    if unknown:
        parser.error(f"there is no network {unknown[0]!r}: there are {', '.join(networks())}")
    torch.set_num_threads(asked.threads)
    chance = torch.Generator().manual_seed(0)
    clips = torch.randn(asked.clips, asked.frames, PERSONS, JOINTS, 3, generator=chance)
    labels = torch.randint(CLASSES, (asked.clips,), generator=chance)
    if asked.side is not None:
        print(json.dumps(grow(asked.names[0], asked.side, clips, labels)))
        return
    print(f"{asked.clips} clips of {asked.frames} frames, {PERSONS} persons, {JOINTS} joints; {asked.threads} threads")
    print("ratios: seconds of the plain formulation over ours, forward, and forward with backward")
    heads = (
        "network         parameters  GMAC (plain)  forward  both (range)        seconds     grows by (plain)  differs"
    )
    print(heads)
    short = [name for name in asked.names or networks() if not report(name, asked, clips, labels)]
    if short:
        print(f"below {LIMIT}, larger or not alike: {', '.join(short)}")


if __name__ == "__main__":
    main()
