from __future__ import annotations

from pathlib import Path

import pytest
import torch

from kd import EnsembleTeacher, ForeignClip, ForeignTeacher, TeacherCache, clip_key
from slr.ctc import GreedyDecoder, LabelledClip
from slr.types import NetOutput, Padded
from tests.workbench.scripted import workplace
from workbench.teacher_voice import TeacherVoice

# Frames at 10 per second.
CLIPS = {"one": ("train", "A B", 9), "x": ("dev", "A B", 20), "y": ("dev", "A", 7), "short": ("dev", "A A", 7)}
WRITTEN = {"x": (0, 1, 0, 2, 2, 0), "y": (0, 1), "short": (1, 0)}


def teacher(folder: Path, rate: float, stride: int = 2) -> ForeignTeacher:
    cache, clips = TeacherCache(folder / "outputs", "abc"), {}
    for clip, written in WRITTEN.items():
        logits = 10 * torch.nn.functional.one_hot(torch.tensor(written), 3).float()
        clips[clip] = ForeignClip(clip_key(clip, ""), CLIPS[clip][2])
        cache.write({clips[clip].key: NetOutput(Padded.from_list([logits]))})
    return ForeignTeacher(cache, clips, {"logits": rate}, stride)


def test_outputs_are_read_on_their_own_steps_with_the_times_of_these(tmp_path: Path) -> None:
    # A step per 10/3 frames: A is step 1, frames 3.33 to 6.67; B is steps 3 and 4, frames 10 to 16.67.
    place = workplace(tmp_path, CLIPS, stride=2)
    voice = TeacherVoice.of_outputs("CorrNet", "dev", "abc", teacher(tmp_path, 10 / 3))
    found = voice.recognise(place, GreedyDecoder()).transcripts
    assert found["x"].glosses == ("A", "B")
    assert found["x"].times == ((0.3, 0.7), (1.0, 1.7))
    assert found["y"].times == (((0.3, 0.7)),)


def test_a_gloss_never_ends_after_its_clip(tmp_path: Path) -> None:
    # At a step per 4 frames the six steps of x would last 24 frames, so they are spread over its 20.
    place = workplace(tmp_path, CLIPS, stride=2)
    voice = TeacherVoice.of_outputs("CorrNet", "dev", "abc", teacher(tmp_path, 4))
    found = voice.recognise(place, GreedyDecoder()).transcripts
    assert found["x"].times == ((0.3, 0.7), (1.0, 1.7))
    assert found["y"].times == ((0.4, 0.7),), "the second of two steps of a clip of seven frames"


def test_pseudo_labels_are_made_once_on_the_steps_of_the_outputs(tmp_path: Path) -> None:
    place = workplace(tmp_path, CLIPS, stride=2)
    voice = TeacherVoice.of_outputs("CorrNet", "dev", "abc", teacher(tmp_path, 10 / 3))
    labels = voice.labels(place)
    assert labels.clips == {"x": LabelledClip((0, 1, 0, 2, 2, 0), 20), "y": LabelledClip((0, 1), 7)}
    assert labels.left_out == {"short": "2 output steps, 3 needed"}
    assert (labels.teacher, labels.split, labels.stride, labels.identity) == ("CorrNet", "dev", 2, "abc")
    (file,) = (tmp_path / "labels").iterdir()
    time = file.stat().st_mtime_ns
    assert voice.labels(place) == labels
    assert file.stat().st_mtime_ns == time
    other = TeacherVoice.of_outputs("CorrNet", "dev", "abd", teacher(tmp_path, 10 / 3)).labels(place)
    assert other.sha256 != labels.sha256


@pytest.mark.parametrize("rate", [10 / 3, 4.0])
def test_several_teachers_are_read_on_the_steps_of_the_first(tmp_path: Path, rate: float) -> None:
    place = workplace(tmp_path, CLIPS, stride=2)
    one = teacher(tmp_path, rate)
    alone = TeacherVoice.of_outputs("one", "dev", "abc", one)
    both = alone.together("both", "xyz", (), EnsembleTeacher([one, one]))
    assert (both.name, both.identity, both.streams) == ("both", "xyz", ())
    found, expected = (voice.recognise(place, GreedyDecoder()).transcripts for voice in (both, alone))
    for clip in ("x", "y"):
        assert found[clip].glosses == expected[clip].glosses
        assert found[clip].times == expected[clip].times
