"""What a command asks of its own process before it computes."""

from __future__ import annotations

import ctypes

import torch

# The parameters of mallopt, from malloc.h of the GNU C library.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_GROWTH = 64 << 20  # bytes


def settle_process(threads: int | None) -> None:
    """Compute with this many threads, torch's own choice when None, and keep the memory that is freed."""
    if threads is not None:
        torch.set_num_threads(threads)
    keep_freed_memory()


def keep_freed_memory() -> bool:
    """Have the process keep the memory that it frees, for what it allocates next.

    The GNU C library hands large blocks back to the system as soon as they are free. A training allocates the same
    large blocks at every step, and the system maps and clears each page of them anew: some per cent of the time of a
    training on a CPU, a quarter where the clips are long (``benchmarks/allocation.py``). Kept, they stay mapped; the
    process is as large as its largest step until it ends.

    Returns:
        whether the C library understood; others (macOS, musl) are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no such function, or no C library by that way (Windows)
        return False
    # Never a mapping for a single block; never a trim (-1); the heap grows in large steps.
    return all([mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, -1), mallopt(_TOP_PAD, _GROWTH)])
