from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from kd.ensemble import Choice, EnsembleTeacher, choose_best, combined_widths, holds_scores, training_losses
from kd.losses import FrameKL
from slr.types import Batch, NetOutput, Padded
from tests.reference import ensembles as reference
from tests.reference.ctc_brute_force import sentence_scores

CLASSES = 4
IDS = ("a", "b", "c")


class Scripted:
    """A teacher that says what it was given, whatever it is shown; taps are written ``name=width``."""

    def __init__(self, steps: Sequence[int], classes: int = CLASSES, padding: int = 0, **taps: int) -> None:
        self.output = NetOutput(
            self._random(steps, classes, padding),
            {name: self._random(steps, width, padding) for name, width in taps.items()},
        )

    @staticmethod
    def _random(steps: Sequence[int], width: int, padding: int) -> Padded:
        padded = Padded.from_list([2 * torch.randn(count, width) for count in steps])
        spoilt = torch.where(padded.expanded_mask(), padded.values, torch.nan)
        extra = torch.full((len(steps), padding, width), torch.nan)
        return Padded(torch.cat([spoilt, extra], dim=1), padded.lengths)

    def __call__(self, batch: Batch) -> NetOutput:
        rows = [IDS.index(clip) for clip in batch.ids]
        read = lambda padded: Padded(padded.values[rows], padded.lengths[rows])  # noqa: E731
        return NetOutput(read(self.output.logits), {name: read(tap) for name, tap in self.output.taps.items()})


def batch_of(*ids: str, glosses: Sequence[Sequence[int]] = ()) -> Batch:
    ids = ids or IDS
    sentences = glosses or [[1]] * len(ids)
    frames = Padded.from_list([torch.arange(4) for _ in ids])
    return Batch(tuple(ids), Padded.from_list([torch.tensor(sentence).long() for sentence in sentences]), frames)


def lists(padded: Padded) -> list[list[list[float]]]:
    return [clip.tolist() for clip in padded.unpad()]


# Posteriors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, (1.0, 3.0, 0.5)])
@pytest.mark.parametrize("steps", [((5, 3, 4),) * 3, ((5, 3, 4), (9, 2, 4), (3, 6, 8))])
def test_the_posteriors_are_mixed_on_the_steps_of_the_first(weights: tuple | None, steps: tuple):
    members = [Scripted(counts) for counts in steps]
    teacher = EnsembleTeacher(members, "weighted" if weights else "average", weights=weights)
    found = teacher(batch_of()).logits
    assert found.lengths.tolist() == [5, 3, 4]
    shares = list(weights or (1, 1, 1))
    for row, clip in enumerate(found.unpad()):
        expected = reference.mixed([lists(member.output.logits)[row] for member in members], shares)
        torch.testing.assert_close(clip.exp(), torch.tensor(expected), rtol=1e-4, atol=1e-6)


def test_the_mixture_is_what_one_teacher_says_where_all_say_the_same():
    member = Scripted((5, 3, 4))
    found = EnsembleTeacher([member, member])(batch_of()).logits
    for ours, theirs in zip(found.unpad(), member.output.logits.unpad(), strict=True):
        torch.testing.assert_close(ours, theirs.log_softmax(-1))


def test_a_gloss_that_one_teacher_knows_for_certain_keeps_its_share():
    sure, unsure = Scripted((1, 1, 1)), Scripted((1, 1, 1))
    sure.output.logits.values[:] = torch.tensor([0.0, 500.0, 0.0, 0.0])
    unsure.output.logits.values[:] = torch.tensor([0.0, -500.0, 0.0, 0.0])
    found = EnsembleTeacher([sure, unsure], "weighted", weights=[3, 1])(batch_of()).logits.values.exp()
    torch.testing.assert_close(found[0, 0], torch.tensor([0.25 / 3, 0.75, 0.25 / 3, 0.25 / 3]))


