"""Work on many files in several processes, with little of it in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

_TOGETHER = 8  # items that are sent at once, lest sending them take longer than the work
_AHEAD = 4  # such bundles for each process that may be under way, or wait to be fetched


def in_processes(work: Callable[[Item], Made], items: Sequence[Item], workers: int) -> Iterator[Made]:
    """What ``work`` makes of every item, in their order.

    However slowly the results are fetched, no more than a few dozen for each process wait for it.
    """
    bundles = (items[first : first + _TOGETHER] for first in range(0, len(items), _TOGETHER))
    # spawn, not fork: torch's thread pools do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        under_way = [pool.submit(_bundle, work, bundle) for bundle in islice(bundles, _AHEAD * workers)]
        try:
            while under_way:
                yield from under_way.pop(0).result()
                under_way += [pool.submit(_bundle, work, bundle) for bundle in islice(bundles, 1)]
        finally:
            for future in under_way:
                future.cancel()


def _bundle(work: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
    return [work(item) for item in items]
