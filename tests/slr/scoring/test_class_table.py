from __future__ import annotations

import numpy as np

from slr.scoring import accuracy, class_rows, confused_pairs, confusion_rows
from slr.scoring.class_table import Confused

LABELS = [0, 0, 0, 1, 1, 3]
BEST = [0, 1, 1, 1, 0, 1]
REPORT = accuracy(np.eye(4)[BEST], LABELS)
NAMES = ("book", "drink", "chair", "go")


def test_pairs_come_by_how_often_they_are_confused() -> None:
    assert confused_pairs(REPORT) == [Confused(0, 1, 2, 3), Confused(1, 0, 1, 2), Confused(3, 1, 1, 1)]


def test_a_class_has_recall_and_precision_where_they_exist() -> None:
    # A tie counts against a network: where the label scores 0 like two others, it is third at best.
    assert list(class_rows(REPORT, NAMES)) == [
        ("book", 3, 1 / 3, 1.0, 2, 1 / 2),
        ("drink", 2, 1 / 2, 1.0, 4, 1 / 4),
        ("chair", 0, None, None, 0, None),
        ("go", 1, 0.0, 1.0, 0, None),
    ]


def test_the_matrix_is_written_without_its_zeros() -> None:
    assert list(confusion_rows(REPORT, NAMES)) == [
        ("book", "drink", 2, 3),
        ("book", "book", 1, 3),
        ("drink", "book", 1, 2),
        ("drink", "drink", 1, 2),
        ("go", "drink", 1, 1),
    ]
