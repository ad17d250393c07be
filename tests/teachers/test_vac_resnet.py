from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor

from slr.released import class_count, fill, read_released
from slr.types import Padded
from teachers import VACResNet
from teachers.resnet import FrameResNet
from tests.released import Table

TIED = {"vac": {}, "vac-smkd": {"conv1d.fc.weight": "classifier.weight"}}
PARAMETERS = {"vac": 34_303_072, "vac-smkd": 32_973_376}


def network_of(name: str, classes: int = 1296, **more: Any) -> VACResNet:
    return VACResNet(num_classes=classes, **VACResNet.released[name].arguments, **more)


@pytest.mark.shared
@pytest.mark.parametrize("name", VACResNet.released)
def test_it_answers_as_the_original_with_the_weights_of_the_rule(name: str) -> None:
    table, layout = Table.read(name), VACResNet.released[name]
    weights = table.weights(TIED[name])
    classes = class_count(layout, weights, name)
    network = network_of(name, classes, border="none")  # what it was given carries its border
    assert sum(parameter.numel() for parameter in network.parameters()) == table.parameters == PARAMETERS[name]
    assert fill(network, layout, weights, name) == ()
    frames = table.given()
    with torch.no_grad():
        output = network.eval()(Padded(frames, torch.tensor([frames.shape[1]])))
    for ours, key in ((output.logits, "sequence_logits"), (output.taps["conv_logits"], "conv_logits")):
        wanted = torch.from_numpy(table.expected()[key]).transpose(0, 1)
        assert ours.values.shape == wanted.shape
        assert (ours.values - wanted).abs().max() <= 1e-4 * wanted.abs().max()


@pytest.mark.shared
@pytest.mark.parametrize("name", VACResNet.released)
def test_one_missing_or_extra_tensor_is_refused_by_name(name: str) -> None:
    shapes, layout = Table.read(name).shapes, VACResNet.released[name]
    weights = {tensor: torch.empty(shape, device="meta") for tensor, shape in shapes.items()}  # names decide first
    network = network_of(name)
    for missing in [*shapes][:: len(shapes) // 40]:
        with pytest.raises(ValueError, match=f"it lacks '{missing}'; nothing was loaded"):
            fill(network, layout, {k: v for k, v in weights.items() if k != missing}, "released.pt")
    for extra in ("conv2d.layer5.0.conv1.weight", "conv2d.corr1.weight", "fc.extra", "conv2d.bn9.num_batches_tracked"):
        with pytest.raises(ValueError, match=f"it holds '{extra}', which has no place"):
            fill(network, layout, weights | {extra: torch.zeros(1)}, "released.pt")


@pytest.mark.shared
def test_the_two_layouts_are_not_taken_for_each_other() -> None:
    weights = Table.read("vac-smkd").weights(TIED["vac-smkd"])
    with pytest.raises(ValueError, match=r"lacks 'classifier\.bias', 'conv1d\.fc\.bias'"):
        fill(network_of("vac"), VACResNet.released["vac"], weights, "smkd.pt")


def small(name: str, classes: int = 5) -> tuple[VACResNet, dict[str, Tensor]]:
    """A narrow network, and its tensors under the names of the release."""
    torch.manual_seed(3)
    network = network_of(name, classes, channels=(2, 3, 4, 6), blocks=(1, 1, 1, 1), width=8, hidden=4)
    released: dict[str, Tensor] = {}
    for ours, tensor in network.state_dict().items():
        origin = VACResNet.released[name].source_of(ours)
        assert origin is not None
        flipped = name == "vac-smkd" and ours.endswith("head.weight")
        released[origin.names[0]] = (tensor.T if flipped else tensor).clone()
    return network, released


@pytest.mark.parametrize("name", VACResNet.released)
def test_a_checkpoint_as_the_published_training_saves_it_becomes_the_same_network(name: str, tmp_path: Path) -> None:
    network, released = small(name)
    torch.save({"epoch": 1, "model_state_dict": {f"module.{k}": v for k, v in released.items()}}, tmp_path / "it.pt")
    torch.manual_seed(4)
    other = network_of(name, 5, channels=(2, 3, 4, 6), blocks=(1, 1, 1, 1), width=8, hidden=4)
    fill(other, VACResNet.released[name], read_released(tmp_path / "it.pt"), "it.pt")
    assert all(torch.equal(tensor, other.state_dict()[key]) for key, tensor in network.state_dict().items())


def test_classifiers_that_smkd_shares_have_to_agree() -> None:
    network, released = small("vac-smkd")
    with pytest.raises(ValueError, match=r"different values in 'classifier\.weight' and 'conv1d\.fc\.weight'"):
        fill(network, VACResNet.released["vac-smkd"], released | {"classifier.weight": torch.ones(8, 5)}, "it.pt")


@pytest.mark.parametrize("name", ["resnet18", "resnet34"])
def test_the_encoder_is_that_of_torchvision(name: str) -> None:
    blocks = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}[name]
    theirs = torchvision.models.get_model(name).eval()
    ours = FrameResNet(blocks=blocks).eval()
    theirs.fc = torch.nn.Identity()
    ours.load_state_dict(theirs.state_dict())
    frames = torch.randn(2, 3, 50, 41)
    with torch.no_grad():
        torch.testing.assert_close(ours(frames), theirs(frames), rtol=1e-4, atol=1e-5)


