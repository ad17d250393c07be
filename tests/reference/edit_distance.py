"""Edit distances by recursion from the end of both sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache


def alignment(
    reference: Sequence[str], hypothesis: Sequence[str], substitution: int = 4, deletion: int = 3, insertion: int = 3
) -> tuple[int, str]:
    """Least cost and its operations; on a tie the last pair is matched or substituted, else the last gloss inserted."""

    @cache
    def best(rows: int, columns: int) -> tuple[int, str]:
        ways = []
        if rows and columns:
            same = reference[rows - 1] == hypothesis[columns - 1]
            cost, operations = best(rows - 1, columns - 1)
            ways.append((cost + (0 if same else substitution), operations + ("C" if same else "S")))
        if columns:
            cost, operations = best(rows, columns - 1)
            ways.append((cost + insertion, operations + "I"))
        if rows:
            cost, operations = best(rows - 1, columns)
            ways.append((cost + deletion, operations + "D"))
        return min(ways, key=lambda way: way[0]) if ways else (0, "")

    return best(len(reference), len(hypothesis))
