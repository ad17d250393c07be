from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from slr.ctc import BeamDecoder, GreedyDecoder
from slr.data import SignDataset, TemporalPlan, collate
from slr.scoring import read_transcripts
from slr.types import Network
from slr.vocabulary import Vocabulary
from tests.nets import ROWS, Case
from tests.workbench.fake_corpus import FakeCorpus
from tests.workbench.scripted import CPU, Scripted
from workbench.recognise import Recogniser, Recognition, recognise, show, steps_per_output


def dataset(frames: int, stride: int = 1, rgb_stride: int = 1, stream: str = "pose") -> SignDataset:
    corpus = FakeCorpus({"one": ("train", "A B", 9), "clip": ("dev", "A B", frames)})
    return SignDataset(
        corpus, "dev", Vocabulary(("A", "B")), streams={stream}, plan=TemporalPlan(stride=stride), rgb_stride=rgb_stride
    )


def read(network: nn.Module, clips: SignDataset) -> Recognition:
    batches = [collate([clips[index]]) for index in range(len(clips))]
    return recognise(network, clips, batches, GreedyDecoder(), CPU)


def test_times_are_those_of_the_frames_behind_the_steps() -> None:
    # 20 frames at 10 per second, every second one: 0 2 4 .. 18. A step covers two of these, so the steps begin at
    # frames 0 4 8 12 16. Step 1 is A: frames 4 and 6, thus 0.4 s up to the end of frame 6. Steps 3 and 4 are B.
    found = read(Scripted([0, 1, 0, 2, 2], stride=2), dataset(20, stride=2))
    assert found.transcripts["clip"].glosses == ("A", "B")
    assert found.transcripts["clip"].times == ((0.4, 0.7), (1.2, 1.9))
    assert found.references == {"clip": ("A", "B")}
    assert found.score("raw").wer == 0


def test_an_rgb_network_that_sees_every_second_step_has_steps_twice_as_long() -> None:
    # 17 frames, plan 0 .. 16, RGB 0 2 .. 16: nine. A step of the network covers two of these, four frames of the plan.
    # Step 2 is A: frames 8 to 11. Step 4 is B, and there is frame 16 alone.
    network = Scripted([0, 0, 1, 0, 2], stride=2, stream="rgb")
    assert steps_per_output(network, rgb_stride=2) == 4
    found = read(network, dataset(17, rgb_stride=2, stream="rgb"))
    assert found.transcripts["clip"].times == ((0.8, 1.2), (1.6, 1.7))


def test_a_confidence_is_the_probability_of_the_gloss_at_its_steps() -> None:
    found = read(Scripted([1], stride=1), dataset(1))
    expected = math.exp(5) / (math.exp(5) + 2 * math.exp(-5))
    assert found.transcripts["clip"].confidences == pytest.approx((expected,))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("STGT-default", 4), ("STGT-K3", 1), ("STGCN-default", 4), ("STGCN-strided", 4), ("CNN2DCNN1D-default", 4),
        ("CNN2DCNN1D-convolutions", 2), ("STSGNet-default", 4), ("STSGNet-one-block", 2),
    ],
)  # fmt: skip
def test_steps_per_output_of_our_networks(label: str, expected: int) -> None:
    # K5-P2-K5-P2 halves twice, K3-P2 once, K3 never; STGCN-strided halves once in its graph blocks besides.
    network = next(case for cases in ROWS.values() for case in cases if case.label == label).build()
    assert steps_per_output(network, rgb_stride=1) == expected
    assert steps_per_output(network, rgb_stride=3) == (3 * expected if network.input_stream == "rgb" else expected)


def as_read_from_a_corpus(cases: list[Case]) -> Case:
    """The first variant that reads frames, or all three channels of a keypoint."""
    return next(case for case in cases if len(case.step_shape) == 3 or case.step_shape[-1] == 3)


@pytest.mark.parametrize("case", [as_read_from_a_corpus(cases) for cases in ROWS.values()], ids=lambda case: case.label)
def test_every_gloss_of_an_untrained_network_lies_inside_its_clip(case: Case, tmp_path: Path) -> None:
    network: Network = case.build()
    stream, lengths = network.input_stream, (1, 2, 5, 8, 13)
    texts = {f"dev-{frames}": ("dev", "A", frames) for frames in lengths}
    corpus = FakeCorpus({"one": ("train", "A B C D E F", 9), **texts})
    clips = SignDataset(corpus, "dev", corpus.vocabulary(), streams={stream}, plan=TemporalPlan(stride=2), rgb_stride=2)
    batch = collate([clips[index] for index in range(len(clips))])
    for decoder in (GreedyDecoder(), BeamDecoder(width=5)):
        found = recognise(network, clips, [batch], decoder, CPU)  # type: ignore[arg-type]
        found.write(tmp_path / "found.ctm")
        transcripts = read_transcripts(tmp_path / "found.ctm")
        assert list(transcripts) == list(texts)
        for frames in lengths:
            for start, end in transcripts[f"dev-{frames}"].times or ():
                assert 0 <= start < end <= frames / corpus.fps + 1e-9
    assert sum(len(transcript.glosses) for transcript in transcripts.values()) > 0


def test_batching_changes_no_reading() -> None:
    torch.manual_seed(1)
    network = ROWS["STGT"][0].build()
    corpus = FakeCorpus({"one": ("train", "A B C D E F", 9), **{f"d{n}": ("dev", "A", n) for n in (20, 3, 11)}})
    clips = SignDataset(corpus, "dev", corpus.vocabulary(), streams={"pose"})
    together = recognise(network, clips, [collate([clips[i] for i in (2, 0, 1)])], GreedyDecoder(), CPU)
    apart = read(network, clips)
    assert list(together.transcripts) == list(apart.transcripts) == ["d20", "d3", "d11"]
    for clip, transcript in together.transcripts.items():
        assert (transcript.glosses, transcript.times) == (
            apart.transcripts[clip].glosses,
            apart.transcripts[clip].times,
        )
    assert any(transcript.glosses for transcript in together.transcripts.values())


def test_recognition_leaves_the_network_in_eval_mode() -> None:
    network = Scripted([1], stride=1).train()
    read(network, dataset(3))
    assert not network.training


def test_all_readings_of_the_decoder_are_kept() -> None:
    clips = dataset(4)
    for number in (1, 3, 5):
        recogniser = Recogniser(BeamDecoder(width=5, n_best=number))
        show(Scripted([0, 1, 0, 2], stride=1), clips, [collate([clips[0]])], CPU, recogniser)
        (readings,) = recogniser.recognition(clips.clips).readings.values()
        assert len(readings) == number
        assert readings[0].transcript.glosses == ("A", "B")
        assert readings[0].frames == ((1, 2), (3, 4))
        scores = [reading.log_probability for reading in readings]
        assert scores == sorted(scores, reverse=True)
        assert scores[0] < 0


def test_a_network_reads_once_for_all_who_watch() -> None:
    clips, network = dataset(4), Scripted([0, 1, 0, 2], stride=1)
    watchers = [Recogniser(GreedyDecoder()), Recogniser(BeamDecoder())]
    show(network, clips, [collate([clips[0]])], CPU, *watchers)
    assert network.times_asked == 1
    assert [w.recognition(clips.clips).transcripts["clip"].glosses for w in watchers] == [("A", "B"), ("A", "B")]
