from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slr.vocabulary import Vocabulary
from workbench.checkpoint import NetworkCard
from workbench.fitting import check_teacher_fits

PREPARED = {"fps": 25.0, "plan": {"stride": 2}, "rgb": {"crop": [60, 72], "resize": None}, "rgb_stride": 1}


def fits(described: dict[str, Any], glosses: tuple[str, ...] = ("A", "B")) -> None:
    card = NetworkCard({}, ("A", "B"), "corpus", "0" * 64, preprocessing=PREPARED)
    check_teacher_fits(Path("runs/teacher"), card, Vocabulary(glosses), described)


def test_the_same_preparation_fits_whatever_kind_of_sequence_holds_it() -> None:
    fits(PREPARED)
    fits({**PREPARED, "rgb": {"crop": (60, 72), "resize": None}})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"plan": {"stride": 1}}, "plan.stride 2, and this configuration prepares them with 1"),
        ({"rgb_stride": 2}, "rgb_stride 1, and this configuration prepares them with 2"),
        ({"rgb": {"crop": [60, 72], "resize": 9}}, "rgb.resize None, and this configuration prepares them with 9"),
        ({"rgb": {"resize": None}}, "rgb.crop [60, 72], and this configuration prepares them with None"),
        ({"fps": 30.0}, "fps 25.0, and this configuration prepares them with 30.0"),
        ({"mask": True}, "mask None, and this configuration prepares them with True"),
    ],
)  # fmt: skip
def test_the_setting_that_differs_is_named_with_both_values(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match="the teacher runs/teacher was trained on clips with ") as caught:
        fits({**PREPARED, **change})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("glosses", "says"),
    [
        (("A", "B", "C"), "writes 2 glosses and this corpus has 3, 'C' among those it lacks"),
        (("A",), "writes 2 glosses and this corpus has 1, 'B' among those only it has"),
        (("B", "A"), "writes 2 glosses and this corpus has 2, the same ones in another order"),
    ],
)
def test_the_gloss_that_differs_is_named(glosses: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fits(PREPARED, glosses)
