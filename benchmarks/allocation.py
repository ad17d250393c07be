"""How much of a training step on a CPU is the mapping of memory that the step before had already freed.

A step of every network, forward and backward, in two processes that take turns: one as the C library comes, one that
keeps what it frees (``workbench.process.keep_freed_memory``), as every command of the workbench does.

    python -m benchmarks.allocation --repeats 3
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from slr.types import Padded
from students import CTRGCN, STGT
from teachers import STSGNet
from workbench.process import keep_freed_memory

NETWORKS: dict[str, Callable[[], tuple[nn.Module, Padded]]] = {
    "STSG-Net, frames of 63 x 78": lambda: (
        STSGNet(num_classes=61, frame_size=(63, 78), width=256, hidden=128, part_width=32),
        clips(torch.rand(8, 56, 3, 78, 63)),
    ),
    "STSG-Net, clips of 224 frames": lambda: (
        STSGNet(num_classes=61, frame_size=(63, 78), width=256, hidden=128, part_width=32),
        clips(torch.rand(8, 224, 3, 78, 63)),
    ),
    "STGT, 27 joints": lambda: (
        STGT(num_classes=61, layout="sign-27", joint_width=32, width=192, temporal_heads=4),
        clips(torch.rand(8, 56, 27, 3)),
    ),
    "CTR-GCN, 20 joints": lambda: (
        CTRGCN(num_classes=10, layout="kinect-20"),
        clips(torch.rand(8, 64, 1, 20, 3)),
    ),
}


def clips(values: torch.Tensor) -> Padded:
    """A batch without padding."""
    return Padded(values, torch.full((len(values),), values.shape[1]))


def measure(name: str, steps: int) -> dict[str, float]:
    """Seconds of a step, on the wall and in the system, and the memory of the process; a third of the steps warm up."""
    torch.manual_seed(0)
    network, batch = NETWORKS[name]()
    wall = system = 0.0
    for step in range(-(steps // 3) - 1, steps):
        before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        network(batch).logits.values.square().mean().backward()
        if step >= 0:
            wall += time.perf_counter() - begin
            system += resource.getrusage(resource.RUSAGE_SELF).ru_stime - before.ru_stime
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall / steps, "system": system / steps, "memory": peak}


def measured_apart(name: str, how: str, asked: argparse.Namespace) -> dict[str, float]:
    """The same in a process of its own."""
    words = [name, "--how", how, "--steps", str(asked.steps), "--threads", str(asked.threads)]
    command = [sys.executable, "-m", "benchmarks.allocation", *words]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    """Measure, and print a row per network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[[], *NETWORKS], metavar="network", help=", ".join(NETWORKS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--how", choices=("given back", "kept"), help="measure one network in this process, as JSON")
    asked = parser.parse_args()
    if asked.how is not None:
        torch.set_num_threads(asked.threads)
        if asked.how == "kept" and not keep_freed_memory():
            parser.error("this C library cannot be asked to keep memory")
        print(json.dumps(measure(asked.networks[0], asked.steps)))
        return
    table = Table(title=f"a step, forward and backward, {asked.threads} threads, {asked.repeats} turns")
    for column in ("network", "memory given back, s", "of it in the system", "kept, s", "times as fast", "memory, MiB"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for name in asked.networks or NETWORKS:
        turns = [[measured_apart(name, how, asked) for how in ("given back", "kept")] for _ in range(asked.repeats)]
        ratios = sorted(back["wall"] / kept["wall"] for back, kept in turns)
        back, kept = (
            {key: statistics.median(turn[which][key] for turn in turns) for key in turns[0][0]} for which in (0, 1)
        )
        table.add_row(
            name,
            f"{back['wall']:.3f}",
            f"{back['system']:.3f}",
            f"{kept['wall']:.3f}",
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            f"{back['memory']:.0f} and {kept['memory']:.0f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
