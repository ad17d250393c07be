from __future__ import annotations

import pytest
import torch

from kd.losses import CRDBank
from tests.losses import STUDENT_WIDTH, TEACHER_WIDTH, Example, example, permuted
from tests.reference import infonce, losses

TEMPERATURE, ROWS, NEGATIVES = 0.2, 10, 6


def bank(clips: int = ROWS, seed: int = 0) -> CRDBank:
    torch.manual_seed(1)
    return CRDBank(
        student_width=STUDENT_WIDTH,
        teacher_width=TEACHER_WIDTH,
        clips=clips,
        width=4,
        temperature=TEMPERATURE,
        num_negatives=NEGATIVES,
        seed=seed,
    )


def embedded(loss: CRDBank, given: Example) -> list[list[list[float]]]:
    """Unit embedding of the mean feature of every clip, per side, in plain loops."""
    sides = []
    for network, projection in ((given.student, loss.student_projection), (given.teacher, loss.teacher_projection)):
        weight, bias = projection.weight.tolist(), projection.bias.tolist()
        clips = [clip.tolist() for clip in network.taps["conv"].unpad()]
        means = [[sum(column) / len(clip) for column in zip(*clip, strict=True)] for clip in clips]
        sides.append([infonce.unit(losses.linear(mean, weight, bias)) for mean in means])
    return sides


def scores(embeddings: list, stored: list) -> list[float]:
    return [
        torch.tensor(infonce.dot(vector, row) / TEMPERATURE).exp().item()
        for vector, compared in zip(embeddings, stored, strict=True)
        for row in compared
    ]


def expected(loss: CRDBank, given: Example, compared: list[list[int]], z: tuple[float, float]) -> float:
    """Both directions in plain loops; ``compared`` lists the rows of every clip, its own first."""
    total = 0.0
    for side, embeddings in enumerate(embedded(loss, given)):
        other = (loss.teacher_bank, loss.student_bank)[side].tolist()
        for vector, chosen in zip(embeddings, compared, strict=True):
            own, *others = (other[row] for row in chosen)
            total += losses.bank_contrast(vector, own, others, z[side], ROWS, TEMPERATURE)
    return total / len(given.batch)


def z_of(loss: CRDBank, given: Example, compared: list[list[int]]) -> tuple[float, float]:
    sides = []
    for side, embeddings in enumerate(embedded(loss, given)):
        other = (loss.teacher_bank, loss.student_bank)[side].tolist()
        values = scores(embeddings, [[other[row] for row in chosen] for chosen in compared])
        sides.append(sum(values) / len(values) * ROWS)
    return sides[0], sides[1]


def test_it_is_the_noise_contrastive_loss_of_the_loop_with_z_fixed_at_the_first_batch():
    first, second = example(), example(steps=(3, 5, 2))
    loss = bank()
    compared = loss._draw(torch.arange(3)).tolist()
    z = z_of(loss, first, compared)
    wanted = expected(loss, first, compared, z)
    torch.testing.assert_close(first.loss(loss).item(), wanted, rtol=1e-4, atol=1e-4)
    compared = loss._draw(torch.arange(3)).tolist()
    wanted = expected(loss, second, compared, z)
    torch.testing.assert_close(second.loss(loss).item(), wanted, rtol=1e-4, atol=1e-4)


def test_negatives_are_never_the_own_row_and_reach_every_other():
    loss = bank(clips=4)
    draws = []
    for _ in range(40):
        draws.append(loss._draw(torch.arange(4)))
        loss.batches += 1
    drawn = torch.cat(draws)
    assert (drawn[:, 1:] != drawn[:, :1]).all()
    for row in range(4):
        assert set(drawn[drawn[:, 0] == row][:, 1:].flatten().tolist()) == {0, 1, 2, 3} - {row}


def test_the_draws_change_from_batch_to_batch_and_repeat_with_the_seed():
    loss, given = bank(), example()
    before = loss._draw(torch.arange(3))
    given.loss(loss)
    assert not torch.equal(loss._draw(torch.arange(3)), before)
    assert torch.equal(bank()._draw(torch.arange(3)), before)
    assert not torch.equal(bank(seed=1)._draw(torch.arange(3)), before)
    assert not torch.equal(bank(seed=1).student_bank, bank().student_bank)


