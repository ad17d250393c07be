"""Released weights from their file to a run folder that teaches and is evaluated."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from slr.data import Phoenix2014
from slr.types import Padded
from teachers import I3D, VACResNet
from tests.workbench.running import Done, here, read_json, tiny_words
from workbench.checkpoint import load_network
from workbench.config import load_config
from workbench.released import released_layouts
from workbench.schema import ReleasedConfig
from workbench.settings import load_either

NARROW = {"channels": [4, 4, 6, 8], "blocks": [1, 1, 1, 1], "width": 8, "hidden": 4}
SHOWN = {"plan": {"stride": 2}, "rgb": {"resize": [36, 42], "crop": [34, 40]}}
SHOWING = ("data.streams.rgb.resize=[36, 42]", "data.streams.rgb.crop=[34, 40]")


@pytest.fixture
def glosses(simulated_root: Path) -> list[str]:
    return list(Phoenix2014(simulated_root / "tiny-seed0").vocabulary().glosses)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published systems, narrow and on small frames."""
    layouts = {
        name: replace(layout, arguments={**layout.arguments, **NARROW}, preprocessing=SHOWN)
        for name, layout in VACResNet.released.items()
    }
    monkeypatch.setattr(VACResNet, "released", layouts)
    i3d = I3D.released["i3d"]
    arguments = {**i3d.arguments, "width_multiplier": 1 / 32}
    monkeypatch.setattr(I3D, "released", {"i3d": replace(i3d, arguments=arguments)})


def published(layout: str, classes: int, seed: int = 0) -> tuple[Any, dict[str, Tensor]]:
    """A network, and its tensors under the names of the release."""
    kind, table = (I3D, I3D.released) if layout == "i3d" else (VACResNet, VACResNet.released)
    torch.manual_seed(seed)
    network: Any = kind(num_classes=classes, **table[layout].arguments)
    tensors = {}
    for ours, tensor in network.state_dict().items():
        origin = table[layout].source_of(ours)
        assert origin is not None
        turned = layout == "vac-smkd" and ours.endswith("head.weight")
        tensors[origin.names[0]] = tensor.T if turned else tensor
    return network.eval(), tensors


def file_of_vac(path: Path, glosses: list[str], layout: str = "vac") -> tuple[Path, Any]:
    """What VAC's training saves, and the network in it; class ``i + 1`` is ``glosses[i]``."""
    network, tensors = published(layout, len(glosses) + 1)
    rng = {"numpy": np.random.get_state(), "torch": torch.get_rng_state()}
    torch.save({"epoch": 3, "model_state_dict": tensors, "rng_state": rng}, path)
    return path, network


def prepare(*words: str | Path) -> Done:
    return here("prepare", "weights", *words)


def corpus_words(root: Path) -> list[str]:
    return ["synthetic", f"data.root={root}", "data.corpus.profile=tiny", *SHOWING]


@pytest.mark.parametrize("layout", ["vac", "vac-smkd"])
def test_a_released_checkpoint_becomes_a_teacher_that_writes_sorted_glosses(
    layout: str, glosses: list[str], tmp_path: Path
) -> None:
    shuffled = glosses[::-1]
    path, theirs = file_of_vac(tmp_path / "vac.pt", shuffled, layout)
    (tmp_path / "glosses.txt").write_text("\n".join(shuffled), encoding="utf-8")
    done = prepare(path, "--layout", layout, "--glosses", tmp_path / "glosses.txt", "--out", tmp_path / "vac")
    assert done.code == 0, done.err
    assert done.folder == tmp_path / "vac"
    assert f"{len(theirs.state_dict())} tensors" in done.err
    assert f"{len(glosses) + 1} classes" in done.err
    ours, card = load_network(tmp_path / "vac" / "network")
    assert list(card.glosses) == glosses
    assert card.released["layout"] == layout
    assert (card.released["file"], len(card.released["sha256"]), card.corpus) == ("vac.pt", 64, "unknown")
    stream = Padded(torch.randn(2, 9, 3, 40, 34), torch.tensor([9, 5]))
    order = [0, *(1 + shuffled.index(gloss) for gloss in glosses)]
    with torch.no_grad():
        for name in ("logits", "conv_logits"):
            torch.testing.assert_close(ours(stream).read(name).values, theirs(stream).read(name).values[..., order])


def gloss_file(kind: str, folder: Path, glosses: list[str]) -> Path:
    path = folder / f"glosses.{kind}"
    if kind == "npy":
        np.save(path, {gloss: [column, 7] for column, gloss in enumerate(glosses, 1)}, allow_pickle=True)  # type: ignore[arg-type]
    else:
        path.write_text(json.dumps(glosses), encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["npy", "json"])
