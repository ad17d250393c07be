from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from kd.cache import fill
from kd.teacher import CachedTeacher, FrozenTeacher
from slr.data import collate
from tests.workbench.running import MAIN_CONFIG, tiny_words
from workbench import caching
from workbench.assemble import make_dataset, make_network
from workbench.caching import teaching_of
from workbench.checkpoint import save_network
from workbench.config import load_config
from workbench.measure import MadeNetwork
from workbench.progress import NoProgress
from workbench.schema import DistillConfig
from workbench.training import Teaching
from workbench.workplace import Workplace

TAPS = ("conv", "context", "logits")
NODE = {
    "_target_": "teachers.STSGNet", "channels": [4, 6], "parts": 3, "part_width": 6, "frame_width": 8, "width": 8,
    "hidden": 4, "recurrent_layers": 1, "temporal_layers": "K3-P2",
}  # fmt: skip
SMALL = ("data.streams.rgb.resize=[26,32]", "data.streams.rgb.crop=[24,30]")


def open_place(root: Path, out: Path, *words: str) -> Workplace:
    config = load_config(MAIN_CONFIG, [*tiny_words(root), *SMALL, *words, f"run.out={out}"], schema=DistillConfig)
    return Workplace.open(config.run, config.data, config.evaluate, NoProgress())


def made_teacher(place: Workplace, folder: Path, seed: int = 0) -> MadeNetwork:
    network = make_network(NODE, len(place.vocabulary), {"frame_size": (24, 30)}, seed)
    card = save_network(folder / f"t{seed}", network, node=NODE, vocabulary=place.vocabulary, corpus=place.corpus.name)
    return MadeNetwork(network, card, folder / f"t{seed}", None, 0.0)


@dataclass
class Counting:
    """How many clips frozen teachers were asked about."""

    clips: int = 0

    def forgotten(self) -> int:
        clips, self.clips = self.clips, 0
        return clips


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    harmless = FrozenTeacher.forward

    def forward(self: FrozenTeacher, batch: Any) -> Any:
        counting.clips += len(batch)
        return harmless(self, batch)

    monkeypatch.setattr(FrozenTeacher, "forward", forward)
    return counting


def outputs(teaching: Teaching, place: Workplace, flip: bool, start: int = 0) -> list[Any]:
    """What a teaching says of two training clips, mirrored or not, from one of their frames on."""
    dataset = place.dataset("train", {"rgb"})
    batch = collate([dataset.evaluation_sample(index, flip=flip, start=start) for index in (0, 5)])
    batch = replace(batch, flipped=(flip, flip))
    said = teaching.teacher(batch)
    return [said.read(name).zeroed().values for name in TAPS]


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("flip", [False, True])
def test_cached_outputs_are_those_of_the_live_teacher(
    simulated_root: Path, tmp_path: Path, flip: bool, start: int
) -> None:
    place = open_place(simulated_root, tmp_path, "data.streams.flip=0.5", "data.plan.random_start=true")
    made = made_teacher(place, tmp_path)
    cached, live = (teaching_of(place, made, TAPS, live=live) for live in (False, True))
    assert isinstance(cached.teacher, CachedTeacher)
    assert isinstance(live.teacher, FrozenTeacher)
    assert (cached.streams, live.streams) == ((), ("rgb",))
    assert cached.widths == live.widths
    assert cached.widths["logits"] == len(place.vocabulary) == 9
    assert cached.identity != live.identity
    for one, other in zip(outputs(cached, place, flip, start), outputs(live, place, flip, start), strict=True):
        assert one.abs().max() > 0.01
        torch.testing.assert_close(one, other, atol=2e-3, rtol=2e-3)


def test_the_two_views_of_a_clip_differ(simulated_root: Path, tmp_path: Path) -> None:
    place = open_place(simulated_root, tmp_path, "data.streams.flip=0.5")
    cached = teaching_of(place, made_teacher(place, tmp_path), TAPS, live=False)
    plain, flipped = outputs(cached, place, False), outputs(cached, place, True)
    assert not torch.allclose(plain[0], flipped[0], atol=1e-2)


