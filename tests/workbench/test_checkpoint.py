from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from slr.types import Padded
from slr.vocabulary import Vocabulary
from tests.workbench.tiny import TinyNetwork
from workbench import targets
from workbench.checkpoint import FORMAT, NetworkCard, checkpoint_files, load_network, read_card, save_network
from workbench.config import content_hash

NODE = {"_target_": "tests.workbench.tiny.TinyNetwork", "width": 6, "dropout": 0.5}
VOCABULARY = Vocabulary(("HEUTE", "REGEN", "SÜD"))


@pytest.fixture(autouse=True)
def _tests_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "ALLOWED_ROOTS", (*targets.ALLOWED_ROOTS, "tests.workbench"))


@pytest.fixture
def network() -> TinyNetwork:
    return TinyNetwork(num_classes=4, width=6, dropout=0.5, layout="sign-27")


@pytest.fixture
def saved(tmp_path: Path, network: TinyNetwork) -> Path:
    save(tmp_path / "student", network)
    return tmp_path / "student"


def save(path: Path, network: TinyNetwork, **changes: Any) -> NetworkCard:
    settings: dict[str, Any] = {
        "node": NODE,
        "vocabulary": VOCABULARY,
        "corpus": "simulated",
        "arguments": {"layout": "sign-27"},
        "layout": "sign-27",
        "preprocessing": {"pose": {"normalise": "signer", "size": (1, 2)}},
        "best_epoch": 3,
        "dev": {"WER": 0.25},
    }
    return save_network(path, network, **{**settings, **changes})


def edit_card(path: Path, *, rehash: bool = False, **changes: Any) -> None:
    file = checkpoint_files(path)[1]
    content = {**json.loads(file.read_text()), **changes}
    if rehash:
        del content["card_sha256"]
        content["card_sha256"] = content_hash(content)
    file.write_text(json.dumps(content))


def message(path: Path) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        load_network(path)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_network_of_classes_has_no_blank(tmp_path: Path) -> None:
    network = TinyNetwork(num_classes=2, width=6, layout="sign-27")
    names = ("put on a hat/cap", "clapping")
    save(tmp_path / "it", network, vocabulary=None, classes=names, released={"layout": "st-gcn"})
    again, read = load_network(tmp_path / "it")
    assert (read.classes, read.glosses, read.num_classes, read.released) == (names, (), 2, {"layout": "st-gcn"})
    assert again.head.out_features == 2


def test_a_card_of_glosses_is_written_as_before(saved: Path) -> None:
    assert not {"classes", "released"} & json.loads(checkpoint_files(saved)[1].read_text()).keys()
    card = read_card(saved)
    assert (card.classes, card.num_classes) == ((), 4)


def test_a_network_rebuilds_itself_with_no_configuration(saved: Path, network: TinyNetwork) -> None:
    again, card = load_network(saved)
    stream = Padded(torch.randn(2, 5, 2, 3), torch.tensor([5, 3]))
    network.eval()
    assert isinstance(again, TinyNetwork)
    assert not again.training
    assert torch.equal(again(stream).logits.values, network(stream).logits.values)
    assert again.layout == "sign-27"
    assert card.vocabulary == VOCABULARY
    assert (card.layout, card.corpus, card.best_epoch, card.dev) == ("sign-27", "simulated", 3, {"WER": 0.25})
    assert card.preprocessing == {"pose": {"normalise": "signer", "size": [1, 2]}}


def test_any_of_its_names_finds_a_checkpoint(saved: Path) -> None:
    for name in ("student", "student.safetensors", "student.json"):
        assert load_network(saved.with_name(name))[1].corpus == "simulated"


def test_a_name_with_a_dot_is_kept(tmp_path: Path, network: TinyNetwork) -> None:
    save(tmp_path / "student.v2", network)
    assert {file.name for file in tmp_path.iterdir()} == {"student.v2.safetensors", "student.v2.json"}
    assert load_network(tmp_path / "student.v2")[1].best_epoch == 3


def test_the_weights_are_an_ordinary_safetensors_file(saved: Path, network: TinyNetwork) -> None:
    tensors = load_file(checkpoint_files(saved)[0])
    assert tensors.keys() == network.state_dict().keys()
    assert torch.equal(tensors["head.weight"], network.head.weight)


def test_tied_weights_are_saved_and_tied_again(tmp_path: Path, network: TinyNetwork) -> None:
    network.inner.bias = network.norm.bias
    save(tmp_path / "tied", network)
    again, _ = load_network(tmp_path / "tied")
    assert torch.equal(again.state_dict()["inner.bias"], network.norm.bias)