def test_with_its_data_it_is_a_run_folder_that_is_evaluated_and_teaches(
    kind: str, glosses: list[str], simulated_root: Path, tmp_path: Path
) -> None:
    path, network = file_of_vac(tmp_path / "vac.pt", glosses)
    listed = gloss_file(kind, tmp_path, glosses)
    words = ["--layout", "vac", "--glosses", listed, "--out", tmp_path / "vac"]
    done = prepare(path, *words, "--data", *corpus_words(simulated_root))
    assert done.code == 0, done.err
    config = load_either(tmp_path / "vac" / "config.yaml")
    assert isinstance(config, ReleasedConfig)
    assert (config.run.name, config.stages, config.released.file) == ("vac", (), "vac.pt")
    _, card = load_network(tmp_path / "vac" / "network")
    assert card.corpus.startswith("simulated")
    assert card.preprocessing["fps"] == 25
    evaluated = here("evaluate", tmp_path / "vac", "--decoder", "greedy")
    assert evaluated.code == 0, evaluated.err
    assert "VACResNet on dev of simulated corpus (tiny" in evaluated.out
    if kind == "npy":
        return
    check = here("check", tmp_path / "vac" / "config.yaml")
    assert check.code == 0, check.out + check.err
    taught = here(
        "distill", "configs/stsg_to_stgt.yaml", *tiny_words(simulated_root, *SHOWING, student=1),
        f"teacher.checkpoint={tmp_path / 'vac'}", "--out", tmp_path / "runs",
    )  # fmt: skip
    assert taught.code == 0, taught.err
    assert read_json(taught.folder / "result.json")["teacher"]["params"] == sum(p.numel() for p in network.parameters())
    assert "teacher  loaded from" in taught.err


def test_a_teacher_of_unknown_data_must_be_shown_what_its_layout_says(
    glosses: list[str], simulated_root: Path, tmp_path: Path
) -> None:
    path, _ = file_of_vac(tmp_path / "vac.pt", glosses)
    listed = gloss_file("json", tmp_path, glosses)
    assert prepare(path, "--layout", "vac", "--glosses", listed, "--out", tmp_path / "vac").code == 0
    words = [*tiny_words(simulated_root, student=1), f"teacher.checkpoint={tmp_path / 'vac'}"]
    taught = here("distill", "configs/stsg_to_stgt.yaml", *words, "--out", tmp_path / "runs")
    assert (
        "trained on clips with rgb.resize [36, 42], and this configuration prepares them with [84, 104]"
        in taught.sentence
    )
    evaluated = here("evaluate", tmp_path / "vac")
    assert evaluated.sentence == f"{tmp_path / 'vac'} is no run folder: it has no config.yaml"


