"""Times of forced alignments, against spikes set by hand."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.ctc import GreedyDecoder
from slr.data import SignDataset, TemporalPlan, collate
from slr.types import Padded
from slr.vocabulary import Vocabulary
from tests.workbench.fake_corpus import FakeCorpus
from tests.workbench.scripted import CPU, Scripted
from workbench.aligner import Aligner
from workbench.recognise import Recogniser, Seen, show

FPS = FakeCorpus.fps
KNOWN = Vocabulary(("A", "B"))


def dataset(text: str, frames: int, *, plan: int = 1, rgb_stride: int = 1, stream: str = "pose") -> SignDataset:
    corpus = FakeCorpus({"one": ("train", "A B", 9), "clip": ("dev", text, frames)})
    return SignDataset(corpus, "dev", KNOWN, streams={stream}, plan=TemporalPlan(stride=plan), rgb_stride=rgb_stride)


def align(network: Scripted, clips: SignDataset) -> Aligner:
    aligner = Aligner()
    show(network, clips, [collate([clips[index] for index in range(len(clips))])], CPU, aligner)
    return aligner


def test_a_clip_to_follow_by_hand() -> None:
    # 19 frames at 10 per second, every second one: 0 2 4 .. 18, ten of them. A step covers four: frames 0 to 6, 8 to
    # 14, and the last, ragged one 16 and 18.
    aligner = align(Scripted([0, 1, 2], stride=4), dataset("A B", 19, plan=2))
    reading = aligner.readings["clip"]
    assert aligner.labels == {"clip": (0, 1, 2)}
    assert reading.transcript.glosses == ("A", "B")
    assert reading.frames == ((8, 15), (16, 19))
    assert reading.transcript.times == ((0.8, 1.5), (1.6, 1.9))
    assert aligner.left_out == {}


def test_confidence_and_score_are_those_of_the_path() -> None:
    aligner = align(Scripted([0, 1], stride=1), dataset("A", 2))
    p = math.exp(5) / (math.exp(5) + 2 * math.exp(-5))
    assert aligner.readings["clip"].transcript.confidences == pytest.approx((p,))
    assert aligner.readings["clip"].log_probability == pytest.approx(2 * math.log(p), rel=1e-2)  # float32


@st.composite
def spiky_clips(draw: st.DrawFn) -> tuple[list[int], dict[str, int], str]:
    """What is written step by step, how the clip is sampled, and the stream that is read."""
    written = draw(st.lists(st.integers(0, 2), min_size=1, max_size=9))
    sampled = {name: draw(st.integers(1, 3)) for name in ("stride", "plan", "rgb_stride")}
    stream = draw(st.sampled_from(["pose", "rgb"]))
    whole = sampled["stride"] * sampled["plan"] * (sampled["rgb_stride"] if stream == "rgb" else 1)
    last = draw(st.integers(1, whole))  # frames behind the last output step, which may be fewer
    return written, {**sampled, "frames": (len(written) - 1) * whole + last, "whole": whole}, stream


@settings(max_examples=60, deadline=None)
@given(spiky_clips())
def test_aligned_and_recognised_glosses_lie_where_the_spikes_are(drawn: tuple[list[int], dict[str, int], str]) -> None:
    written, sampled, stream = drawn
    runs = [list(steps) for _, steps in itertools.groupby(range(len(written)), lambda step: written[step])]
    spikes = [("_AB"[written[steps[0]]], steps[0], steps[-1]) for steps in runs if written[steps[0]]]
    text = " ".join(gloss for gloss, *_ in spikes)
    clips = dataset(text, sampled["frames"], plan=sampled["plan"], rgb_stride=sampled["rgb_stride"], stream=stream)
    network = Scripted(written, sampled["stride"], stream)
    aligner, recogniser = Aligner(), Recogniser(GreedyDecoder())
    show(network, clips, [collate([clips[0]])], CPU, aligner, recogniser)

    shown = range(0, sampled["frames"], sampled["plan"])  # the frames that a pose network sees
    whole = sampled["whole"]
    expected = []
    for _, first, last in spikes:
        behind = [frame for frame in shown if first * whole <= frame < (last + 1) * whole]
        expected.append((behind[0], behind[-1] + 1))
    (recognised,) = recogniser.recognition(clips.clips).readings["clip"]
    for reading in (aligner.readings["clip"], recognised):
        assert reading.transcript.glosses == tuple(gloss for gloss, *_ in spikes)
        assert reading.frames == tuple(expected)
        assert reading.transcript.times == tuple((start / FPS, end / FPS) for start, end in expected)
        edges = [edge for segment in reading.frames for edge in segment]
        assert edges == sorted(edges)
        assert all(0 <= edge <= sampled["frames"] for edge in edges)


def test_a_clip_whose_transcript_does_not_fit_is_named_and_the_others_are_aligned() -> None:
    corpus = FakeCorpus(
        {"one": ("train", "A B", 9), "fits": ("dev", "A B", 5), "short": ("dev", "A A A", 4), "empty": ("dev", "", 3)}
    )
    clips = SignDataset(corpus, "dev", KNOWN, streams={"pose"})
    aligner = align(Scripted([0, 1, 0, 2], stride=1), clips)
    assert aligner.left_out == {"short": "4 output steps, 5 needed"}
    assert set(aligner.readings) == set(aligner.labels) == {"fits", "empty"}
    assert aligner.readings["fits"].frames == ((1, 2), (3, 4))
    assert aligner.readings["empty"].transcript.glosses == ()
    assert aligner.labels["empty"] == (0, 0, 0)


def test_where_no_clip_of_a_batch_fits_nothing_is_aligned() -> None:
    aligner = align(Scripted([1], stride=4), dataset("A B", 4))
    assert aligner.left_out == {"clip": "1 output steps, 2 needed"}
    assert aligner.readings == {}


def test_a_gloss_outside_the_vocabulary_is_passed_over() -> None:
    aligner = align(Scripted([1, 0, 2], stride=1), dataset("A UNKNOWN B", 3))
    assert aligner.readings["clip"].transcript.glosses == ("A", "B")
    assert aligner.readings["clip"].frames == ((0, 1), (2, 3))


def test_company_in_the_batch_changes_nothing() -> None:
    generator = torch.Generator().manual_seed(3)
    texts = {"a": ("A B", 9), "b": ("A A", 3), "c": ("B", 6), "d": ("B B B", 2)}
    corpus = FakeCorpus({"one": ("train", "A B", 9), **{clip: ("dev", *text) for clip, text in texts.items()}})
    clips = SignDataset(corpus, "dev", KNOWN, streams={"pose"})
    samples = [clips[index] for index in range(4)]
    logits = [torch.randn(len(sample.frames), 3, generator=generator) for sample in samples]
    together, apart = Aligner(), Aligner()
    together.see(Seen(collate(samples), Padded.from_list(logits), 1, clips))
    for sample, one in zip(samples, logits, strict=True):
        apart.see(Seen(collate([sample]), Padded.from_list([one]), 1, clips))
    assert together.left_out == apart.left_out == {"d": "2 output steps, 5 needed"}
    assert together.labels == apart.labels
    assert {clip: reading.frames for clip, reading in together.readings.items()} == {
        clip: reading.frames for clip, reading in apart.readings.items()
    }
