"""Image networks that look at each real frame once."""

from __future__ import annotations

from typing import Any
from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import nn

from teachers.frame_encoder import SMALL, SmallCNN, SmallEncoder, TorchvisionEncoder, frame_encoder, widened

DOWNLOAD = "torchvision.models._api.load_state_dict_from_url"


def encoder(name: str = SMALL, **arguments: Any) -> SmallEncoder | TorchvisionEncoder:
    return frame_encoder(name, **{"frame_size": (20, 14), "widths": (4, 6), "width": 8, "weights": None, **arguments})


@pytest.mark.parametrize("size", [(20, 14), (63, 78), (7, 5), (16, 16)])
@pytest.mark.parametrize("widths", [(4, 6), (4, 4, 4, 4), (4, 4, 4, 4, 6, 6)])
def test_the_small_encoder_fits_every_size_of_frame_and_depth(size: tuple[int, int], widths: tuple[int, ...]) -> None:
    net = SmallEncoder(size, widths, 8).eval()
    assert net(torch.randn(3, 3, size[1], size[0])).shape == (3, 8)
    assert net.width == 8


def test_the_small_network_quarters_its_maps_and_then_halves_them_rounding_up() -> None:
    frames = torch.randn(1, 3, 33, 64)
    for layers, (fine_size, size) in {
        2: ((9, 16), (5, 8)),
        3: ((5, 8), (3, 4)),
        4: ((3, 4), (2, 2)),
    }.items():
        cnn = SmallCNN((4,) * layers).eval()
        assert cnn.stride == 2 ** (layers + 1)
        assert cnn(frames).shape == (1, 4, *size)
        fine = cnn.stem(frames)
        assert fine.shape[2:] == fine_size
        torch.testing.assert_close(cnn.top(fine), cnn(frames))


def test_a_small_network_of_one_layer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a small CNN needs at least two layers, got the widths \[4\]"):
        SmallCNN((4,))


def test_frames_of_another_size_are_refused_in_a_sentence() -> None:
    net = SmallEncoder((20, 14), (4, 6))
    with pytest.raises(
        ValueError,
        match=r"built for frames of 20 x 14 pixels \(width x height\), whose map has 3 x 2 places, .* have 2 x 3: give",
    ):
        net(torch.randn(2, 3, 20, 14))


def test_a_place_matters_to_the_small_encoder() -> None:
    frames = torch.zeros(2, 3, 14, 20)
    frames[0, :, :7], frames[1, :, 7:] = 1.0, 1.0
    torch.manual_seed(0)
    left, right = SmallEncoder((20, 14), (4, 6), 8).eval()(frames)
    assert (left - right).abs().max() > 0.05


@pytest.mark.parametrize(("name", "width"), [("resnet18", 512), ("mobilenet_v3_small", 1024), ("squeezenet1_1", None)])
def test_any_torchvision_classifier_serves_without_its_last_linear_layer(name: str, width: int | None) -> None:
    if width is None:
        with pytest.raises(ValueError, match=r"'squeezenet1_1' ends in no linear layer: choose .* such as resnet18"):
            encoder(name)
        return
    net = encoder(name).eval()
    assert net.width == width
    assert net(torch.randn(2, 3, 32, 32)).shape == (2, width)


def tiny_network(monkeypatch: pytest.MonkeyPatch) -> nn.Sequential:
    """A torchvision network of two linear layers for frames of 32 x 32 pixels, called "tiny"."""
    tiny = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.Flatten(), nn.Linear(4 * 8 * 8, 6), nn.Linear(6, 1000))
    monkeypatch.setattr(torchvision.models, "get_model", lambda *_, **__: tiny)
    return tiny


def test_the_features_are_what_the_last_linear_layer_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    before_the_last = tiny_network(monkeypatch)[:3]
    frames = torch.rand(2, 3, 32, 32)  # 0 to 1, as published weights count
    normalise = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(encoder("tiny")(frames * 2 - 1), before_the_last(normalise(frames)))


def test_a_network_with_auxiliary_classifiers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_network(monkeypatch), "aux_logits", True, raising=False)  # as in googlenet, inception_v3
    with pytest.raises(ValueError, match="'googlenet' answers with auxiliary classifiers while it trains"):
        encoder("googlenet")


def test_statistics_of_colours_are_no_weights() -> None:
    assert not {"mean", "deviation"} & set(encoder("mobilenet_v3_small").state_dict())


def test_an_unknown_backbone_or_unknown_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="torchvision has no image network 'resnet19' with weights None"):
        encoder("resnet19")
    with pytest.raises(ValueError, match="torchvision has no image network 'resnet18' with weights 'IMAGENET1K_V9'"):
        encoder("resnet18", weights="IMAGENET1K_V9")


@pytest.mark.parametrize("fault", [URLError("no route to host"), OSError(28, "No space left on device")])
def test_weights_that_cannot_be_fetched_are_an_error_with_advice(
    monkeypatch: pytest.MonkeyPatch, fault: OSError
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(DOWNLOAD, fail)
    message = r"published weights 'DEFAULT' of 'resnet18' could not be fetched \(.*\): put them .* or set weights: null"
    with pytest.raises(ValueError, match=message) as caught:
        encoder("resnet18", weights="DEFAULT")
    assert caught.value.__cause__ is fault


def test_published_weights_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    published = torchvision.models.mobilenet_v3_small(weights=None).state_dict()
    monkeypatch.setattr(DOWNLOAD, lambda *_, **__: published)
    net = encoder("mobilenet_v3_small", weights="DEFAULT")
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(tensor, published[name.removeprefix("network.")])


def test_the_small_backbone_has_no_published_weights() -> None:
    with pytest.raises(ValueError, match="the backbone 'small' has no published weights: set weights: null"):
        encoder(weights="DEFAULT")


def test_half_precision_is_widened_and_nothing_else_is_changed() -> None:
    for narrow in (torch.bfloat16, torch.float16):
        assert widened(torch.ones(2, dtype=narrow)).dtype == torch.float32
    for wide in (torch.float32, torch.float64):
        values = torch.randn(3, dtype=wide)
        assert widened(values) is values


@pytest.mark.parametrize("name", [SMALL, "tiny"])
def test_features_are_single_precision_under_autocast(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_network(monkeypatch)
    net = encoder(name, frame_size=(32, 32)).eval()
    frames = torch.randn(2, 3, 32, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = net(frames)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, net(frames), atol=0.2, rtol=0.1)


def test_the_last_layer_is_replaced_by_nothing() -> None:
    net = encoder("resnet18")
    assert isinstance(net, TorchvisionEncoder)
    assert isinstance(net.network.fc, nn.Identity)
