"""How fast, and in how much memory, a store as large as NTU RGB+D 60 is prepared and read through.

The ``.skeleton`` files are made up: as many as the data set has, of lengths as its clips have (32 to 300 frames, 84 on
average, one in six with two persons), nothing recorded. To spare the disk some hundred different files stand under all
the names, as links; every one of them is opened, parsed and cleaned up all the same. Then every clip of the store is
read by its index, in random order, as training does.

    python -m benchmarks.ntu_store --clips 56578 --workers 2
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from slr.data.isolated import NTU, IsolatedStore, write_store
from slr.data.isolated.readers.ntu import VARIANTS
from tests.slr.data.isolated.kinect import plain_text

LIMIT = 2 * 1024**3  # bytes of memory
DIFFERENT = 240


def names(count: int) -> list[str]:
    """Names as the data set has them: setups, cameras, performers, replications and actions go round."""
    parts = [("S", 17), ("C", 3), ("P", 40), ("R", 2), ("A", 60)]
    made = []
    for number in range(count):
        name = ""
        for letter, size in parts:
            number, index = divmod(number, size)
            name += f"{letter}{index + 1:03d}"
        made.append(name)
    return made


def made_up(folder: Path, count: int) -> int:
    """Write the files; returns their frames."""
    chances = np.random.default_rng(0)
    lengths = np.clip(chances.gamma(4.0, 21.0, DIFFERENT), 32, 300).astype(int)
    contents = folder / "contents"
    contents.mkdir()
    for number, length in enumerate(lengths.tolist()):
        (contents / f"{number}.txt").write_text(plain_text(length, persons=2 if number % 6 == 0 else 1, seed=number))
    clips = folder / "clips"
    clips.mkdir()
    for number, name in enumerate(names(count)):
        (clips / f"{name}.skeleton").hardlink_to(contents / f"{number % DIFFERENT}.txt")
    return sum(int(lengths[number % DIFFERENT]) for number in range(count))


def memory(workers: int) -> int:
    """Most bytes that this process held, and as many for each worker as the one that held most."""
    unit = 1 if sys.platform == "darwin" else 1024
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if workers > 1:
        held += workers * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return held * unit


def main(clips: int, workers: int, folder: Path) -> None:
    """Make, prepare, read, and print what it took."""
    begin = time.perf_counter()
    frames = made_up(folder, clips)
    print(
        f"{clips} made-up files, {frames / clips:.1f} frames on average, written in {time.perf_counter() - begin:.0f} s"
    )
    begin = time.perf_counter()
    # Not "complete": the names are made up, too, and their splits are not those of the data set.
    path = write_store(folder / "store", NTU(folder / "clips", complete=False, workers=workers))
    seconds = time.perf_counter() - begin
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    print(f"prepared: {clips / seconds:.0f} clips per second, {seconds:.0f} s, a store of {size / 1e9:.2f} GB")
    store = IsolatedStore(path)
    begin = time.perf_counter()
    total = sum(len(store.read(int(index))) for index in np.random.default_rng(0).permutation(len(store)))
    seconds = time.perf_counter() - begin
    assert total == frames
    print(f"read in random order: {clips / seconds:.0f} clips per second, {seconds:.0f} s")
    held = memory(workers)
    print(f"most memory held: {held / 1e9:.2f} GB ({'below' if held < LIMIT else 'ABOVE'} 2 GiB)")
    sys.exit(held >= LIMIT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=VARIANTS["60"].clips)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        main(asked.clips, asked.workers, Path(temporary))
