"""A network that begins from a file of published weights, from its configuration to its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from teachers import I3D
from tests.workbench.running import Done, here, read_json, stored, tiny_words
from workbench.checkpoint import load_network
from workbench.config import load_config, to_plain
from workbench.published_weights import weights_digest, weights_file, without_weights
from workbench.schema import DistillConfig
from workbench.yaml_text import dump_yaml

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "i3d_to_stgt.yaml"
NARROW: dict[str, Any] = {"width_multiplier": 0.03125, "width": 8, "hidden": 4}


def published(path: Path, seed: int = 0) -> Path:
    """Weights of a narrow I3D with a classifier, as the port names them."""
    torch.manual_seed(seed)
    state = I3D(num_classes=3, task="class", width_multiplier=NARROW["width_multiplier"]).state_dict()
    layout = I3D.released["i3d"]
    places = {name: layout.source_of(name) for name in state if "num_batches" not in name}
    torch.save({place.names[0]: state[name] for name, place in places.items() if place}, path)
    return path


def trained(root: Path, folder: Path, weights: Path) -> Done:
    """A training of one epoch of a narrow I3D that begins from a file."""
    words = tiny_words(root, "data.streams.rgb.crop=[34, 40]", "data.streams.rgb.resize=[36, 42]", teacher=1)
    config = to_plain(load_config(CONFIG, words, schema=DistillConfig))
    alone = {key: config[key] for key in ("run", "data", "evaluate")} | {"stages": config["teacher"]["stages"][1:]}
    network = {"_target_": "teachers.I3D", **NARROW, "strides": [1, 2, 1], "weights": str(weights)}
    path = folder / "i3d_alone.yaml"
    path.write_text(dump_yaml({**alone, "network": network}))
    return here("train", path, "--out", folder / "runs", "run.name=i3d")


@pytest.mark.slow
def test_a_training_that_begins_from_a_file_says_what_it_left_out_and_needs_it_no_more(
    simulated_root: Path, tmp_path: Path
) -> None:
    done = trained(simulated_root, tmp_path, published(tmp_path / "rgb.pt"))
    assert done.code == 0, done.err
    assert "left out, since it has no place here: 'logits.conv3d.bias', 'logits.conv3d.weight'" in done.err
    again = trained(simulated_root, tmp_path, tmp_path / "rgb.pt")
    assert "nothing is left to do" in again.err
    # Another file of the same name makes another network.
    published(tmp_path / "rgb.pt", seed=1)
    other = trained(simulated_root, tmp_path, tmp_path / "rgb.pt")
    assert other.code == 0, other.err
    assert len(stored(tmp_path / "runs", "network")) == 2
    (tmp_path / "rgb.pt").unlink()
    network, card = load_network(other.folder / "network")
    assert card.network["weights"] == str(tmp_path / "rgb.pt")
    assert read_json(other.folder / "result.json")["network"]["params"] == sum(p.numel() for p in network.parameters())


def test_a_file_that_does_not_fit_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    tensors = torch.load(published(tmp_path / "rgb.pt"), weights_only=True)
    del tensors["Mixed_3b.b0.bn.bias"]
    torch.save(tensors, tmp_path / "rgb.pt")
    done = trained(tmp_path / "no corpus yet", tmp_path, tmp_path / "rgb.pt")
    assert "it lacks 'Mixed_3b.b0.bn.bias'; nothing was loaded" in done.sentence
    done = trained(tmp_path / "no corpus yet", tmp_path, tmp_path / "none.pt")
    assert f"{tmp_path / 'none.pt'} does not exist" in done.sentence
    assert not (tmp_path / "no corpus yet").exists()
    assert not (tmp_path / "runs").exists()


def test_names_of_torchvision_are_no_files(tmp_path: Path) -> None:
    path = tmp_path / "rgb.pt"
    path.write_bytes(b"weights")
    i3d = {"_target_": "teachers.I3D", "weights": str(path)}
    vac = {"_target_": "teachers.VACResNet", "weights": "DEFAULT"}
    assert weights_file(i3d) == path
    assert weights_file(vac) is None
    assert weights_file({"_target_": "students.STGT"}) is None
    assert [*weights_digest([i3d, vac])["weights"]] == [str(path)]
    assert weights_digest([vac]) == {}
    assert without_weights(vac) == {"_target_": "teachers.VACResNet", "weights": None}
    assert without_weights({"_target_": "students.STGT"}) == {"_target_": "students.STGT"}
    with pytest.raises(FileNotFoundError):
        weights_digest([{**i3d, "weights": str(tmp_path / "none.pt")}])
