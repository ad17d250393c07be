"""What holds for every network, teacher or student, whatever is inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from slr.types import NetOutput, Network, Padded
from tests import nets

CASES = [case for cases in nets.ROWS.values() for case in cases]
LENGTHS = (9, 4, 13)

pytestmark = pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])


def built(case: nets.Case, *, training: bool = False, seed: int = 0) -> Any:
    """The network in double precision, its running statistics no longer those of a newborn."""
    torch.manual_seed(seed)
    net = case.build().double()
    for name, buffer in net.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(buffer, std=0.1)
        elif name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.5, 1.5)
    return net.train(training)


def clips(case: nets.Case, lengths: Sequence[int] = LENGTHS) -> list[Tensor]:
    return [torch.randn(length, *case.step_shape, dtype=torch.float64) for length in lengths]


def padded(sequences: Sequence[Tensor], rubbish: float = 0.0, extra: int = 0) -> Padded:
    stream = Padded.from_list(sequences)
    longer = stream.values.new_zeros(len(sequences), extra, *stream.values.shape[2:])
    stream = Padded(torch.cat([stream.values, longer], 1), stream.lengths)
    return Padded(torch.where(stream.expanded_mask(), stream.values, rubbish), stream.lengths)


def parts(output: NetOutput) -> dict[str, Padded]:
    return {"logits": output.logits, **output.taps}


def assert_same(one: NetOutput, other: NetOutput) -> None:
    assert parts(one).keys() == parts(other).keys()
    for name, part in parts(one).items():
        assert part.lengths.tolist() == parts(other)[name].lengths.tolist(), name
        torch.testing.assert_close(
            part.valid(), parts(other)[name].valid(), msg=lambda text, name=name: f"{name}: {text}"
        )


def test_it_is_a_network(case: nets.Case) -> None:
    net = built(case)
    assert isinstance(net, Network)
    assert isinstance(net, nn.Module)
    assert net.input_stream in ("rgb", "pose")


def test_padding_of_any_length_and_content_changes_nothing(case: nets.Case) -> None:
    net, sequences = built(case), clips(case)
    plain = net(padded(sequences))
    for rubbish in (torch.nan, torch.inf, 1e6):
        assert_same(plain, net(padded(sequences, rubbish, extra=6)))


def test_padding_changes_nothing_while_training_nor_its_statistics(case: nets.Case) -> None:
    sequences = clips(case)
    nets_, outputs = [], []
    for rubbish, extra in ((0.0, 0), (torch.nan, 5)):
        net = built(case, training=True)
        outputs.append(net(padded(sequences, rubbish, extra)))
        nets_.append(net)
    assert_same(*outputs)
    for (name, one), other in zip(nets_[0].named_buffers(), nets_[1].buffers(), strict=True):
        torch.testing.assert_close(one, other, msg=lambda text, name=name: f"{name}: {text}")


def test_padding_changes_no_gradient(case: nets.Case) -> None:
    sequences, gradients = clips(case), []
    for rubbish, extra in ((0.0, 0), (torch.nan, 5)):
        net = built(case, training=True)
        sum(part.valid().pow(2).sum() for part in parts(net(padded(sequences, rubbish, extra))).values()).backward()
        gradients.append({name: parameter.grad for name, parameter in net.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], msg=lambda text, name=name: f"{name}: {text}")


def test_a_batch_of_one_equals_a_batch_of_many(case: nets.Case) -> None:
    net, sequences = built(case), clips(case)
    together = parts(net(padded(sequences)))
    for index, sequence in enumerate(sequences):
        for name, part in parts(net(padded([sequence]))).items():
            torch.testing.assert_close(part.valid(), together[name].unpad()[index])


def test_output_lengths_are_foretold(case: nets.Case) -> None:
    net = built(case)
    for steps in (1, 2, 3, 4, 5, 7, 8, 12, 17):
        stream = padded(clips(case, (steps, 17)))
        output = net(stream)
        assert output.logits.lengths.tolist() == net.output_lengths(stream.lengths).tolist()
        assert output.logits.values.shape[1] >= int(output.logits.lengths.max())
        assert output.logits.lengths.dtype == torch.int64


def test_taps_have_the_declared_names_and_widths(case: nets.Case) -> None:
    net = built(case)
    output = net(padded(clips(case)))
    assert {name: tap.values.shape[-1] for name, tap in output.taps.items()} == dict(net.tap_widths)
    assert output.logits.values.shape[-1] == nets.CLASSES


def test_a_gradient_reaches_every_parameter_that_learns(case: nets.Case) -> None:
    net = built(case, training=True)
    output = net(padded(clips(case)))
    parts_read = [output.logits, *(tap for name, tap in output.taps.items() if name.endswith("logits"))]
    sum((part.valid() * torch.randn_like(part.valid())).sum() for part in parts_read).backward()
    learning = {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}
    without = [name for name, parameter in learning.items() if parameter.grad is None or not parameter.grad.any()]
    assert without == []


def test_one_step_is_enough(case: nets.Case) -> None:
    for training in (True, False):
        output = built(case, training=training)(padded(clips(case, (1,)), torch.nan, extra=3))
        assert output.logits.lengths.tolist() == [1]
        assert all(part.valid().isfinite().all() for part in parts(output).values())


def test_a_clip_of_zeros_gives_finite_scores_and_gradients(case: nets.Case) -> None:
    for training in (True, False):
        net = built(case, training=training)
        output = net(padded([torch.zeros(6, *case.step_shape).double()]))
        assert all(part.valid().isfinite().all() for part in parts(output).values())
        output.logits.valid().sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_evaluation_repeats_itself_and_changes_no_statistics(case: nets.Case) -> None:
    net, stream = built(case), padded(clips(case))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    first, second = net(stream), net(stream)
    for name, part in parts(first).items():
        assert torch.equal(part.valid(), parts(second)[name].valid())
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_weights_carry_over_to_a_fresh_network(case: nets.Case) -> None:
    net, other, stream = built(case), built(case, seed=1), padded(clips(case))
    assert not torch.equal(net(stream).logits.valid(), other(stream).logits.valid())
    other.load_state_dict(net.state_dict())
    assert_same(net(stream), other(stream))
