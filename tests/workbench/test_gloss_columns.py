from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from slr.vocabulary import Vocabulary
from workbench.gloss_columns import FLOOR, GlossColumns, read_columns

OURS = Vocabulary(("A", "B", "C"))


def listed(folder: Path, content: Any) -> Path:
    path = folder / "glosses"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("content", "blank", "names"),
    [
        ("C\nA\nB\n", 0, (None, "C", "A", "B")),
        ("C\r\nA\r\nB", -1, ("C", "A", "B", None)),
        ("C\nA\nB\n", 2, ("C", "A", None, "B")),
        ("\ufeff<blank>\nC\nA\nB\n", 0, (None, "C", "A", "B")),
        ("C\nA\nB\n_\n", 3, ("C", "A", "B", None)),
        (["C", "A", "B"], 0, (None, "C", "A", "B")),
        (["-", "C", "A", "B"], 0, (None, "C", "A", "B")),
        ({"A": 2, "B": 3, "C": 1}, 0, (None, "C", "A", "B")),
        ({"A": 0, "B": 1, "C": 3, "blank": 2}, 2, ("A", "B", None, "C")),
    ],
)
def test_a_list_names_every_column(tmp_path: Path, content: Any, blank: int, names: tuple) -> None:
    assert read_columns(listed(tmp_path, content), 4, blank, OURS) == names


@pytest.mark.parametrize(
    ("content", "blank", "says"),
    [
        ("A\nB\n", 0, "lists 2 glosses and the logits have 4 columns: list the gloss of every column, 3 without the"),
        ("A\nB\nC\nD\nE\n", 0, "lists 5 glosses and the logits have 4 columns"),
        ("A\nB\nC\n", 4, "the blank cannot be column 4 of 4: columns count from 0, and -1 is the last"),
        ("A\nB\nC\n", -5, "the blank cannot be column -5 of 4"),
        ("A\nB\nC\n_\n", 0, "calls column 0 'A', a gloss of the corpus, and that column is said to be the blank: say"),
        ("A\nB\nA\n", 0, "names 'A' twice: every column has a gloss of its own"),
        ("A\n\nB\n", 0, "'' is not a gloss"),
        ("A\nB C\nD\n", 0, "'B C' is not a gloss"),
        ('["A", "B"', 0, "is damaged JSON"),
        (["A", 2, "B"], 0, "holds 2: a list names the gloss of every column"),
        ({"A": "1"}, 0, "holds '1': a list names"),
        ({"A": 1, "B": 1, "C": 2}, 0, "puts 'A' and 'B' in the same column 1"),
        ({"A": 1, "B": 2, "C": 4}, 0, "puts 'C' in column 4, and the logits have columns 0 to 3"),
        ({"A": 1, "B": 2}, 0, "lists 2 glosses and the logits have 4 columns: every column but the blank's"),
        ({"A": 0, "B": 1, "C": 2}, 0, "calls column 0 'A', a gloss of the corpus"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, content: Any, blank: int, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        read_columns(listed(tmp_path, content), 4, blank, OURS)
    assert "\n" not in str(caught.value)


def test_an_object_may_leave_out_the_blank_and_nothing_else(tmp_path: Path) -> None:
    path = listed(tmp_path, {"A": 0, "B": 1, "D": 3})
    assert read_columns(path, 4, 2, OURS) == ("A", "B", None, "D")
    with pytest.raises(ValueError, match="names no gloss for the columns 2, 3, and only one is blank"):
        read_columns(path, 4, 3, Vocabulary(("X",)))


def test_text_of_another_encoding_and_a_missing_file_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("MÖGEN\n".encode("latin-1"))
    with pytest.raises(ValueError, match="is no list of glosses in UTF-8"):
        read_columns(tmp_path / "latin", 2, 0, OURS)
    with pytest.raises(FileNotFoundError):
        read_columns(tmp_path / "none", 2, 0, OURS)


def test_scores_come_into_our_order_with_the_blank_first() -> None:
    columns = GlossColumns.matched(("C", "A", None, "B"), OURS)
    assert (columns.lacking, columns.unused) == ((), ())
    assert columns.ours(torch.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist() == [[3.0, 2.0, 4.0, 1.0]]


def test_columns_of_other_glosses_are_dropped_and_the_rest_shares_their_probability() -> None:
    columns = GlossColumns.matched(("X", "C", "A", None, "B", "Y"), OURS)
    assert columns.unused == ("X", "Y")
    scores = torch.tensor([[9.0, 1.0, 2.0, 3.0, 4.0, 9.0]])
    wanted = scores.softmax(-1)[0, [3, 2, 4, 1]]
    torch.testing.assert_close(columns.ours(scores).softmax(-1)[0], wanted / wanted.sum())


def test_a_gloss_that_the_teacher_lacks_stays_below_all_others_at_every_step() -> None:
    columns = GlossColumns.matched((None, "C", "A", "X"), OURS)
    assert columns.lacking == ("B",)
    found = columns.ours(torch.tensor([[1.0, -7.0, 2.0, -99.0], [5.0, 6.0, 7.0, 8.0]]))
    assert found.tolist() == [[1.0, 2.0, -7.0 - FLOOR, -7.0], [5.0, 7.0, 5.0 - FLOOR, 6.0]]
    assert float(found.softmax(-1)[0, 2]) < 3e-9
