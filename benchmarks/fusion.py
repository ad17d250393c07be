"""How long the search for fusion weights takes over the published grid of 12,100 combinations.

Scores are made up: normal, the label of every clip raised by ``signal``, a part of the rest ``shared`` by all streams.
How much there is to look at depends on both, so several pairs are timed; each result is counted again, at the weights
found and at ten random ones, by fusing the scores there.

    python -m benchmarks.fusion
    python -m benchmarks.fusion --clips 3000 --classes 2000 --repeats 5
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from slr.scoring import accuracy, fuse, search_weights

STREAMS, WANTED = 4, 1.0
CASES = [(signal, shared) for signal in (0.0, 1.5, 2.0, 2.5, 3.0, 4.0) for shared in (0.0, 0.5, 0.9)]


def made_up(clips: int, classes: int, signal: float, shared: float) -> tuple[list[np.ndarray], np.ndarray]:
    chances = np.random.default_rng(0)
    labels = chances.integers(0, classes, clips)
    common = chances.standard_normal((clips, classes), dtype=np.float32)
    streams = []
    for _ in range(STREAMS):
        own = chances.standard_normal((clips, classes), dtype=np.float32)
        scores = shared * common + (1 - shared**2) ** 0.5 * own
        scores[np.arange(clips), labels] += signal
        streams.append(scores.astype(np.float32))
    return streams, labels


def checked(streams: list[np.ndarray], labels: np.ndarray) -> tuple[float, int]:
    begin = time.perf_counter()
    found = search_weights(streams, labels)
    seconds = time.perf_counter() - begin
    assert accuracy(fuse(streams, found.weights), labels).hits() == found.hits
    chances = np.random.default_rng(1)
    for _ in range(10):
        place = tuple(int(chances.integers(len(axis))) for axis in found.axes)
        weights = [axis[index] for axis, index in zip(found.axes, place, strict=True)]
        assert accuracy(fuse(streams, weights), labels).hits() == found.hits_by_weights[place]
    return seconds, found.hits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=3000)
    parser.add_argument("--classes", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    print(f"{asked.clips} clips, {asked.classes} classes, {STREAMS} streams; the fastest of {asked.repeats}")
    print(f"{'signal':>8}{'shared':>8}{'top-1':>8}{'seconds':>9}")
    slowest = 0.0
    for signal, shared in CASES:
        streams, labels = made_up(asked.clips, asked.classes, signal, shared)
        times = [checked(streams, labels) for _ in range(asked.repeats)]
        seconds, hits = min(times)
        slowest = max(slowest, seconds)
        print(f"{signal:8.1f}{shared:8.1f}{hits / asked.clips:8.1%}{seconds:9.2f}", flush=True)
    print(f"slowest: {slowest:.2f} s, wanted: below {WANTED} s")


if __name__ == "__main__":
    main()
