"""What other people's scorers count, derived cell by cell in plain loops."""

from __future__ import annotations

from collections.abc import Sequence


def vac_counts(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[int, int, int, int]:
    """Correct, substituted, deleted and inserted glosses as VAC's Python scorer counts them.

    The hypothesis loses its repeats, the reference does not; case matters; every cell remembers one way to it, of ways
    that cost the same a substitution before a deletion before an insertion.
    """
    said = [gloss for index, gloss in enumerate(hypothesis) if index == 0 or gloss != hypothesis[index - 1]]
    cost = [[3 * (row + column) for column in range(len(said) + 1)] for row in range(len(reference) + 1)]
    way = [["I" for _ in range(len(said) + 1)] for _ in range(len(reference) + 1)]
    for row in range(1, len(reference) + 1):
        way[row][0] = "D"
        for column in range(1, len(said) + 1):
            if reference[row - 1] == said[column - 1]:
                cost[row][column], way[row][column] = cost[row - 1][column - 1], "C"
                continue
            ways = (
                (cost[row - 1][column - 1] + 4, "S"),
                (cost[row - 1][column] + 3, "D"),
                (cost[row][column - 1] + 3, "I"),
            )
            cost[row][column], way[row][column] = min(ways, key=lambda option: option[0])
    row, column, letters = len(reference), len(said), ""
    while row or column:
        letter = way[row][column]
        letters += letter
        row -= letter in "CSD"
        column -= letter in "CSI"
    return tuple(letters.count(letter) for letter in "CSDI")  # type: ignore[return-value]