def test_every_output_is_computed_once(simulated_root: Path, tmp_path: Path, asked: Counting) -> None:
    place = open_place(simulated_root, tmp_path)
    made = made_teacher(place, tmp_path)
    teaching_of(place, made, ("conv",), live=False)
    assert asked.forgotten() == 16  # one view of every training clip, since nothing is mirrored
    again = teaching_of(place, made, ("conv", "logits"), live=False)
    assert asked.forgotten() == 0
    teaching_of(place, made, ("context",), live=False)  # a tap that was not stored
    assert asked.forgotten() == 16
    teaching_of(open_place(simulated_root, tmp_path, "data.streams.flip=0.5"), made, ("conv",), live=False)
    assert asked.forgotten() == 16  # the mirrored view alone
    started = open_place(simulated_root, tmp_path, "data.plan.random_start=true")
    teaching_of(started, made, ("conv",), live=False)
    assert asked.forgotten() == 16  # at stride 2, from the second frame
    assert teaching_of(place, made, ("conv",), live=False).identity == again.identity
    assert asked.forgotten() == 0


@pytest.mark.parametrize("word", ["data.plan.stride=3", "data.streams.rgb.crop=[22,28]", "data.streams.rgb_stride=2"])
def test_other_input_is_another_teaching(simulated_root: Path, tmp_path: Path, asked: Counting, word: str) -> None:
    place = open_place(simulated_root, tmp_path)
    made = made_teacher(place, tmp_path)
    before = teaching_of(place, made, ("conv",), live=False)
    assert asked.forgotten() == 16
    if "crop" in word:  # the places of this network's tokens are bound to the size of its frames
        place = open_place(simulated_root, tmp_path, word)
        assert teaching_of(place, made, ("conv",), live=True).identity != before.identity
        return
    after = teaching_of(open_place(simulated_root, tmp_path, word), made, ("conv",), live=False)
    assert asked.forgotten() == 16
    assert after.identity != before.identity


def test_other_weights_are_another_teaching(simulated_root: Path, tmp_path: Path, asked: Counting) -> None:
    place = open_place(simulated_root, tmp_path)
    one, other = (teaching_of(place, made_teacher(place, tmp_path, seed), ("conv",), live=False) for seed in (0, 1))
    assert asked.forgotten() == 32
    assert one.identity != other.identity


def test_what_was_stored_before_an_interruption_is_not_computed_again(
    simulated_root: Path, tmp_path: Path, asked: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = open_place(simulated_root, tmp_path)
    made = made_teacher(place, tmp_path)
    counted = FrozenTeacher.forward

    def dying(self: FrozenTeacher, batch: Any) -> Any:
        if asked.clips >= 8:
            raise KeyboardInterrupt
        return counted(self, batch)

    monkeypatch.setattr(caching, "fill", partial(fill, clips_per_shard=8))
    with monkeypatch.context() as patched:
        patched.setattr(FrozenTeacher, "forward", dying)
        with pytest.raises(KeyboardInterrupt):
            teaching_of(place, made, ("conv",), live=False)
    assert asked.forgotten() == 8
    teaching_of(place, made, ("conv",), live=False)
    assert asked.forgotten() == 8


def test_a_clip_at_another_speed_has_the_steps_of_the_live_teacher(simulated_root: Path, tmp_path: Path) -> None:
    place = open_place(simulated_root, tmp_path, "data.plan.speed=[0.8,1.2]")
    made = made_teacher(place, tmp_path)
    cached, live = (teaching_of(place, made, TAPS, live=live).teacher for live in (False, True))
    dataset = make_dataset(place.corpus, "train", place.vocabulary, place.data, streams={"rgb"}, training=True)
    batch = collate([dataset[index] for index in range(8)])
    plans = {clip.id: dataset.plan.draw(place.corpus.num_frames(clip)) for clip in dataset.clips}
    frames = zip(batch.ids, batch.frames.unpad(), strict=True)
    assert sum(len(plans[clip]) != len(shown) for clip, shown in frames) > 4
    for name in TAPS:
        one, other = cached(batch).read(name), live(batch).read(name)
        assert torch.equal(one.lengths, other.lengths), name


def test_the_teacher_is_frozen_for_good(simulated_root: Path, tmp_path: Path) -> None:
    place = open_place(simulated_root, tmp_path)
    made = made_teacher(place, tmp_path)
    live = teaching_of(place, made, TAPS, live=True)
    assert isinstance(live.teacher, FrozenTeacher)
    live.teacher.train()
    assert not any(module.training for module in live.teacher.modules())
    assert not any(weight.requires_grad for weight in live.teacher.parameters())