def test_scores_of_other_heads_are_mixed_and_features_put_side_by_side():
    members = [
        Scripted((5, 3, 4), conv=3, conv_logits=CLASSES),
        Scripted((7, 3, 2), conv=2, conv_logits=CLASSES, own=4),
    ]
    found = EnsembleTeacher(members)(batch_of())
    assert set(found.taps) == {"conv", "conv_logits"}
    assert found.taps["conv"].values.shape[-1] == 5
    for row, clip in enumerate(found.taps["conv_logits"].unpad()):
        expected = reference.mixed([lists(member.output.taps["conv_logits"])[row] for member in members], [1, 1])
        torch.testing.assert_close(clip.exp(), torch.tensor(expected), rtol=1e-4, atol=1e-6)
    for row, clip in enumerate(found.taps["conv"].unpad()):
        one, other = (lists(member.output.taps["conv"])[row] for member in members)
        torch.testing.assert_close(
            clip, torch.cat([torch.tensor(one), torch.tensor(reference.stretched(other, len(one)))], 1)
        )


def test_padding_and_the_other_clips_of_a_batch_change_nothing():
    members = [Scripted((5, 3, 4), conv=3), Scripted((2, 6, 4), conv=3)]
    together = EnsembleTeacher(members)(batch_of())
    for row, clip in enumerate(IDS):
        alone = EnsembleTeacher(members)(batch_of(clip))
        for name in ("logits", "conv"):
            torch.testing.assert_close(alone.read(name).unpad()[0], together.read(name).unpad()[row])
    for member in members:
        logits = member.output.logits.map(lambda values: nn.functional.pad(values, (0, 0, 0, 3), value=math.nan))
        member.output = NetOutput(logits, member.output.taps)
    padded = EnsembleTeacher(members)(batch_of())
    for ours, theirs in zip(padded.logits.unpad(), together.logits.unpad(), strict=True):
        assert torch.equal(ours, theirs)


def test_no_gradient_reaches_a_member_and_its_answer_can_be_a_target():
    member = Scripted((5, 3, 4))
    member.output.logits.values.requires_grad_()
    wanted = EnsembleTeacher([member, Scripted((5, 3, 4))])(batch_of())
    assert not wanted.logits.values.requires_grad
    scores = torch.randn_like(wanted.logits.values).requires_grad_()
    FrameKL()(NetOutput(Padded(scores, wanted.logits.lengths)), wanted, batch_of()).backward()
    assert scores.grad.any()
    assert member.output.logits.values.grad is None


# The best of each clip -----------------------------------------------------------------------------------------------


def test_every_clip_is_taught_by_the_one_chosen_for_it_and_others_by_the_one_for_all():
    members = [Scripted((5, 3, 4), conv=2, own=2), Scripted((5, 3, 4), conv=2, own=3)]
    found = EnsembleTeacher(members, "best", chosen={"a": 1, "b": 0}, otherwise=1)(batch_of())
    assert set(found.taps) == {"conv"}, "features of another width cannot stand in one tap"
    for name in ("logits", "conv"):
        for row, member in enumerate((1, 0, 1)):
            assert torch.equal(found.read(name).unpad()[row], members[member].output.read(name).unpad()[row])


def test_the_chosen_one_answers_on_the_steps_of_the_first():
    members = [Scripted((5, 3, 4)), Scripted((9, 2, 4))]
    found = EnsembleTeacher(members, "best", chosen={"a": 1, "b": 1, "c": 1})(batch_of()).logits
    assert found.lengths.tolist() == [5, 3, 4]
    for row, clip in enumerate(found.unpad()):
        expected = reference.stretched(lists(members[1].output.logits)[row], len(clip))
        torch.testing.assert_close(clip, torch.tensor(expected))