def test_rows_move_half_way_to_the_embeddings_of_their_clips():
    loss, given = bank(), example()
    before = (loss.student_bank.tolist(), loss.teacher_bank.tolist())
    vectors = embedded(loss, given)
    given.loss(loss)
    for side, after in enumerate((loss.student_bank, loss.teacher_bank)):
        for row in range(ROWS):
            wanted = losses.moved_row(before[side][row], vectors[side][row]) if row < 3 else before[side][row]
            torch.testing.assert_close(after[row], torch.tensor(wanted), rtol=1e-4, atol=1e-5)


def test_rows_belong_to_ids_whatever_the_order_of_batches():
    loss, given = bank(), example()
    given.loss(loss)
    rows = dict(loss._rows)
    permuted(given, (2, 1, 0)).loss(loss)
    assert loss._rows == rows == {"clip-0": 0, "clip-1": 1, "clip-2": 2}


def test_a_resumed_bank_goes_on_as_if_nothing_had_happened():
    loss, given = bank(), example()
    permuted(given, (2, 1, 0)).loss(loss)
    state = {name: value.clone() for name, value in loss.state_dict().items()}
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    resumed = bank(seed=0)
    resumed.load_state_dict(state)
    assert resumed._rows == loss._rows
    for _ in range(3):
        assert torch.equal(given.loss(resumed), given.loss(loss))
    assert torch.equal(resumed.student_bank, loss.student_bank)


def test_ids_survive_whatever_letters_they_have():
    loss, resumed = bank(), bank()
    loss._rows = {"01April_2010/1.avi": 0, "天气": 1, 'quo"te': 2}
    resumed.load_state_dict(loss.state_dict())
    assert resumed._rows == loss._rows


def test_evaluation_changes_nothing_and_leaves_out_clips_without_a_row():
    loss, given = bank(), example()
    assert given.loss(loss.eval()).item() == 0
    given.loss(loss.train())
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    value = given.loss(loss.eval())
    assert value > 0
    assert torch.equal(given.loss(loss), value)
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())


def test_more_clips_than_rows_are_an_error():
    with pytest.raises(ValueError, match="clip 'clip-2' is number 3, but the banks were made for clips: 2"):
        example().loss(bank(clips=2))


def test_banks_too_small_to_contrast_are_refused():
    with pytest.raises(ValueError, match="clips is 1"):
        bank(clips=1)


def test_the_contrast_accuracy_asks_whether_the_own_row_is_nearer_than_those_drawn():
    given, loss = example(), bank()
    assert loss.meters(given.student, given.teacher, given.batch) == {}  # no clip has a row yet
    given.loss(loss)
    rows = torch.tensor([loss._rows[clip] for clip in given.batch.ids])
    hits = []
    for side, embeddings in enumerate(embedded(loss, given)):
        other = (loss.teacher_bank, loss.student_bank)[side].tolist()
        for vector, (own, *drawn) in zip(embeddings, loss._draw(rows).tolist(), strict=True):
            hits.append(infonce.dot(vector, other[own]) > max(infonce.dot(vector, other[row]) for row in drawn))
    assert 0 < sum(hits) < len(hits)
    found = loss.meters(given.student, given.teacher, given.batch)
    assert found == {"contrast_accuracy": pytest.approx(sum(hits) / len(hits))}


def test_a_clip_without_a_row_or_without_steps_is_not_asked_for():
    given, loss = example(steps=(6, 4)), bank()
    given.loss(loss)
    alone = loss.meters(given.student, given.teacher, given.batch)
    more = example(steps=(6, 4, 5))  # its third clip is new
    more.student.taps["conv"].values.data[:2] = given.student.taps["conv"].values
    more.teacher.taps["conv"].values[:2] = given.teacher.taps["conv"].values
    assert loss.meters(more.student, more.teacher, more.batch) == alone
    empty = example(steps=(0, 0))
    assert loss.meters(empty.student, empty.teacher, empty.batch) == {}
