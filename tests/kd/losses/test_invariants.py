"""What holds for every loss, whatever its formula."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from kd import losses
from kd.objective import Metered, Objective, Term
from slr.types import NetOutput, Padded
from tests.losses import CASES, ROWS, Case, built, cast, permuted, with_garbage

every_loss = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


def test_every_exported_loss_has_a_row():
    assert set(ROWS) == set(losses.__all__)
    for name, cases in ROWS.items():
        assert cases, f"{name} has a row without a variant"
        assert all(type(built(case)) is getattr(losses, name) for case in cases)


@every_loss
def test_the_first_line_of_the_docstring_states_the_denominator(case: Case):
    first = type(built(case)).__doc__.split("\n")[0]
    assert "divided by" in first or "Mean over" in first, first


@every_loss
def test_the_loss_is_a_finite_scalar_above_zero(case: Case):
    value = case.example().loss(built(case))
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert torch.isfinite(value)
    assert value > 0


@every_loss
@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), -1e30])
def test_padding_does_not_change_the_loss_or_the_gradient(case: Case, garbage: float):
    clean, dirty = case.example(), with_garbage(case.example(), garbage)
    expected, value = clean.loss(built(case)), dirty.loss(built(case))
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
    expected.backward()
    value.backward()
    for ours, theirs in zip(dirty.student_tensors(), clean.student_tensors(), strict=True):
        if theirs.grad is None:
            assert ours.grad is None
            continue
        steps = theirs.shape[1]
        torch.testing.assert_close(ours.grad[:, :steps], theirs.grad, rtol=1e-4, atol=1e-6)
        assert not ours.grad[:, steps:].any(), "a padded step got a gradient"


@every_loss
@pytest.mark.parametrize("order", [(2, 0, 1), (1, 0, 2)])
def test_the_order_of_clips_does_not_change_the_loss(case: Case, order: tuple[int, ...]):
    expected = case.example().loss(built(case))
    torch.testing.assert_close(permuted(case.example(), order).loss(built(case)), expected, rtol=1e-5, atol=1e-6)


@every_loss
def test_gradients_reach_the_student_and_never_the_teacher(case: Case):
    given, loss = case.example(), built(case)
    for sequence in (given.teacher.logits, *given.teacher.taps.values()):
        sequence.values.requires_grad_()
    given.loss(loss).backward()
    taught = set(loss.student_taps) - set(case.untaught)
    read = [given.student.read(name).values.grad for name in taught]
    assert read
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in read)
    unread = {"logits", *given.student.taps} - taught
    assert all(given.student.read(name).values.grad is None for name in unread)
    assert given.teacher.logits.values.grad is None
    assert all(tap.values.grad is None for tap in given.teacher.taps.values())


@every_loss
def test_every_parameter_of_a_loss_learns_unless_it_is_frozen(case: Case):
    loss = built(case)
    case.example().loss(loss).backward()
    assert all((parameter.grad is not None) == parameter.requires_grad for parameter in loss.parameters())


@every_loss
def test_a_loss_reads_only_the_taps_it_names(case: Case):
    given, loss = case.example(), built(case)
    expected = given.loss(loss)

    def spoil_others(output: NetOutput, named: tuple[str, ...]) -> NetOutput:
        kept = {name: tap for name, tap in output.taps.items() if name in named}
        logits = output.logits if "logits" in named else output.logits.map(lambda scores: torch.full_like(scores, 1e4))
        return NetOutput(logits, kept)

    bare = replace(
        given,
        student=spoil_others(given.student, loss.student_taps),
        teacher=spoil_others(given.teacher, loss.teacher_taps),
    )
    torch.testing.assert_close(bare.loss(built(case)), expected)


@every_loss
def test_identical_teacher_and_student_give_zero_where_the_formula_says_so(case: Case):
    given = case.example()
    # Losses that are not zero project each side from its own width.
    taps = given.student.taps if case.zero_at_identity else given.teacher.taps
    value = built(case)(given.student, NetOutput(given.student.logits, taps), given.batch)
    if case.zero_at_identity:
        assert abs(value.item()) < 1e-6
    else:
        assert value > 0


@every_loss
@pytest.mark.parametrize("padded_steps", [0, 3])
def test_clips_without_steps_give_zero_and_a_gradient_of_zeros(case: Case, padded_steps: int):
    given = case.example(steps=(0, 0))
    if padded_steps:
        given = with_garbage(given, float("nan"), more=padded_steps)
    value = given.loss(built(case))
    assert value.item() == 0
    value.backward()
    gradients = [tensor.grad for tensor in given.student_tensors() if tensor.grad is not None]
    assert gradients
    assert not any(gradient.any() for gradient in gradients)


@every_loss
def test_one_clip_without_steps_does_not_disturb_the_others(case: Case):
    given = case.example(steps=(6, 0, 5))
    value = given.loss(built(case))
    value.backward()
    assert torch.isfinite(value)
    assert all(torch.isfinite(tensor.grad).all() for tensor in given.student_tensors() if tensor.grad is not None)


@every_loss
@pytest.mark.parametrize("ours", [0.0, 1.0, None])
@pytest.mark.parametrize("theirs", [0.0, 1.0, None])
def test_features_that_are_zero_or_all_alike_give_bounded_gradients(
    case: Case, ours: float | None, theirs: float | None
):
    given = case.example()
    for network, constant in ((given.student, ours), (given.teacher, theirs)):
        for sequence in (network.logits, *network.taps.values()):
            if constant is not None:
                sequence.values.detach().fill_(constant)
    value = given.loss(built(case))
    value.backward()
    assert torch.isfinite(value)
    gradients = [tensor.grad for tensor in given.student_tensors() if tensor.grad is not None]
    assert all(gradient.abs().max() < 1e3 for gradient in gradients)


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_outputs_are_summed_in_float32(case: Case, dtype: torch.dtype):
    given = cast(case.example(), dtype)
    expected = cast(given, torch.float32).loss(built(case))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = given.loss(built(case))
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected)
    value.backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in given.student_tensors() if tensor.grad is not None)


@every_loss
@pytest.mark.parametrize("teacher_steps", [(9, 6, 2), (1, 1, 1), (6, 4, 6)])
def test_a_teacher_of_another_length_is_brought_onto_the_student(case: Case, teacher_steps: tuple[int, ...]):
    given = case.example(teacher_steps=teacher_steps)
    value = given.loss(built(case))
    value.backward()
    assert torch.isfinite(value)
    dirty = with_garbage(case.example(teacher_steps=teacher_steps), float("nan"))
    torch.testing.assert_close(dirty.loss(built(case)), value, rtol=1e-5, atol=1e-6)


@every_loss
def test_gradients_agree_with_finite_differences(case: Case):
    given, loss = case.example(steps=(4, 3), dtype=torch.float64), built(case).double()
    given.loss(loss)  # memories take in the batch; from here on they stay as they are
    loss.eval()
    names = [name for name in loss.student_taps if name not in case.untaught]
    inputs = [given.student.read(name).values.detach().requires_grad_() for name in names]

    def value(*tensors: torch.Tensor) -> torch.Tensor:
        replaced = {
            name: Padded(tensor, given.student.read(name).lengths) for name, tensor in zip(names, tensors, strict=True)
        }
        logits = replaced.pop("logits", given.student.logits)
        return loss(NetOutput(logits, replaced), given.teacher, given.batch)

    assert torch.autograd.gradcheck(value, inputs, fast_mode=True)


@every_loss
def test_a_missing_teacher_is_an_error_in_a_sentence(case: Case):
    given, loss = case.example(), built(case)
    if loss.needs_teacher:
        with pytest.raises(ValueError, match="compares with a teacher"):
            loss(given.student, None, given.batch)
    else:
        assert torch.isfinite(loss(given.student, None, given.batch))


@pytest.mark.parametrize(
    "case", [case for case in CASES if built(case).student_taps != ("logits",)], ids=lambda case: case.label
)
def test_a_missing_tap_is_an_error_in_a_sentence(case: Case):
    given, loss = case.example(), built(case)
    with pytest.raises(ValueError, match="no tap"):
        loss(NetOutput(given.student.logits), given.teacher, given.batch)


@every_loss
def test_the_state_of_a_loss_is_tensors_and_can_be_resumed(case: Case):
    loss, given = built(case), case.example()
    given.loss(loss)
    state = {name: value.clone() for name, value in loss.state_dict().items()}
    resumed = built(case)
    resumed.load_state_dict(state)
    for _ in range(2):
        torch.testing.assert_close(given.loss(resumed), given.loss(loss), rtol=0, atol=0)


metered = pytest.mark.parametrize(
    "measuring", [case for case in CASES if isinstance(built(case), Metered)], ids=lambda case: case.label
)


@metered
def test_what_a_loss_measures_changes_nothing_of_it(measuring: Case):
    given, watched, other = measuring.example(), built(measuring), built(measuring)
    for turn in (given, measuring.example(steps=(3, 6, 2)), given):
        before = {name: value.clone() for name, value in watched.state_dict().items()}
        chance = torch.get_rng_state()
        watched.meters(turn.student, turn.teacher, turn.batch)
        assert torch.equal(torch.get_rng_state(), chance)
        assert all(torch.equal(value, before[name]) for name, value in watched.state_dict().items())
        torch.testing.assert_close(turn.loss(watched), turn.loss(other), rtol=0, atol=0)


@metered
def test_what_a_loss_measures_is_finite_and_knows_no_padding(measuring: Case):
    given, loss = measuring.example(), built(measuring)
    given.loss(loss)
    dirty = with_garbage(given, float("nan"))
    objective = Objective({"it": Term(loss)})
    clean, found = (objective.meters(each.student, each.teacher, each.batch)["it"] for each in (given, dirty))
    assert clean
    assert found == pytest.approx(clean)
    assert all(math.isfinite(value) for value in clean.values())


@metered
def test_a_loss_measures_nothing_on_clips_without_steps(measuring: Case):
    given, loss = measuring.example(steps=(0, 0)), built(measuring)
    assert loss.meters(given.student, given.teacher, given.batch) == {}
