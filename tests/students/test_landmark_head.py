from __future__ import annotations

import pytest
import torch
from torch import nn

from slr.types import Padded
from students import LandmarkTransformer
from students.landmark_head import LandmarkClassifier
from students.landmark_pooling import AttentionPooling, ClipPooling, part_means
from tests.slr.layers.clips import random_clips, with_rubbish


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_means_over_parts_are_those_of_adaptive_pooling_on_each_clip_alone(count: int) -> None:
    clips = random_clips([17, 1, 3, 8], 5)
    got = part_means(with_rubbish(clips, extra=4).zeroed(), count)
    for ours, clip in zip(got, clips, strict=True):
        wanted = nn.functional.adaptive_avg_pool1d(clip.T[None], count)[0].T
        torch.testing.assert_close(ours, wanted)


def test_pooling_joins_mean_maximum_attention_and_the_parts_of_every_scale() -> None:
    pool = ClipPooling(8, 2, scales=(1, 3)).double().eval()
    clips = random_clips([6, 2], 8)
    seen: list[torch.Tensor] = []
    pool.mix[0].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    out = pool(with_rubbish(clips, extra=2))
    for row, clip in enumerate(clips):
        alone = Padded(clip[None], torch.tensor([len(clip)]))
        parts = [pool.parts[0](clip.mean(0, keepdim=True))[0]]
        parts += list(pool.parts[1](nn.functional.adaptive_avg_pool1d(clip.T[None], 3)[0].T))
        wanted = torch.cat([clip.mean(0), clip.amax(0), pool.attention(alone)[0], *parts])
        torch.testing.assert_close(seen[0][row], wanted)
    linear, norm, _, _, narrow = pool.mix
    torch.testing.assert_close(out, narrow(nn.functional.gelu(norm(linear(seen[0])))))


def test_a_learned_query_weighs_the_real_steps() -> None:
    pool = AttentionPooling(6, 2).double()
    clips = random_clips([5, 1], 6)
    got = pool(with_rubbish(clips).zeroed())
    query = pool.to_query(pool.query).view(2, 3)
    for ours, clip in zip(got, clips, strict=True):
        key, value = pool.key_value(clip).chunk(2, -1)
        heads = []
        for head in range(2):
            own = slice(3 * head, 3 * head + 3)
            weights = (key[:, own] @ query[head] / 3**0.5).softmax(0)
            heads.append(weights @ value[:, own])
        torch.testing.assert_close(ours, pool.out(torch.cat(heads)))


def test_the_classifier_narrows_twice_and_classifies_every_width() -> None:
    head = LandmarkClassifier(16, 5, heads=2, confidence=True).double().eval()
    output = head(with_rubbish(random_clips([6, 3], 16)))
    taps = {name: tap.values[:, 0] for name, tap in output.taps.items()}
    assert {name: tap.shape[-1] for name, tap in taps.items()} == {
        "pooled": 16, "pooled_half": 8, "pooled_quarter": 4, "confidence": 1,
        "pooled_logits": 5, "pooled_half_logits": 5, "pooled_quarter_logits": 5,
    }  # fmt: skip
    linear, norm, _, _ = head.to_half
    torch.testing.assert_close(taps["pooled_half"], nn.functional.gelu(norm(linear(taps["pooled"]))))
    torch.testing.assert_close(output.logits.values[:, 0], head.classify(taps["pooled_quarter"]))
    torch.testing.assert_close(taps["pooled_half_logits"], head.auxiliary["pooled_half"](taps["pooled_half"]))
    assert head.half().classify.weight.dtype == torch.float16, "no layer hides a method of modules"


@pytest.mark.parametrize(("classes", "parameters"), [(500, 29.8e6), (1001, 30.3e6)])
def test_the_size_is_that_of_the_system_less_its_table_of_times(classes: int, parameters: float) -> None:
    net = LandmarkTransformer(num_classes=classes, layout="mediapipe-lips-hands-87", in_channels=2, task="class")
    ours = sum(parameter.numel() for parameter in net.parameters())
    assert ours == pytest.approx(parameters, rel=0.015)
    assert ours == {500: 29_475_904, 1001: 29_990_932}[classes]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"task": "signs"}, "unknown task 'signs'"),
        ({"task": "class", "temporal_layers": "K3"}, "temporal_layers: only a network with task 'glosses'"),
        ({"confidence": True}, "only a network with task 'class'"),
    ],
)
def test_what_belongs_to_the_other_task_is_refused(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        LandmarkTransformer(num_classes=5, layout="sign-27", width=16, heads=2, patch_heads=2, **arguments)
