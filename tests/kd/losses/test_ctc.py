from __future__ import annotations

import pytest
import torch

from kd.losses import CTC
from slr.types import Batch, NetOutput, Padded
from tests.reference import losses as reference


def clips(scores: list[torch.Tensor], glosses: list[list[int]]) -> tuple[NetOutput, Batch]:
    logits = Padded.from_list(scores)
    transcripts = Padded.from_list([torch.tensor(one, dtype=torch.int64) for one in glosses])
    return NetOutput(logits), Batch(tuple(f"clip-{row}" for row in range(len(scores))), transcripts, logits)


def test_it_is_the_sum_over_all_paths_divided_by_clips():
    scores = [torch.randn(5, 3), torch.randn(3, 3), torch.randn(4, 3)]
    glosses = [[1, 1], [2], []]
    student, batch = clips(scores, glosses)
    expected = reference.ctc([clip.tolist() for clip in scores], glosses)
    torch.testing.assert_close(CTC()(student, None, batch).item(), expected, rtol=1e-5, atol=1e-6)


def test_one_step_and_one_gloss_are_the_cross_entropy():
    scores = torch.randn(6, 1, 9)
    labels = torch.randint(1, 9, (6, 1))
    student, batch = clips(list(scores), labels.tolist())
    expected = torch.nn.functional.cross_entropy(scores[:, 0], labels[:, 0])
    torch.testing.assert_close(CTC()(student, None, batch), expected)


def test_a_batch_is_the_mean_of_its_clips_alone():
    scores, glosses = [torch.randn(7, 4), torch.randn(4, 4)], [[1, 3], [2, 2]]
    student, batch = clips(scores, glosses)
    alone = []
    for one, transcript in zip(scores, glosses, strict=True):
        single, single_batch = clips([one], [transcript])
        alone.append(CTC()(single, None, single_batch))
    torch.testing.assert_close(CTC()(student, None, batch), sum(alone) / 2)


def test_another_head_can_be_read():
    student, batch = clips([torch.randn(5, 3)], [[1]])
    other = NetOutput(Padded(torch.full((1, 5, 3), torch.nan), torch.tensor([5])), {"conv_logits": student.logits})
    loss = CTC(head="conv_logits")
    assert loss.student_taps == ("conv_logits",)
    assert torch.equal(loss(other, None, batch), CTC()(student, None, batch))


def test_clips_too_short_for_their_glosses_are_named():
    student, batch = clips([torch.randn(3, 3), torch.randn(3, 3), torch.randn(2, 3)], [[1, 2, 1], [1, 1, 2], [1, 2, 1]])
    with pytest.raises(
        ValueError, match=r"2 of 3 clips .* 'clip-1' \(3 steps, 4 needed\), 'clip-2' \(2 steps, 3 needed\)"
    ):
        CTC()(student, None, batch)


def test_a_repeat_in_the_padding_needs_no_step():
    student, batch = clips([torch.randn(2, 3), torch.randn(5, 3)], [[1, 2], [1, 1, 2]])
    batch.glosses.values[0, 2:] = 2
    assert torch.isfinite(CTC()(student, None, batch))


@pytest.mark.parametrize("wrong", [0, 3, -1])
def test_an_id_the_network_cannot_write_is_named(wrong: int):
    student, batch = clips([torch.randn(5, 3), torch.randn(5, 3)], [[1], [2, wrong]])
    with pytest.raises(ValueError, match=rf"clip 'clip-1' holds gloss id {wrong}, but this head writes ids 1 to 2"):
        CTC()(student, None, batch)


def test_long_unlikely_clips_stay_finite():
    scores = torch.zeros(300, 4)
    scores[:, 0] = 80  # blank is almost certain, the transcript is not
    student, batch = clips([scores.requires_grad_()], [[1, 2, 3] * 20])
    value = CTC()(student, None, batch)
    value.backward()
    assert value.item() > 1000
    assert torch.isfinite(scores.grad).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_deterministic_way_repeats_bit_by_bit():
    scores = [torch.randn(60, 200) for _ in range(8)]
    student, batch = clips(scores, [torch.randint(1, 200, (20,)).tolist() for _ in range(8)])
    gradients = []
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(3):
            values = student.logits.values.detach().cuda().requires_grad_()
            CTC()(NetOutput(Padded(values, student.logits.lengths.cuda())), None, batch.to("cuda")).backward()
            gradients.append(values.grad)
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])
