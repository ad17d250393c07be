"""Graph networks in half precision and compiled."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from slr.types import Padded
from students import AAGCN, CTRGCN, DGSTGCN, DSTASLR, MSG3D, S8, SLGCN, STGCN, STGCNPP, LandmarkTransformer
from students.drop_masks import DropMasks
from students.graph_units import AdaptiveGraphConv
from tests.students.grown import steps_of

NETWORKS = [AAGCN, CTRGCN, DGSTGCN, DSTASLR, MSG3D, S8, SLGCN, STGCN, STGCNPP, LandmarkTransformer]
SMALL: dict[Any, dict[str, Any]] = {
    DSTASLR: {"graphs": 2},
    MSG3D: {"channels": (6, 12), "scales": 3, "window_scales": 2},
    SLGCN: {"groups": 4, "temporal_kernel": 3},
    LandmarkTransformer: {"width": 16, "patch_heads": 2, "heads": 2, "local_blocks": 1, "global_blocks": 1},
}


def small(network: Any) -> Any:
    torch.manual_seed(0)
    arguments = {"num_classes": 5, "layout": "openpose-18", "task": "class", **SMALL.get(network, {})}
    if network is LandmarkTransformer:  # of one person
        return network(**arguments, dropout=0.0)
    net = network(**{"channels": (8, 16), "strides": (1, 2), "persons": 2, **arguments})
    for name, parameter in net.trunk.named_parameters():
        if name.endswith(("strength", "alpha", "beta", "share")):
            nn.init.constant_(parameter, 0.3)
        elif name.endswith("norm.weight"):
            nn.init.ones_(parameter)
    return net


def clips(network: Any, lengths: tuple[int, ...], scale: float = 1.0, device: str = "cpu") -> Padded:
    generator = torch.Generator().manual_seed(1)
    values = scale * torch.randn(len(lengths), max(lengths), 2, 18, 3, generator=generator)
    values = values[:, :, 0] if network is LandmarkTransformer else values
    return Padded(values, torch.tensor(lengths)).to(device)


def check_half(network: Any, dtype: torch.dtype, device: str) -> None:
    net = small(network).to(device)
    for lengths, scale in (((12, 12, 12), 1.0), ((12, 5, 9), 30.0)):
        stream = clips(network, lengths, scale, device)
        plain = net(stream).logits.values
        net.zero_grad()
        with torch.autocast(device, dtype):
            scores = net(stream).logits.values
            loss = nn.functional.cross_entropy(scores[:, 0].float(), torch.tensor([0, 1, 4], device=device))
        loss.backward()
        assert (scores.float() - plain).abs().max() <= 0.1 * plain.abs().max()
        assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())
        assert all(buffer.dtype in (torch.float32, torch.int64) for buffer in net.buffers())


@pytest.mark.parametrize("network", NETWORKS)
def test_in_bfloat16_scores_are_about_the_same_and_gradients_finite(network: Any) -> None:
    check_half(network, torch.bfloat16, "cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("network", NETWORKS)
def test_on_a_gpu_scores_in_half_precision_are_about_the_same(network: Any, dtype: torch.dtype) -> None:
    check_half(network, dtype, "cuda")


def test_sums_over_long_clips_of_large_features_do_not_overflow_in_half_precision() -> None:
    torch.manual_seed(0)
    conv = AdaptiveGraphConv(64, 64, torch.rand(3, 4, 4), attention=False).eval()
    rows, valid = steps_of([20 * torch.ones(300, 4, 64)])
    nn.init.constant_(conv.compare.weight, 0.01)
    compared = nn.functional.linear(rows, conv.compare.weight[:16])
    assert compared.square().sum() / 4 > torch.finfo(torch.float16).max  # as the formula reads, it would
    with torch.autocast("cpu", torch.float16):
        likeness = conv._likeness(rows, valid)
    torch.testing.assert_close(likeness.float(), torch.full((1, 3, 4, 4), 12.8**2), rtol=0.01, atol=0)


@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)  # dynamo's own, where it breaks
@pytest.mark.slow
@pytest.mark.parametrize("network", [AAGCN, CTRGCN, DGSTGCN, DSTASLR, MSG3D, SLGCN, STGCN, LandmarkTransformer])
def test_compiled_it_answers_and_learns_the_same(network: Any) -> None:
    torch.compiler.reset()
    net, other = small(network).double(), small(network).double()
    assert not any(isinstance(part, DropMasks) and part.drops for part in net.modules())
    compiled = torch.compile(net, backend="aot_eager")  # traces forward and backward; needs no compiler of C++
    for lengths in ((8, 8), (8, 5)):
        stream = Padded(clips(network, lengths).values.double(), torch.tensor(lengths))
        ours, wanted = compiled(stream).logits.values, other(stream).logits.values
        torch.testing.assert_close(ours, wanted)
        ours.square().sum().backward()
        wanted.square().sum().backward()
    for (name, parameter), twin in zip(net.named_parameters(), other.parameters(), strict=True):
        if twin.grad is not None:
            torch.testing.assert_close(parameter.grad, twin.grad, msg=lambda text, name=name: name + text)
    for buffer, twin in zip(net.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(buffer, twin)