def test_a_classifier_of_isolated_signs_keeps_its_classes(tmp_path: Path) -> None:
    theirs, tensors = published("i3d", 3)
    torch.save(tensors, tmp_path / "nslt_3.pt")
    names = ("drink", "put on a hat", "who")
    (tmp_path / "classes.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    words = ["--layout", "i3d", "--classes", tmp_path / "classes.txt", "--out", tmp_path / "i3d"]
    done = prepare(tmp_path / "nslt_3.pt", *words)
    assert done.code == 0, done.err
    ours, card = load_network(tmp_path / "i3d" / "network")
    assert (card.classes, card.glosses) == (names, ())
    stream = Padded(torch.randn(1, 9, 3, 33, 20), torch.tensor([9]))
    assert torch.equal(ours(stream).logits.values, theirs(stream).logits.values)


Spoil = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: {k: v for k, v in t.items() if k != "conv2d.bn1.bias"}, "it lacks 'conv2d.bn1.bias'; nothing was"),
        (lambda t: t | {"conv2d.corr1.weights": torch.ones(1)}, "it holds 'conv2d.corr1.weights', which has no place"),
        (lambda t: t | {"conv2d.conv1.weight": torch.ones(4, 3, 3, 3)}, r"'conv2d.conv1.weight' [4, 3, 3, 3]"),
        (lambda t: {"state_dict": t, "ema": t}, "holds several state dicts, state_dict and ema"),
        (lambda t: {"nothing": 1}, "holds no state dict"),
        (lambda t: {k: v for k, v in t.items() if not k.startswith("classifier")}, "lacks 'classifier.weight'"),
        (lambda t: {"state_dict": t, "meta": pickle.Unpickler}, "wants to run 'pickle.Unpickler'"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_the_system_is_refused_whole(
    spoil: Spoil, says: str, glosses: list[str], tmp_path: Path
) -> None:
    _, tensors = published("vac", len(glosses) + 1)
    torch.save(spoil(tensors), tmp_path / "it.pt")
    listed = gloss_file("json", tmp_path, glosses)
    done = prepare(tmp_path / "it.pt", "--layout", "vac", "--glosses", listed, "--out", tmp_path / "out")
    assert says in done.sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--layout", "vca"], "there is no layout 'vca'; did you mean vac?"),
        (["--layout", "vac"], "and the blank: name them in a file with --glosses"),
        (["--layout", "vac", "--classes", "glosses.json"], "name them in a file with --glosses"),
        (["--layout", "i3d", "--glosses", "glosses.json"], "it is not I3D"),
        (["--layout", "vac", "--glosses", "few.json"], "lists 2 glosses and the logits have 9 columns"),
        (["--layout", "vac", "--glosses", "glosses.json", "--skeleton", "ntu-25"], "reads frames and has no skeleton"),
        (["--layout", "vac", "--glosses", "glosses.json", "--key", "net"], "no state dict under 'net'"),
        (["--layout", "vac", "--glosses", "other.json", "--data", "tiny"], "other.json names 8 glosses and simulated"),
        (["--layout", "vac", "--glosses", "glosses.json", "--data", "tiny", "data.plan.stride=1"],
         "with plan.stride 2, and these data prepare them with 1: say data.plan.stride=2"),
        (["--layout", "vac", "--glosses", "glosses.json", "--data", "tiny", "data.streams.rgb.crop=[30, 40]"],
         "rgb.crop [34, 40], and these data prepare them with [30, 40]: say data.streams.rgb.crop=[34, 40]"),
        (["--layout", "vac", "--glosses", "none.json"], "none.json: No such file"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(
    words: list[str], says: str, glosses: list[str], simulated_root: Path, tmp_path: Path
) -> None:
    path, _ = file_of_vac(tmp_path / "vac.pt", glosses)
    for name, content in {"glosses": glosses, "few": glosses[:2], "other": [*glosses[:-1], "NEVER"]}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    given = [str(tmp_path / word) if word.endswith(".json") else word for word in words]
    if "tiny" in given:
        at = given.index("tiny")
        given[at : at + 1] = corpus_words(simulated_root)
    done = prepare(path, "--out", tmp_path / "out", *given)
    assert says in done.sentence
    assert not (tmp_path / "out").exists()


def test_only_released_weights_are_written_over(glosses: list[str], tmp_path: Path) -> None:
    path, _ = file_of_vac(tmp_path / "vac.pt", glosses)
    words = [path, "--layout", "vac", "--glosses", gloss_file("json", tmp_path, glosses), "--out", tmp_path / "out"]
    assert prepare(*words).code == 0
    assert prepare(*words).code == 0
    (tmp_path / "out" / "network.json").unlink()
    (tmp_path / "out" / "config.yaml").write_text("run: {name: mine}\n")
    assert "holds a run of another kind" in prepare(*words).sentence


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("a\nb\n", "names 2 classes and the file has 3"),
        ("a\n\nb\n", "has an empty line 2"),
        ("a\nb\na\n", "names the class 'a' twice"),
    ],
)
def test_lists_of_classes_are_checked(lines: str, says: str, tmp_path: Path) -> None:
    torch.save(published("i3d", 3)[1], tmp_path / "it.pt")
    (tmp_path / "classes.txt").write_text(lines)
    words = ["--layout", "i3d", "--classes", tmp_path / "classes.txt", "--out", tmp_path / "out"]
    assert says in prepare(tmp_path / "it.pt", *words).sentence


def test_layouts_are_listed_and_each_belongs_to_one_network() -> None:
    assert {"vac", "vac-smkd", "i3d"} <= released_layouts().keys()
    listed = prepare("--layouts")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == sorted(released_layouts())


def test_every_layout_says_how_its_network_is_built_and_where_its_classes_are() -> None:
    for name, (path, layout) in released_layouts().items():
        assert layout.class_tensors, name
        assert all(layout.source_of(tensor) for tensor in layout.class_tensors), name
        assert path.startswith(("teachers.", "students."))
        assert (layout.skeleton is not None) == path.startswith("students."), name


def test_the_data_of_vac_are_those_that_its_layout_wants() -> None:
    from slr.data import RgbPipeline
    from teachers.vac_released import VAC
    from workbench.schema import Data

    data = load_config(Path(__file__).resolve().parents[2] / "configs" / "data" / "phoenix2014_vac.yaml", schema=Data)
    assert data.vocabulary == "union"
    assert VAC.preprocessing["plan"] == {"stride": data.plan["stride"]}
    described = RgbPipeline(**data.streams.rgb).describe()
    assert VAC.preprocessing["rgb"] == {key: described[key] for key in ("resize", "crop")}
    assert VAC.preprocessing["rgb_stride"] == data.streams.rgb_stride
