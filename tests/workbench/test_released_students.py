"""Released weights of skeleton networks, from every container they come in to a folder that answers as the original."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import students
from slr.released import read_released
from slr.types import Padded
from tests.reference.plain import PlainNetwork, plain
from tests.released import Table
from tests.slr.data.isolated.made_up import LAYOUT
from tests.students.test_released_graph_networks import channels_first
from tests.workbench.isolated.waving import HANDS, waving_config, waving_store
from tests.workbench.running import Done, here
from workbench.checkpoint import load_network
from workbench.isolated.scores import ClipScores
from workbench.yaml_text import dump_yaml

LAYOUTS = sorted({name for student in students.__all__ for name in getattr(getattr(students, student), "released", {})})
Wrap = Callable[[Mapping[str, Tensor]], Any]


def _of_data_parallel(tensors: Mapping[str, Tensor]) -> OrderedDict[str, Tensor]:
    return OrderedDict((f"module.{name}", tensor) for name, tensor in tensors.items())


def _of_pyskl(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    meta = {"epoch": 16, "iter": 12530, "mmcv_version": "1.5.0", "time": "Thu", "CLASSES": None, "config": "model = {}"}
    return {"meta": meta, "state_dict": OrderedDict(tensors)}


def containers(name: str) -> dict[str, Wrap]:
    """How files of this layout are built, with and without the ``module`` that DataParallel puts before a name."""
    if name.startswith("pyskl"):
        return {"state_dict": _of_pyskl, "module.state_dict": lambda tensors: _of_pyskl(_of_data_parallel(tensors))}
    found: dict[str, Wrap] = {"bare": OrderedDict, "module.bare": _of_data_parallel}
    if name == "dsta-slr":
        found["weights"] = lambda tensors: {"weights": OrderedDict(tensors)}
        found["module.weights"] = lambda tensors: {"weights": _of_data_parallel(tensors)}
    return found


def prepare(*words: str | Path) -> Done:
    return here("prepare", "weights", *words)


def names_in(path: Path, names: list[str]) -> Path:
    path.write_text("\n".join(names) + "\n", encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_released_layout_becomes_a_folder_that_answers_as_the_original(name: str, tmp_path: Path) -> None:
    table = Table.read(name)
    weights = table.weights()
    for container, wrap in containers(name).items():
        path = tmp_path / f"{container}.pth"
        torch.save(wrap(weights), path)
        read = read_released(path)
        assert read.keys() == weights.keys(), container
        assert all(torch.equal(read[key], tensor) for key, tensor in weights.items()), container
    count = table.number("classes")
    classes = names_in(tmp_path / "classes.txt", [f"sign {number}" for number in range(count)])
    done = prepare(path, "--layout", name, "--classes", classes, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert f"{len(weights)} tensors, {table.parameters:,} parameters, {count} classes" in done.err
    network, card = load_network(tmp_path / "out" / "network")
    assert card.released["layout"] == name
    given = channels_first(name, table.given()).permute(0, 2, 4, 3, 1)  # [B, T, P, J, C]
    with torch.no_grad():
        scores = network(Padded(given, torch.full((len(given),), given.shape[1]))).logits.values[:, 0]
    wanted = torch.from_numpy(table.expected()["logits"])
    assert (scores - wanted).abs().max() <= 1e-4 * wanted.abs().max()


@pytest.fixture
def light() -> PlainNetwork:
    """The smallest released system, for the three signs and five joints of a made-up corpus."""
    torch.manual_seed(0)
    network = plain("light-dke-gcn", len(HANDS), layout=LAYOUT)
    torch.nn.init.normal_(network.fc.weight, std=0.5)
    return network.eval()


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    path = tmp_path / "made_up.yaml"
    path.write_text(dump_yaml(LAYOUT.to_dict()))
    return path


SIGNS = [f"wave {hand}" for hand in HANDS]


def released(light: PlainNetwork, path: Path, skeleton: Path, *words: str | Path, names: list[str] = SIGNS) -> Done:
    """``prepare.py weights`` with the weights of a network, of which the signs are called ``names``."""
    torch.save(light.state_dict(), path / "light.pt")
    classes = names_in(path / "classes.txt", names)
    given = ["--layout", "light-dke-gcn", "--skeleton", skeleton, "--classes", classes, "--out", path / "out"]
    return prepare(path / "light.pt", *given, *words)


def test_with_its_clips_it_is_a_run_folder_that_is_evaluated(
    light: PlainNetwork, skeleton: Path, tmp_path: Path
) -> None:
    config = waving_config(tmp_path, waving_store(tmp_path))
    done = released(light, tmp_path, skeleton, "--data", config, names=SIGNS[::-1])
    assert done.code == 0, done.err
    evaluated = here("evaluate", tmp_path / "out", "--split", "test")
    assert evaluated.code == 0, evaluated.err
    scores = ClipScores.read(evaluated.folder)
    assert list(scores.classes) == SIGNS
    network, card = load_network(tmp_path / "out" / "network")
    assert card.corpus == "waving (made up)"
    clip = torch.randn(2, 9, 2, 5, 3)
    with torch.no_grad():
        ours, theirs = network(Padded(clip, torch.tensor([9, 9]))).logits.values[:, 0], light(clip)
    torch.testing.assert_close(ours, theirs[:, [2, 1, 0]], rtol=1e-4, atol=1e-5)
    assert np.isfinite(scores.scores).all()
    check = here("check", tmp_path / "out" / "config.yaml")
    assert check.code == 0, check.out + check.err


def test_data_that_do_not_fit_are_told(light: PlainNetwork, skeleton: Path, tmp_path: Path) -> None:
    config = waving_config(tmp_path, waving_store(tmp_path))
    other = released(light, tmp_path, skeleton, "--data", config, names=[*SIGNS[:2], "wave none"])
    assert "3 classes are named and waving (made up) has 3, 'wave both' among those it lacks" in other.sentence
    changed = LAYOUT.to_dict() | {"name": "fingers"}
    changed["joints"] = ["head", "left_shoulder", "right_shoulder", "left_thumb", "right_thumb"]
    changed["bones"] = [["head", "left_shoulder", "left_thumb"], ["head", "right_shoulder", "right_thumb"]]
    for key in ("mirror", "groups", "roots"):
        changed.pop(key, None)
    skeleton.write_text(dump_yaml(changed | {"groups": {"body": "rest"}}))
    fingers = released(light, tmp_path, skeleton, "--data", config)
    assert "reads the 5 joints of fingers and these data have the 5 of made-up" in fingers.sentence
    assert not (tmp_path / "out").exists()


def test_another_number_of_classes_is_refused_unless_it_is_asked_for_and_said(
    light: PlainNetwork, skeleton: Path, tmp_path: Path
) -> None:
    five = [*SIGNS, "wave", "stop"]
    refused = released(light, tmp_path, skeleton, names=five)
    assert "names 5 classes and the file has 3" in refused.sentence
    assert not (tmp_path / "out").exists()
    done = released(light, tmp_path, skeleton, "--new-classes", names=five)
    assert done.code == 0, done.err
    assert "the classifier is new and untrained: 'fc.bias', 'fc.weight' of the file are not used" in done.err
    network, card = load_network(tmp_path / "out" / "network")
    assert list(card.classes) == five
    same = load_same(light, skeleton, tmp_path)
    for name, tensor in network.state_dict().items():
        assert name.startswith("head.classify") or torch.equal(tensor, same[name])
    data = waving_config(tmp_path, waving_store(tmp_path))
    both = released(light, tmp_path, skeleton, "--new-classes", "--data", data)
    assert "a new classifier is untrained, so there is nothing to evaluate" in both.sentence


def load_same(light: PlainNetwork, skeleton: Path, folder: Path) -> dict[str, Tensor]:
    assert released(light, folder, skeleton).code == 0
    return load_network(folder / "out" / "network")[0].state_dict()


class _Code:
    """A pickle of it makes a folder where it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