def test_weights_of_torchvision_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = torchvision.models.resnet18()
    asked = []
    monkeypatch.setattr(torchvision.models, "get_model", lambda name, weights: asked.append((name, weights)) or theirs)
    ours = FrameResNet(weights="DEFAULT")
    assert asked == [("resnet18", "DEFAULT")]
    assert torch.equal(ours.layer3[1].conv2.weight, theirs.layer3[1].conv2.weight)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"channels": (8, 16)}, "a ResNet has four stages"),
        ({"channels": (8, 8, 8, 8), "weights": "DEFAULT"}, r"no published weights for a ResNet of widths \[8, 8"),
        ({"weights": "BEST"}, "torchvision has no image network 'resnet18' with weights 'BEST'"),
        ({"shared_head": True, "hidden": 8}, "the heads cannot be shared"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        VACResNet(num_classes=5, **arguments)


def test_a_clip_that_is_padded_before_answers_as_one_that_is_padded_within() -> None:
    torch.manual_seed(5)
    within = VACResNet(num_classes=5, channels=(2, 3, 4, 6), blocks=(1, 1, 1, 1), width=8, hidden=4).eval()
    before = VACResNet(num_classes=5, channels=(2, 3, 4, 6), blocks=(1, 1, 1, 1), width=8, hidden=4, border="none")
    before.load_state_dict(within.state_dict())
    clip = torch.randn(9, 3, 34, 36)
    left, right = clip[:1].expand(6, -1, -1, -1), clip[-1:].expand(4 * 3 + 12 - 6 - 9, -1, -1, -1)
    bordered = torch.cat([left, clip, right])[None]
    with torch.no_grad():
        one = within(Padded(clip[None], torch.tensor([9]))).logits
        other = before.eval()(Padded(bordered, torch.tensor([24]))).logits
    assert one.lengths.tolist() == other.lengths.tolist() == [3]
    torch.testing.assert_close(one.values, other.values)


def test_t_frames_make_a_quarter_as_many_steps_rounded_up() -> None:
    network, _ = small("vac")
    assert network.output_lengths(torch.arange(1, 10)).tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 3]


def test_it_computes_and_learns_in_bfloat16_under_autocast() -> None:
    network, _ = small("vac")
    stream = Padded(torch.randn(2, 9, 3, 34, 36), torch.tensor([9, 5]))
    with torch.no_grad():
        exact = network.eval()(stream).logits.values
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(stream)
    assert output.taps["frame"].values.dtype == torch.float32
    assert (output.logits.values - exact).abs().max() < 0.05 * exact.abs().max()
    output.logits.values.float().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.tail.head.parameters())
