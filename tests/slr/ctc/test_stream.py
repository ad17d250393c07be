from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.ctc import BeamDecoder, BeamStream
from slr.types import Padded


def logits_of(steps: int, seed: int, peak: float = 3.0) -> torch.Tensor:
    """Scores with a blank or a gloss ahead at every step."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(steps, 6, generator=generator)
    scores[torch.arange(steps), torch.randint(0, 6, (steps,), generator=generator)] += peak
    return scores


@settings(max_examples=60, deadline=None)
@given(
    steps=st.integers(0, 25),
    seed=st.integers(0, 10_000),
    width=st.integers(1, 8),
    peak=st.floats(0, 8),
    cuts=st.lists(st.integers(0, 25), max_size=6),
)
def test_in_whatever_portions_the_end_is_that_of_the_whole(
    steps: int, seed: int, width: int, peak: float, cuts: list[int]
):
    scores = logits_of(steps, seed, peak)
    decoder = BeamDecoder(width, n_best=width, insertion_bonus=0.2)
    stream = BeamStream(decoder)
    for portion in scores.tensor_split(sorted(min(cut, steps) for cut in cuts)):
        stream.push(portion)
    (whole,) = decoder.decode(Padded(scores[None], torch.tensor([steps])))
    assert stream.finish() == whole


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), width=st.integers(1, 8), peak=st.floats(0, 8))
def test_what_was_called_stable_never_changes(seed: int, width: int, peak: float):
    stream = BeamStream(BeamDecoder(width))
    stable: tuple[int, ...] = ()
    for step in logits_of(25, seed, peak):
        reading = stream.push(step[None])
        assert reading.stable[: len(stable)] == stable
        stable = reading.stable
        so_far = stream.finish().best.glosses
        assert so_far == reading.stable + reading.tentative
    assert so_far[: len(stable)] == stable


def test_a_clear_signer_is_read_with_little_delay():
    # Glosses 1 2 2 3, two steps each with a blank between. The odds of a step are e^12; what is e^10 behind is dropped.
    labels = [0, 1, 1, 0, 2, 2, 0, 2, 2, 0, 3, 3, 0]
    stream = BeamStream(BeamDecoder(10, margin=10.0))
    seen = [stream.push(12.0 * torch.eye(4)[label][None]) for label in labels]
    assert [len(reading.stable) for reading in seen] == [0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert seen[-1].stable == (1, 2, 2, 3)
    # Without a margin unlikely readings of the first steps stay in a beam that has room for them.
    patient = BeamStream(BeamDecoder(10))
    assert [patient.push(12.0 * torch.eye(4)[label][None]) for label in labels][-1].stable != (1, 2, 2, 3)


def test_a_stream_of_nothing_is_the_empty_hypothesis():
    assert BeamStream(BeamDecoder()).finish().best.glosses == ()
    stream = BeamStream(BeamDecoder())
    assert stream.push(torch.zeros(0, 5)).stable == ()
    assert stream.finish().best.log_probability == pytest.approx(0.0)


def test_steps_that_do_not_fit_are_refused():
    stream = BeamStream(BeamDecoder())
    stream.push(torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"shape \[steps, 5\], not \[2, 4\]"):
        stream.push(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="NaN"):
        stream.push(torch.full((1, 5), math.nan))
    assert (
        stream.finish().best.glosses
        == BeamDecoder().decode(Padded(torch.zeros(1, 2, 5), torch.tensor([2])))[0].best.glosses
    )
