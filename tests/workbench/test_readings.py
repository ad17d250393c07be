from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from slr.ctc.ngrams import arpa
from slr.scoring import read_transcripts
from tests.workbench.running import edited
from tests.workbench.scripted import Scripted, made, workplace
from workbench.readings import Reader, decoding_identity, write_hypotheses
from workbench.schema import Evaluate
from workbench.workplace import Workplace

CLIPS = {"one": ("train", "A B", 9), "x": ("dev", "A B", 6), "y": ("dev", "B", 6)}
GREEDY = Evaluate(decoder="greedy")


class Student(Scripted):
    """A scripted network with a weight, by which one differs from another."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__((0, 1, 0, 0, 2, 0), 1)
        self.weight = nn.Parameter(torch.tensor(weight))


def read(place: Workplace, network: Student, evaluate: Evaluate = GREEDY) -> tuple[dict[str, tuple[str, ...]], int]:
    """What stands in the file, and how many batches the network was asked about for it."""
    before, path = network.times_asked, place.store.parent / "hypotheses.ctm"
    card = made(network, ("A", "B")).card
    write_hypotheses(place, network, card, "dev", Reader.of(evaluate, place.vocabulary), path)
    found = {clip: transcript.glosses for clip, transcript in read_transcripts(path).items()}
    return found, network.times_asked - before


def test_a_network_reads_a_split_once(tmp_path: Path) -> None:
    network, wanted = Student(), {"x": ("A", "B"), "y": ("A", "B")}
    found, asked = read(workplace(tmp_path, CLIPS), network)
    assert found == wanted
    assert asked > 0
    first = (tmp_path / "hypotheses.ctm").read_bytes()
    assert read(workplace(tmp_path, CLIPS), network) == (wanted, 0)
    assert (tmp_path / "hypotheses.ctm").read_bytes() == first


@pytest.mark.parametrize("change", ["weights", "frames", "plan", "decoder", "width"])
def test_what_a_reading_depends_on_makes_another(tmp_path: Path, change: str) -> None:
    beam = Evaluate(beam_width=4)
    read(workplace(tmp_path, CLIPS), Student(), beam)
    network = Student(2.0 if change == "weights" else 1.0)
    clips = {**CLIPS, "y": ("dev", "B", 7 if change == "frames" else 6)}
    other = {"decoder": GREEDY, "width": Evaluate(beam_width=5)}.get(change, beam)
    _, asked = read(workplace(tmp_path, clips, stride=2 if change == "plan" else 1), network, other)
    assert asked > 0
    assert len(list((tmp_path / "readings").iterdir())) == 2


@pytest.mark.parametrize("harm", ["altered", "cut", "of another"])
def test_a_file_that_was_altered_is_not_believed(tmp_path: Path, harm: str) -> None:
    network = Student()
    sound, _ = read(workplace(tmp_path, CLIPS), network)
    (file,) = (tmp_path / "readings").iterdir()
    content = json.loads(file.read_text())
    whole = file.read_text()
    file.write_text(
        {
            "altered": json.dumps({**content, "ctm": content["ctm"].replace("A", "B")}),
            "cut": whole[: len(whole) // 2],
            "of another": json.dumps({**content, "key": "0" * 64}),
        }[harm]
    )
    found, asked = read(workplace(tmp_path, CLIPS), network)
    assert (found, asked > 0) == (sound, True)
    assert read(workplace(tmp_path, CLIPS), network)[1] == 0  # and it was mended


@pytest.mark.parametrize("module", ["slr.data.dataset", "students.stgt", "slr.ctc.greedy"])
def test_edited_code_reads_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    network = Student()
    read(workplace(tmp_path, CLIPS), network)
    edited(monkeypatch, module)
    assert read(workplace(tmp_path, CLIPS), network)[1] > 0


def test_what_decides_the_reading_is_known_without_the_decoder(tmp_path: Path) -> None:
    vocabulary, model = workplace(tmp_path, CLIPS).vocabulary, tmp_path / "glosses.arpa"
    evaluate = Evaluate(language_model=str(model))
    with pytest.raises(ValueError, match=r"language_model is .*glosses\.arpa, and there is no such file"):
        decoding_identity(evaluate, vocabulary)
    model.write_text("one")
    before = decoding_identity(evaluate, vocabulary)
    model.write_text("other")
    assert decoding_identity(evaluate, vocabulary) != before


def test_a_language_model_is_part_of_what_decides(tmp_path: Path) -> None:
    pytest.importorskip("kenlm")
    place = workplace(tmp_path, CLIPS)
    model = tmp_path / "glosses.arpa"
    evaluate = Evaluate(language_model=str(model))
    identities = []
    for sentences in ((("A", "B"),), (("B", "A"),)):
        model.write_text(arpa(sentences, 2))
        identities.append(Reader.of(evaluate, place.vocabulary).identity)
    assert identities[0] != identities[1]