Spoil = Callable[[dict[str, Any], Path], Any]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t, p: {k: v for k, v in t.items() if k != "l3.gcn1.PA"}, "lacks 'l3.gcn1.PA'; nothing was loaded"),
        (lambda t, p: t | {"l8.gcn1.PA": t["l7.gcn1.PA"]}, "holds 'l8.gcn1.PA', which has no place in it"),
        (lambda t, p: t | {"l3.gcn1.PA": torch.ones(3, 5, 6)}, "'l3.gcn1.PA' [3, 5, 6]"),
        (lambda t, p: t | {"l3.gcn1.PA": torch.full((3, 5, 5), torch.nan)}, "values that are not finite"),
        (lambda t, p: {"state_dict": t, "meta": _Code(p / "ran")}, "wants to run"),
    ],
    ids=["missing", "extra", "shape", "not finite", "code"],
)
def test_bad_weights_are_refused_in_a_sentence(
    spoil: Spoil, says: str, light: PlainNetwork, skeleton: Path, tmp_path: Path
) -> None:
    path = tmp_path / "it.pt"
    torch.save(spoil(light.state_dict(), tmp_path), path)
    check_refused(path, says, skeleton, tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_cut_short_is_refused_in_a_sentence(
    share: float, light: PlainNetwork, skeleton: Path, tmp_path: Path
) -> None:
    path = tmp_path / "it.pt"
    torch.save(light.state_dict(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    check_refused(path, "is damaged or cut short", skeleton, tmp_path)


def check_refused(path: Path, says: str, skeleton: Path, folder: Path) -> None:
    classes = names_in(folder / "classes.txt", SIGNS)
    words = ["--layout", "light-dke-gcn", "--skeleton", skeleton, "--classes", classes, "--out", folder / "out"]
    done = prepare(path, *words)
    assert says in done.sentence
    assert len(done.err.splitlines()) == 1
    assert not (folder / "out").exists()