def test_loading_leaves_the_random_generators_alone(saved: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_network(saved)
    assert torch.equal(torch.rand(3), expected)


def test_the_card_is_readable_json_with_umlauts(saved: Path) -> None:
    text = checkpoint_files(saved)[1].read_text(encoding="utf-8")
    assert "SÜD" in text
    assert json.loads(text)["network"] == NODE


def test_a_missing_half_is_named(saved: Path) -> None:
    weights, card = checkpoint_files(saved)
    weights.rename(weights.with_name("elsewhere"))
    assert f"{weights} does not exist" in message(saved)
    card.unlink()
    assert f"{card} does not exist: a checkpoint is a .safetensors file with a .json beside it" in message(saved)


def test_weights_cut_short_or_changed_are_refused(saved: Path) -> None:
    weights, _ = checkpoint_files(saved)
    content = weights.read_bytes()
    weights.write_bytes(content[:-3])
    assert f"{weights} is damaged or cut short" in message(saved)
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "is not the file that student.json describes" in message(saved)


def test_a_pickle_in_place_of_weights_is_refused(saved: Path) -> None:
    torch.save({"head.weight": torch.zeros(1)}, checkpoint_files(saved)[0])
    assert "is a pickle" in message(saved)


def test_a_card_changed_by_hand_is_refused(saved: Path) -> None:
    edit_card(saved, dev={"WER": 0.01})
    assert "student.json was changed after it was written" in message(saved)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "is damaged"),
        ("[1]", "not the card of a network"),
        ('{"a": 1}', "not the card of a network"),
        ("\xff", "damaged"),
    ],
)
def test_a_card_that_is_none_is_refused(saved: Path, content: str, expected: str) -> None:
    checkpoint_files(saved)[1].write_bytes(content.encode("latin-1"))
    assert expected in message(saved)


def test_another_format_names_the_version_that_reads_it(saved: Path) -> None:
    edit_card(saved, rehash=True, format=FORMAT + 1, project_version="9.9")
    assert f"has format {FORMAT + 1} and this version reads {FORMAT}: use version 9.9" in message(saved)


def test_a_network_this_version_cannot_build_is_named_with_the_reason(saved: Path) -> None:
    edit_card(saved, rehash=True, network={"_target_": "tests.workbench.tiny.TinyNetwrk"}, project_version="0.0.1")
    assert "was written by version 0.0.1" in message(saved)
    assert "did you mean TinyNetwork" in message(saved)
    edit_card(saved, rehash=True, network={**NODE, "wdith": 3})
    assert "did you mean width" in message(saved)


def test_a_card_cannot_call_what_a_configuration_cannot(saved: Path) -> None:
    edit_card(saved, rehash=True, network={"_target_": "os.system", "command": "ls"})
    assert "os.system is not allowed" in message(saved)


def test_weights_of_another_shape_are_named(saved: Path) -> None:
    edit_card(saved, rehash=True, network={**NODE, "width": 7})
    assert (
        "student.safetensors has 'inner.weight' in shape [6, 6], this TinyNetwork in shape [7, 6]: it was built with "
        "other arguments or another vocabulary"
    ) in message(saved)


def test_weights_of_another_network_are_named(tmp_path: Path, network: TinyNetwork, saved: Path) -> None:
    weights, _ = checkpoint_files(saved)
    tensors = load_file(weights)
    save_file({**tensors, "extra": torch.zeros(1)}, weights)
    rehash_weights(saved)
    assert "holds 'extra', unlike this TinyNetwork (0 weights missing, 1 not known)" in message(saved)
    del tensors["head.bias"]
    save_file(tensors, weights)
    rehash_weights(saved)
    assert "lacks 'head.bias'" in message(saved)


def rehash_weights(path: Path) -> None:
    import hashlib

    edit_card(path, rehash=True, weights_sha256=hashlib.sha256(checkpoint_files(path)[0].read_bytes()).hexdigest())


def test_a_vocabulary_of_another_size_does_not_load(saved: Path) -> None:
    edit_card(saved, rehash=True, glosses=["A", "B"])
    assert "has 'head.weight' in shape [4, 6], this TinyNetwork in shape [3, 6]" in message(saved)


def test_the_card_can_be_read_alone(saved: Path) -> None:
    checkpoint_files(saved)[0].unlink()
    assert read_card(saved).corpus == "simulated"
