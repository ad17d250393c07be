from __future__ import annotations

import itertools
import math

import pytest
import torch

from slr.ctc import feasible, forced_alignment, required_steps
from slr.types import Padded
from tests.reference import ctc_brute_force as brute

SENTENCES = [[], [1], [2, 1], [1, 1], [1, 2, 1], [2, 2, 2]]


def random_log_probs(steps: int, classes: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(steps, classes, generator=generator, dtype=torch.float64).log_softmax(-1)


def padded(*sentences: list[int]) -> Padded:
    return Padded.from_list([torch.tensor(sentence, dtype=torch.int64) for sentence in sentences])


@pytest.mark.parametrize("steps", range(7))
def test_a_sentence_is_feasible_when_some_path_spells_it(steps):
    spelled = {brute.collapse(path) for path in brute.paths(steps, 3)}
    for length in range(5):
        for sentence in itertools.product((1, 2), repeat=length):
            assert feasible(sentence, steps) == (sentence in spelled)


def test_required_steps_counts_glosses_and_repeats():
    assert [required_steps(sentence) for sentence in SENTENCES] == [0, 1, 2, 3, 3, 5]
    assert required_steps(["REGEN", "REGEN", "IX"]) == 4


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("steps", [3, 5, 6])
def test_the_alignment_is_the_best_of_all_paths(sentence, steps):
    log_probs = random_log_probs(steps, 3, seed=steps)
    expected = brute.best_path(log_probs.tolist(), 3, sentence)
    if expected is None:
        with pytest.raises(ValueError, match="fewer output steps"):
            forced_alignment(Padded.from_list([log_probs]), padded(sentence))
        return
    alignment = forced_alignment(Padded.from_list([log_probs]), padded(sentence))
    assert alignment.labels.values[0].tolist() == list(expected[1])
    assert float(alignment.scores[0]) == pytest.approx(expected[0])


def test_padding_and_company_in_the_batch_change_nothing():
    clips = [random_log_probs(steps, 4, seed) for seed, steps in enumerate([6, 2, 9, 0])]
    sentences = [[1, 1, 3], [2], [3, 2, 1, 1], []]
    log_probs, glosses = Padded.from_list(clips), padded(*sentences)
    garbage = Padded(torch.where(log_probs.expanded_mask(), log_probs.values, torch.nan), log_probs.lengths)
    strange = Padded(torch.where(glosses.mask, glosses.values, -7), glosses.lengths)
    together = forced_alignment(garbage, strange)
    for index, (clip, sentence) in enumerate(zip(clips, sentences, strict=True)):
        alone = forced_alignment(Padded.from_list([clip]), padded(sentence))
        assert together.labels.unpad()[index].tolist() == alone.labels.unpad()[0].tolist()
        assert float(together.scores[index]) == pytest.approx(float(alone.scores[0]))
    assert (together.labels.values[~together.labels.mask] == 0).all()


def test_infeasible_clips_are_named_with_what_they_need():
    log_probs = Padded(torch.zeros(3, 4, 3).log_softmax(-1), torch.tensor([4, 2, 1]))
    with pytest.raises(ValueError, match=r"clips \[1, 2\].*clip 1: 2 steps for 3"):
        forced_alignment(log_probs, padded([1, 2], [1, 1], [1, 2]))


@pytest.mark.parametrize("gloss", [0, 3, -1])
def test_ids_that_are_no_gloss_of_the_network_are_refused(gloss):
    with pytest.raises(ValueError, match=f"clip 1 .* gloss id {gloss} .* 1 to 2"):
        forced_alignment(Padded(torch.zeros(2, 4, 3), torch.tensor([4, 4])), padded([1], [gloss]))


@pytest.mark.parametrize("fault", [-math.inf, math.nan])
def test_clips_without_any_probable_path_are_named(fault):
    log_probs = torch.zeros(2, 3, 3).log_softmax(-1)
    log_probs[1, :, 2] = fault
    with pytest.raises(ValueError, match=r"clips \[1\]"):
        forced_alignment(Padded(log_probs, torch.tensor([3, 3])), padded([2], [2]))