def test_the_training_loss_is_the_probability_of_the_transcript_over_all_paths():
    teacher, sentences = Scripted((4, 3, 2), padding=2), [[1, 2], [3], [2, 2]]
    found = training_losses(teacher, [batch_of("a", "b", glosses=sentences[:2]), batch_of("c", glosses=sentences[2:])])
    assert list(found) == ["a", "b", "c"]
    for row, clip in enumerate(("a", "b")):
        steps = [
            [math.log(share) for share in reference.posteriors(step)] for step in lists(teacher.output.logits)[row]
        ]
        assert found[clip] == pytest.approx(-sentence_scores(steps, CLASSES)[tuple(sentences[row])], rel=1e-4)
    assert found["c"] == math.inf, "two equal glosses need three steps"


def test_without_a_step_only_the_empty_transcript_can_be_written():
    found = training_losses(Scripted((0, 0, 0)), [batch_of("a", "b", glosses=[[1], []])])
    assert found == {"a": math.inf, "b": 0}


def test_the_lowest_loss_wins_and_the_first_of_equals():
    losses = [{"a": 1.0, "b": 4.0, "c": 2.0, "d": math.inf}, {"a": 3.0, "b": 0.5, "c": 2.0, "d": math.inf}]
    assert choose_best(losses) == Choice({"a": 0, "b": 1, "c": 0, "d": 0}, ("c", "d"), 1)
    assert choose_best([losses[0], losses[0]]).overall == 0


def test_a_clip_that_cannot_be_written_weighs_more_than_any_loss_on_others():
    losses = [{"a": 0.0, "b": math.inf}, {"a": 900.0, "b": 900.0}]
    assert choose_best(losses) == Choice({"a": 0, "b": 1}, (), 1)


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ([{"a": 1.0}, {"b": 1.0}], "asked about different clips"),
        ([{"a": 1.0}, {"a": math.nan}], "training loss of a teacher on clip 'a' is not a number"),
    ],
)
def test_losses_that_cannot_be_compared_are_refused(losses: list, says: str):
    with pytest.raises(ValueError, match=says):
        choose_best(losses)


# What is published, and what is refused ------------------------------------------------------------------------------


def test_taps_are_those_of_all_members():
    one = {"logits": 9, "conv": 4, "frame": 6, "conv_logits": 9}
    other = {"logits": 9, "conv": 4, "frame": 8, "conv_logits": 9, "context": 5}
    assert combined_widths([one, other], "best") == {"logits": 9, "conv": 4, "conv_logits": 9}
    for rule in ("average", "weighted"):
        assert combined_widths([one, other], rule) == {"logits": 9, "conv": 8, "frame": 14, "conv_logits": 9}


def test_scores_are_told_from_features_by_their_name():
    assert [holds_scores(name) for name in ("logits", "conv_logits", "conv", "logits_of")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"rule": "avrage"}, "rule is 'avrage', which is none of average, weighted, best"),
        ({"rule": "weighted"}, "weights belong to 'weighted'"),
        ({"rule": "average", "weights": [1, 1]}, "weights belong to 'weighted'"),
        ({"rule": "weighted", "weights": [1]}, "1 weights are given for 2 teachers"),
        ({"rule": "weighted", "weights": [1, 0]}, "each must be finite and greater than 0"),
        ({"rule": "weighted", "weights": [1, math.inf]}, "each must be finite and greater than 0"),
        ({"rule": "best"}, "'best' needs one"),
        ({"rule": "average", "chosen": {"a": 0}}, "a choice is given"),
    ],
)
def test_rules_that_make_no_sense_are_refused(arguments: dict, says: str):
    with pytest.raises(ValueError, match=says):
        EnsembleTeacher([Scripted((1, 1, 1)), Scripted((1, 1, 1))], **arguments)


def test_one_teacher_is_no_ensemble_and_two_vocabularies_are_not_mixed():
    with pytest.raises(ValueError, match="1 teachers cannot be combined"):
        EnsembleTeacher([Scripted((1, 1, 1))])
    with pytest.raises(ValueError, match="the teachers write 4, 5 classes"):
        EnsembleTeacher([Scripted((1, 1, 1)), Scripted((1, 1, 1), classes=5)])(batch_of())
