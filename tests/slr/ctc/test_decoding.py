from __future__ import annotations

import math

import pytest
import torch

from slr.ctc import BeamDecoder, GreedyDecoder, decoder_by_name
from slr.types import Padded
from tests.reference import ctc_brute_force as brute

EXACT = {"prune_log_probability": -math.inf, "top_classes": None}


def random_logits(steps: int, classes: int, seed: int, spread: float = 2.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(steps, classes, generator=generator, dtype=torch.float64)


def one_clip(logits: torch.Tensor) -> Padded:
    return Padded(logits[None], torch.tensor([len(logits)]))


def spikes(*labels: int, classes: int = 5) -> torch.Tensor:
    """Logits that leave no doubt about the class of each step."""
    return 30.0 * torch.nn.functional.one_hot(torch.tensor(labels), classes).double()


@pytest.mark.parametrize(
    ("steps", "classes", "seed"), [(1, 2, 0), (2, 3, 1), (4, 4, 2), (5, 3, 3), (6, 3, 4), (6, 4, 5)]
)
def test_a_wide_beam_finds_every_sentence_with_its_exact_probability(steps, classes, seed):
    logits = random_logits(steps, classes, seed)
    expected = brute.sentence_scores(logits.log_softmax(-1).tolist(), classes)
    decoding = BeamDecoder(width=len(expected) + 5, **EXACT).decode(one_clip(logits))[0]
    found = {hypothesis.glosses: hypothesis.log_probability for hypothesis in decoding.hypotheses}
    assert found == pytest.approx(expected, abs=1e-9)
    scores = [hypothesis.log_probability for hypothesis in decoding.hypotheses]
    assert scores == sorted(scores, reverse=True)
    assert math.fsum(map(math.exp, scores)) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(3))
def test_times_and_posteriors_are_those_of_the_most_probable_path(seed):
    logits = random_logits(5, 3, seed)
    log_probs = logits.log_softmax(-1).tolist()
    for hypothesis in BeamDecoder(width=100, **EXACT).decode(one_clip(logits))[0].hypotheses:
        _, path = brute.best_path(log_probs, 3, hypothesis.glosses)
        spans = brute.spans(path)
        assert list(zip(hypothesis.starts, hypothesis.ends, strict=True)) == spans
        for gloss, (first, last), posterior in zip(hypothesis.glosses, spans, hypothesis.log_posteriors, strict=True):
            steps = range(first, last + 1)
            assert posterior == pytest.approx(sum(log_probs[step][gloss] for step in steps) / len(steps))


@pytest.mark.parametrize("seed", range(20))
def test_a_narrow_beam_never_overstates_a_probability(seed):
    logits = random_logits(6, 4, seed, spread=1.0)
    exact = brute.sentence_scores(logits.log_softmax(-1).tolist(), 4)
    for decoder in (BeamDecoder(width=3), BeamDecoder(width=4, prune_log_probability=-1.5, top_classes=2)):
        hypotheses = decoder.decode(one_clip(logits))[0].hypotheses
        assert 1 <= len(hypotheses) <= decoder.width
        assert len({hypothesis.glosses for hypothesis in hypotheses}) == len(hypotheses)
        for hypothesis in hypotheses:
            assert hypothesis.log_probability <= exact[hypothesis.glosses] + 1e-9


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("seed", range(5))
def test_a_narrow_beam_keeps_what_a_textbook_search_keeps(width, seed):
    logits = random_logits(15, 4, seed, spread=1.5)
    expected = brute.prefix_beam(logits.log_softmax(-1).tolist(), width)
    found = BeamDecoder(width, **EXACT).decode(one_clip(logits))[0].hypotheses
    assert [hypothesis.glosses for hypothesis in found] == [prefix for prefix, _ in expected]
    assert [hypothesis.log_probability for hypothesis in found] == pytest.approx([score for _, score in expected])


def test_the_beam_sums_paths_where_greedy_sees_only_the_best_one():
    # Two steps of blank .6 and gloss .4: the best path is blank blank (.36), the best sentence is the gloss (.64).
    logits = torch.tensor([[0.6, 0.4], [0.6, 0.4]], dtype=torch.float64).log()
    greedy = GreedyDecoder().decode(one_clip(logits))[0].best
    beam = BeamDecoder(width=2).decode(one_clip(logits))[0].best
    assert (greedy.glosses, math.exp(greedy.log_probability)) == ((), pytest.approx(0.36))
    assert (beam.glosses, math.exp(beam.log_probability)) == ((1,), pytest.approx(0.64))


@pytest.mark.parametrize("decoder", [GreedyDecoder(), BeamDecoder()])
def test_a_repeat_survives_a_blank_and_only_a_blank(decoder):
    logits = Padded.from_list([spikes(1, 1, 2), spikes(1, 0, 1, 2, 0, 0, 2)])
    together, apart = (decoding.best for decoding in decoder.decode(logits))
    assert together.glosses == (1, 2)
    assert (together.starts, together.ends) == ((0, 2), (1, 2))
    assert apart.glosses == (1, 1, 2, 2)
    assert (apart.starts, apart.ends) == ((0, 2, 3, 6), (0, 2, 3, 6))


