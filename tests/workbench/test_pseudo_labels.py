from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from slr.ctc import LabelledClip, LabelSet, PseudoLabelAccuracy, StepCount
from tests.workbench.running import edited
from tests.workbench.scripted import Scripted, made, workplace
from workbench.made_teacher import MadeTeacher
from workbench.pseudo_labels import Agreement, agreement, labels_of, make_labels, read_labels
from workbench.teacher_parts import NetworkPart

CLIPS = {"one": ("train", "A B", 9), "x": ("dev", "A B", 6), "y": ("dev", "A B", 5), "short": ("dev", "A A B B", 5)}
GLOSSES = ("A", "B")
# A at step 1 and B at step 4, of six steps in x and five in y.
TEACHER = (0, 1, 0, 0, 2, 0)


class Teacher(Scripted):
    """A scripted network with a weight, by which one differs from another."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(TEACHER, 1)
        self.weight = nn.Parameter(torch.tensor(weight))


def test_the_labels_are_the_forced_alignment_of_the_transcripts(tmp_path: Path) -> None:
    place = workplace(tmp_path, CLIPS)
    teacher = made(Teacher(), GLOSSES)
    labels = make_labels(place, teacher.network, teacher.card, "dev")
    assert labels.clips == {"x": LabelledClip((0, 1, 0, 0, 2, 0), 6), "y": LabelledClip((0, 1, 0, 0, 2), 5)}
    assert labels.left_out == {"short": "5 output steps, 6 needed"}
    assert (labels.corpus, labels.split, labels.teacher, labels.stride) == ("fake corpus", "dev", "Teacher", 1)
    assert labels.vocabulary == place.vocabulary.fingerprint


def test_labels_are_made_once_and_read_afterwards(tmp_path: Path) -> None:
    place, network = workplace(tmp_path, CLIPS), Teacher()
    first = labels_of(place, made(network, GLOSSES))
    asked = network.times_asked
    assert asked > 0
    assert labels_of(workplace(tmp_path, CLIPS), made(network, GLOSSES)) == first
    assert network.times_asked - asked == 0
    (file,) = (tmp_path / "labels").iterdir()
    assert LabelSet.read(file) == first


@pytest.mark.parametrize("change", ["precision", "slr.ctc.alignment", "slr.data.dataset", "students.stgt"])
def test_another_precision_and_edited_code_make_labels_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    place, network = workplace(tmp_path, CLIPS), Teacher()
    labels_of(place, made(network, GLOSSES))
    if change == "precision":
        place = replace(place, precision=replace(place.precision, name="bfloat16"))
    else:
        edited(monkeypatch, change)
    labels_of(place, made(network, GLOSSES))
    assert len(list((tmp_path / "labels").iterdir())) == 2


def test_edited_code_of_a_combination_makes_its_labels_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [NetworkPart(f"teacher-{one}", made(Teacher(one), GLOSSES)) for one in (1.0, 2.0)]
    teacher = MadeTeacher(workplace(tmp_path, CLIPS), tuple(parts), "average")
    assert teacher.labels() == teacher.labels()
    assert len(list((tmp_path / "labels").iterdir())) == 1
    edited(monkeypatch, "kd.ensemble")
    teacher.labels()
    assert len(list((tmp_path / "labels").iterdir())) == 2


@pytest.mark.parametrize("change", ["weights", "frames", "transcript", "plan"])
def test_what_the_labels_depend_on_makes_other_ones(tmp_path: Path, change: str) -> None:
    first = labels_of(workplace(tmp_path, CLIPS), made(Teacher(), GLOSSES))
    network = Teacher(2.0 if change == "weights" else 1.0)
    clips = {**CLIPS, "y": ("dev", "B" if change == "transcript" else "A B", 6 if change == "frames" else 5)}
    place = workplace(tmp_path, clips, stride=2 if change == "plan" else 1)
    other = labels_of(place, made(network, GLOSSES))
    assert other.sha256 != first.sha256
    assert len(list((tmp_path / "labels").iterdir())) == 2


def test_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    place = workplace(tmp_path, CLIPS)
    labels_of(place, made(Teacher(), GLOSSES))
    (file,) = (tmp_path / "labels").iterdir()
    file.write_text(file.read_text().replace("0 1 0 0 2 0", "0 0 1 0 2 0"))
    with pytest.raises(ValueError, match="was changed after it was written"):
        labels_of(place, made(Teacher(), GLOSSES))


def test_the_three_accuracies_of_networks_to_follow_by_hand(tmp_path: Path) -> None:
    place = workplace(tmp_path, CLIPS)
    labels = labels_of(place, made(Teacher(), GLOSSES))
    # x: 0 1 0 0 2 0, dense 1 1 1 2 2 2; y: 0 1 0 0 2, dense 1 1 1 2 2. The clip left out is not compared.
    student = Scripted((0, 1, 0, 2, 0, 0), 1)
    found = agreement(place, labels, {"itself": Teacher(), "student": student})
    # The student agrees with all but steps 3 and 4 of either; where it writes a blank, both glosses are equally
    # likely and the first of them, A, counts: right at 0, 1, 2 of the dense labels, and at 3, where it writes B.
    assert found["student"] == {"all": 7 / 11, "non_blank": 2 / 4, "dense": 8 / 11}
    assert found["itself"]["all"] == 1
    assert found["itself"]["non_blank"] == 1
    assert found["labels"] == labels.sha256[:16]
    assert found["clips_left_out"] == 1


def test_a_student_with_fewer_steps_gets_the_label_of_the_nearest(tmp_path: Path) -> None:
    place = workplace(tmp_path, {"one": ("train", "A B", 9), "x": ("dev", "A B", 6)})
    labels = labels_of(place, made(Teacher(), GLOSSES))
    # Three steps lie at 0, 2.5 and 5 of six, halves go to the later: labels 0, 0 (of step 3) and 0.
    watcher = Agreement(labels)
    place.show(Scripted((0, 1, 0), 2), "dev", watcher)
    assert watcher.accuracy.all == StepCount(2, 3)
    assert watcher.accuracy.non_blank == StepCount(0, 0)


def test_nothing_compared_is_no_accuracy(tmp_path: Path) -> None:
    assert Agreement(labels_of(workplace(tmp_path, CLIPS), made(Teacher(), GLOSSES))).accuracy == PseudoLabelAccuracy()


def test_labels_from_a_file_have_to_fit_the_corpus(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    labels_of(workplace(tmp_path, CLIPS), made(Teacher(), GLOSSES)).write(path)
    assert read_labels(path, workplace(tmp_path, CLIPS), "dev").clips.keys() == {"x", "y"}
    for clips, split, says in (
        ({**CLIPS, "one": ("train", "A B C", 9)}, "dev", "another vocabulary"),
        ({**CLIPS, "more": ("dev", "A", 9)}, "dev", "says nothing about 'more'"),
        ({**CLIPS, "x": ("dev", "A B", 7)}, "dev", "6 frames of 'x', which has 7 now"),
        ({**CLIPS, "x": ("dev", "B A", 6)}, "dev", "aligns 'x' with A B, and its transcript is B A"),
        ({**CLIPS, "t": ("test", "A", 6)}, "test", "labels 'dev' and not 'test'"),
    ):
        with pytest.raises(ValueError, match=says):
            read_labels(path, workplace(tmp_path, clips), split)
