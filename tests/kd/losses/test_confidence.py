from __future__ import annotations

import math

import pytest
import torch

from kd.losses import Confidence
from slr.types import NetOutput, Padded
from tests.kd.losses.classes import labels, scores, some
from tests.reference import classes as reference


def test_it_is_the_formula_clip_by_clip() -> None:
    given = some(5)
    said = [clip[0] for clip in scores(given, "confidence")]
    wanted = reference.confidence(said, scores(given), labels(given))
    assert given.loss(Confidence()).item() == pytest.approx(wanted, rel=1e-5)


def test_right_and_wrong_but_sure_should_be_said_loudly_and_wrong_in_doubt_softly() -> None:
    given = some(3)
    values = torch.tensor([[[9.0, 0, 0, 0, 0]], [[99.0, 0, 0, 0, 0]], [[0.01, 0, 0, 0, 0]]])  # right, wrong, in doubt
    for wanted, said in [((1.0, 1.0, 0.0), (50.0, 50.0, -50.0)), ((0.0, 0.0, 1.0), (-50.0, -50.0, 50.0))]:
        tap = Padded(torch.tensor(said)[:, None, None], torch.ones(3, dtype=torch.int64))
        output = NetOutput(Padded(values, tap.lengths), {"confidence": tap})
        found = Confidence()(output, None, given.batch).item()
        assert found == pytest.approx(0.0 if wanted[0] else 1.0, abs=1e-3), math.sqrt(found)


def test_a_tap_of_several_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="reads one number per clip, and the tap 'conv' has 6 in 1 steps"):
        some().loss(Confidence("conv"))
