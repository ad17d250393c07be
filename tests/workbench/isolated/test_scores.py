from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.isolated.scores import ClipScores, aligned_to


def some() -> ClipScores:
    scores = np.asarray([[0.5, 1.5], [2.0, -1.0], [0.0, 0.0]], dtype=np.float32)
    labels = np.asarray([1, 1, 0])
    return ClipScores(("b", "a", "c"), scores, labels, ("eins", "zwei"), "logits", {"stream": "bone", "views": 2})


def test_scores_come_back(tmp_path: Path) -> None:
    some().write(tmp_path / "scores.test")
    for name in ("scores.test", "scores.test.json", "scores.test.safetensors"):
        found = ClipScores.read(tmp_path / name)
        assert (found.ids, found.classes, found.kind) == (some().ids, some().classes, "logits")
        assert found.about == {"stream": "bone", "views": 2}
        np.testing.assert_array_equal(found.scores, some().scores)
        np.testing.assert_array_equal(found.labels, some().labels)
    assert found.report().hits() == 1


def test_what_is_missing_changed_or_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        ClipScores.read(tmp_path / "scores.test")
    some().write(tmp_path / "scores.test")
    card = json.loads((tmp_path / "scores.test.json").read_text())
    for broken, says in (
        ("{", "is damaged"),
        ("[]", "holds no scores of ours"),
        (json.dumps({**card, "format": "other"}), "holds no scores of ours"),
        (json.dumps({**card, "sha256": "0"}), "is not the file that scores.test.json describes"),
        (json.dumps({**card, "clips": ["b"]}), "they do not fit"),
    ):
        (tmp_path / "scores.test.json").write_text(broken)
        with pytest.raises(ValueError, match=says):
            ClipScores.read(tmp_path / "scores.test")


SCORES = ClipScores(
    ("a", "b"), np.asarray([[1, 2], [4, 3]], dtype=np.float32), np.asarray([1, 0]), ("x", "y"), "logits", {}
)


def test_scores_are_put_in_order_by_clip() -> None:
    turned = replace(SCORES, ids=("b", "a"), scores=SCORES.scores[::-1], labels=SCORES.labels[::-1])
    found = aligned_to(SCORES, turned, "it")
    assert found.ids == SCORES.ids
    np.testing.assert_array_equal(found.scores, SCORES.scores)
    np.testing.assert_array_equal(found.labels, SCORES.labels)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"classes": ("x", "z")}, "it is about 2 classes"),
        ({"ids": ("a", "c")}, "it lacks 'b' \\(1 missing, 1 more\\)"),
        ({"labels": np.asarray([1, 1])}, "it has another label for the clip 'b' than the first"),
    ],
)
def test_scores_of_something_else_are_refused(changes: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        aligned_to(SCORES, replace(SCORES, **changes), "it")
    more = ClipScores(
        ("a", "b", "c"), np.zeros((3, 2), dtype=np.float32), np.asarray([1, 0, 0]), ("x", "y"), "logits", {}
    )
    with pytest.raises(ValueError, match="it has 'c', which is not there"):
        aligned_to(SCORES, more, "it")
