from __future__ import annotations

import os
from pathlib import Path

import pytest

from slr.data.isolated.readers.processes import _AHEAD, _TOGETHER, in_processes


def _marked(item: tuple[str, int]) -> int:
    folder, number = item
    (Path(folder) / str(number)).touch()
    if number == 999:
        raise ValueError("item 999 is faulty")
    return number * number


def test_results_come_in_order_and_few_are_made_ahead(tmp_path: Path) -> None:
    items = [(str(tmp_path), number) for number in range(300)]
    made = in_processes(_marked, items, workers=2)
    assert next(made) == 0
    assert len(os.listdir(tmp_path)) <= _TOGETHER * (_AHEAD * 2 + 1)
    assert list(made) == [number * number for number in range(1, 300)]
    assert len(os.listdir(tmp_path)) == 300


def test_a_fault_is_raised_here_and_ends_it(tmp_path: Path) -> None:
    items = [(str(tmp_path), number) for number in (1, 999, *range(2, 500))]
    with pytest.raises(ValueError, match="item 999 is faulty"):
        list(in_processes(_marked, items, workers=2))
    assert len(os.listdir(tmp_path)) < 300


def test_nothing_to_do_is_done() -> None:
    assert list(in_processes(_marked, [], workers=2)) == []
