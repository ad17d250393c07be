"""How long it takes to read the outputs of a teacher for a batch out of the cache.

Outputs as those of a teacher on Phoenix-2014: 50 steps, 1296 classes, two taps of 512 features, in half precision; 8
clips a batch. The smallest of many readings counts, so that other work on the machine does not.

    python -m benchmarks.cache_reading
"""

from __future__ import annotations

import tempfile
import time

import torch

from kd import TeacherCache
from slr.types import NetOutput, Padded

LIMIT = 2.0  # milliseconds
TAPS = ("conv", "context")


def outputs() -> NetOutput:
    """What a teacher says of one clip."""
    lengths = torch.tensor([50])
    return NetOutput(
        Padded(torch.randn(1, 50, 1296), lengths), {name: Padded(torch.randn(1, 50, 512), lengths) for name in TAPS}
    )


def milliseconds(cache: TeacherCache, keys: list[str], repeats: int = 50) -> float:
    """Of the fastest reading of half of the clips, the halves in turn, after one that checks them all."""
    cache.read(keys, taps=TAPS)
    halves, seconds = (keys[: len(keys) // 2], keys[len(keys) // 2 :]), []
    for turn in range(repeats):
        begin = time.perf_counter()
        cache.read(halves[turn % 2], taps=TAPS)
        seconds.append(time.perf_counter() - begin)
    return 1000 * min(seconds)


def main() -> None:
    """Measure from files and from memory."""
    torch.set_num_threads(1)
    keys = [f"clip{index}" for index in range(16)]
    with tempfile.TemporaryDirectory() as folder:
        TeacherCache(folder, "benchmark").write({key: outputs() for key in keys})
        for where, preload in (("files", False), ("memory", True)):
            found = milliseconds(TeacherCache(folder, "benchmark", preload=preload), keys)
            verdict = "within" if found < LIMIT else "above"
            print(f"8 clips out of {where}: {found:.2f} ms, {verdict} the limit of {LIMIT} ms")


if __name__ == "__main__":
    main()