@pytest.mark.parametrize("seed", range(10))
def test_greedy_scores_its_sentence_over_all_paths_and_times_its_best_one(seed):
    logits = random_logits(5, 4, seed)
    log_probs = logits.log_softmax(-1).tolist()
    path = [row.index(max(row)) for row in log_probs]
    best = GreedyDecoder().decode(one_clip(logits))[0].best
    assert best.glosses == brute.collapse(path)
    assert best.log_probability == pytest.approx(brute.sentence_scores(log_probs, 4)[best.glosses])
    assert list(zip(best.starts, best.ends, strict=True)) == brute.spans(path)
    for (first, last), gloss, posterior in zip(brute.spans(path), best.glosses, best.log_posteriors, strict=True):
        assert posterior == pytest.approx(sum(log_probs[s][gloss] for s in range(first, last + 1)) / (last + 1 - first))


@pytest.mark.parametrize("decoder", [GreedyDecoder(), BeamDecoder(width=4), BeamDecoder(width=3, top_classes=2)])
def test_padding_and_company_in_the_batch_change_nothing(decoder):
    clips = [random_logits(steps, 6, seed).float() for seed, steps in enumerate([7, 1, 4, 9])]
    padded = Padded.from_list(clips)
    garbage = torch.where(padded.expanded_mask(), padded.values, torch.nan)
    alone = [decoder.decode(one_clip(clip))[0] for clip in clips]
    for values in (padded.values, garbage, torch.nn.functional.pad(garbage, (0, 0, 0, 5), value=float("inf"))):
        together = decoder.decode(Padded(values, padded.lengths))
        for one, other in zip(alone, together, strict=True):
            assert [h.glosses for h in one.hypotheses] == [h.glosses for h in other.hypotheses]
            assert [(h.starts, h.ends) for h in one.hypotheses] == [(h.starts, h.ends) for h in other.hypotheses]
            for h, g in zip(one.hypotheses, other.hypotheses, strict=True):
                assert h.log_probability == pytest.approx(g.log_probability, abs=1e-5)
                assert h.log_posteriors == pytest.approx(g.log_posteriors, abs=1e-5)


def test_equal_scores_are_ordered_alike_whatever_else_is_in_the_batch():
    undecided, other = torch.zeros(4, 5), random_logits(4, 5, 0).float()
    decoder = BeamDecoder(width=6)
    alone = decoder.decode(one_clip(undecided))[0]
    together = decoder.decode(Padded.from_list([other, undecided]))[1]
    assert [h.glosses for h in alone.hypotheses] == [h.glosses for h in together.hypotheses]


@pytest.mark.parametrize("decoder", [GreedyDecoder(), BeamDecoder(width=3)])
def test_a_clip_without_steps_has_the_empty_hypothesis_for_certain(decoder):
    beside_another = decoder.decode(Padded(torch.zeros(2, 3, 4), torch.tensor([0, 3])))[0]
    nothing_at_all = decoder.decode(Padded(torch.zeros(1, 0, 4), torch.tensor([0])))[0]
    for decoding in (beside_another, nothing_at_all):
        assert [hypothesis.glosses for hypothesis in decoding.hypotheses] == [()]
        assert decoding.best.log_probability == pytest.approx(0.0)


def test_impossible_classes_are_no_hypotheses():
    logits = torch.tensor([[-math.inf, 0.0, -math.inf], [0.0, -math.inf, -math.inf]])
    decoding = BeamDecoder(width=5, **EXACT).decode(one_clip(logits))[0]
    assert [hypothesis.glosses for hypothesis in decoding.hypotheses] == [(1,)]


def test_a_beam_survives_thresholds_that_would_prune_everything():
    logits = torch.tensor([[-math.inf, 0.0, 0.1], [-math.inf, 0.1, 0.0]])
    best = BeamDecoder(width=1, prune_log_probability=-0.01).decode(one_clip(logits))[0].best
    assert best.glosses == (2, 1)


@pytest.mark.parametrize("decoder", [GreedyDecoder(), BeamDecoder()])
@pytest.mark.parametrize("fault", [math.nan, -math.inf])
def test_logits_that_are_no_numbers_are_refused_by_clip(decoder, fault):
    values = torch.zeros(3, 4, 3)
    values[1, 2] = fault
    with pytest.raises(ValueError, match=r"clips \[1\]"):
        decoder.decode(Padded(values, torch.tensor([4, 4, 4])))


def test_half_precision_decodes_like_single():
    logits = one_clip(random_logits(6, 5, 0).half())
    half, single = (BeamDecoder().decode(p)[0].best for p in (logits, logits.map(torch.Tensor.float)))
    assert half == single


def test_scores_match_the_loss_of_torch_on_a_vocabulary_of_real_size():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 40, 1296, generator=generator)
    logits[..., 0] += 18
    logits[:, 3::5, 7] += 24
    lengths = torch.tensor([40, 29])
    for index, decoding in enumerate(BeamDecoder(width=10).decode(Padded(logits, lengths))):
        assert len(decoding.hypotheses) == 10
        steps = int(lengths[index])
        log_probs = logits[index, :steps].log_softmax(-1)
        exact = -torch.nn.functional.ctc_loss(
            log_probs, torch.tensor(decoding.best.glosses), [steps], [len(decoding.best.glosses)], reduction="sum"
        )
        assert decoding.best.glosses == (7,) * (8 if steps == 40 else 6)
        assert decoding.best.log_probability == pytest.approx(float(exact), abs=1e-2)


def test_decoders_are_found_by_name_and_say_what_they_are():
    assert decoder_by_name("greedy", width=3).name == "greedy"
    assert decoder_by_name("beam", width=3).name == "beam-3"
    with pytest.raises(ValueError, match=r"'beem'.*'greedy' or 'beam'"):
        decoder_by_name("beem")


@pytest.mark.parametrize("setting", [{"width": 0}, {"top_classes": 0}, {"prune_log_probability": 0.5}])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(ValueError, match=r"\d"):
        BeamDecoder(**setting)
