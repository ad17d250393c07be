from __future__ import annotations

import math

import pytest
import torch

from slr.ctc import BeamDecoder, GreedyDecoder, decoder_by_name
from slr.types import Padded
from tests.reference import ctc_brute_force as brute
from tests.reference.ctc_prefix_beam import prefix_beam


def all_of(width: int) -> BeamDecoder:
    """A beam that returns everything it kept."""
    return BeamDecoder(width, n_best=width)


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
    decoding = all_of(len(expected) + 5).decode(one_clip(logits))[0]
    found = {hypothesis.glosses: hypothesis.log_probability for hypothesis in decoding.hypotheses}
    assert found == pytest.approx(expected, abs=1e-9)
    scores = [hypothesis.log_probability for hypothesis in decoding.hypotheses]
    assert scores == sorted(scores, reverse=True)
    assert math.fsum(map(math.exp, scores)) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(3))
def test_times_and_posteriors_are_those_of_the_most_probable_path(seed):
    logits = random_logits(5, 3, seed)
    log_probs = logits.log_softmax(-1).tolist()
    for hypothesis in all_of(100).decode(one_clip(logits))[0].hypotheses:
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
    for decoder in (all_of(1), all_of(3), BeamDecoder(4, n_best=2)):
        hypotheses = decoder.decode(one_clip(logits))[0].hypotheses
        assert 1 <= len(hypotheses) <= decoder.n_best
        assert len({hypothesis.glosses for hypothesis in hypotheses}) == len(hypotheses)
        for hypothesis in hypotheses:
            assert hypothesis.log_probability <= exact[hypothesis.glosses] + 1e-9


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("seed", range(5))
def test_a_narrow_beam_keeps_what_a_textbook_search_keeps(width, seed):
    logits = random_logits(15, 4, seed, spread=1.5)
    expected = brute.prefix_beam(logits.log_softmax(-1).tolist(), width)
    found = all_of(width).decode(one_clip(logits))[0].hypotheses
    assert [hypothesis.glosses for hypothesis in found] == [prefix for prefix, _ in expected]
    assert [hypothesis.log_probability for hypothesis in found] == pytest.approx([score for _, score in expected])


@pytest.mark.parametrize("width", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("peak", [0.0, 6.0])
def test_leaving_out_what_cannot_matter_loses_nothing(width, peak):
    # Of 40 classes only the few best are tried; the textbook tries them all.
    for seed in range(8):
        logits = random_logits(12, 40, seed, spread=1.5)
        logits[torch.arange(12), torch.randint(40, (12,), generator=torch.Generator().manual_seed(seed))] += peak
        logits[:, 0] += peak / 2
        expected = brute.prefix_beam(logits.log_softmax(-1).tolist(), width)
        found = all_of(width).decode(one_clip(logits))[0].hypotheses
        assert [hypothesis.glosses for hypothesis in found] == [prefix for prefix, _ in expected]
        assert [hypothesis.log_probability for hypothesis in found] == pytest.approx([score for _, score in expected])


@pytest.mark.parametrize("lead", [0.0, 8.0])
def test_a_vocabulary_of_real_size_is_searched_as_if_nothing_were_left_out(lead):
    generator = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn(6, 40, 1296, generator=generator)
    ahead = torch.randint(0, 1296, (6, 40, 1), generator=generator) * torch.randint(
        0, 2, (6, 40, 1), generator=generator
    )
    logits.scatter_add_(2, ahead, torch.full_like(ahead, lead, dtype=torch.float32))
    for clip, decoding in zip(logits, all_of(10).decode(Padded(logits, torch.full((6,), 40))), strict=True):
        expected = prefix_beam(clip.log_softmax(-1).double().numpy(), 10)
        assert [h.glosses for h in decoding.hypotheses] == [prefix for prefix, _ in expected]
        assert [h.log_probability for h in decoding.hypotheses] == pytest.approx([s for _, s in expected], abs=1e-3)


def test_the_two_textbook_searches_agree():
    for seed in range(5):
        log_probs = random_logits(9, 6, seed).log_softmax(-1)
        slow, faster = brute.prefix_beam(log_probs.tolist(), 7), prefix_beam(log_probs.numpy(), 7)
        assert [prefix for prefix, _ in slow] == [prefix for prefix, _ in faster]
        assert [score for _, score in slow] == pytest.approx([score for _, score in faster])


def test_a_margin_drops_what_is_far_behind_and_only_that():
    logits = random_logits(1, 5, 0)
    ranked = all_of(5).decode(one_clip(logits))[0].hypotheses
    best = ranked[0].log_probability
    for margin in (0.1, 1.0, 3.0, 50.0):
        near = BeamDecoder(5, n_best=5, margin=margin).decode(one_clip(logits))[0].hypotheses
        assert near == tuple(h for h in ranked if h.log_probability >= best - margin)
    assert BeamDecoder(5, margin=0.5).name == "beam-5-margin0.5"
    # Over many steps the loss is at most what was dropped.
    long = one_clip(random_logits(12, 5, 1))
    whole, pruned = (decoder.decode(long)[0].best for decoder in (BeamDecoder(40), BeamDecoder(40, margin=12.0)))
    assert pruned.glosses == whole.glosses
    assert pruned.log_probability == pytest.approx(whole.log_probability, abs=1e-3)


@pytest.mark.parametrize("bonus", [-1.0, 0.7])
def test_an_insertion_bonus_ranks_by_length_too(bonus):
    logits = random_logits(5, 4, 0)
    exact = brute.sentence_scores(logits.log_softmax(-1).tolist(), 4)
    ranked = sorted(exact, key=lambda sentence: -(exact[sentence] + bonus * len(sentence)))
    decoder = BeamDecoder(width=500, n_best=len(exact), insertion_bonus=bonus)
    found = decoder.decode(one_clip(logits))[0].hypotheses
    assert [hypothesis.glosses for hypothesis in found] == ranked
    for hypothesis in found:
        assert hypothesis.log_probability == pytest.approx(exact[hypothesis.glosses])
        assert hypothesis.score == pytest.approx(exact[hypothesis.glosses] + bonus * len(hypothesis.glosses))
    assert decoder.name == f"beam-500-bonus{bonus:+g}"


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


@pytest.mark.parametrize("decoder", [GreedyDecoder(), all_of(4), BeamDecoder(1)])
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
    decoder = all_of(6)
    alone = decoder.decode(one_clip(undecided))[0]
    together = decoder.decode(Padded.from_list([other, undecided]))[1]
    assert [h.glosses for h in alone.hypotheses] == [h.glosses for h in together.hypotheses]


@pytest.mark.parametrize("decoder", [GreedyDecoder(), all_of(3)])
def test_a_clip_without_steps_has_the_empty_hypothesis_for_certain(decoder):
    beside_another = decoder.decode(Padded(torch.zeros(2, 3, 4), torch.tensor([0, 3])))[0]
    nothing_at_all = decoder.decode(Padded(torch.zeros(1, 0, 4), torch.tensor([0])))[0]
    for decoding in (beside_another, nothing_at_all):
        assert [hypothesis.glosses for hypothesis in decoding.hypotheses] == [()]
        assert decoding.best.log_probability == pytest.approx(0.0)


def test_impossible_classes_are_no_hypotheses():
    logits = torch.tensor([[-math.inf, 0.0, -math.inf], [0.0, -math.inf, -math.inf]])
    decoding = all_of(5).decode(one_clip(logits))[0]
    assert [hypothesis.glosses for hypothesis in decoding.hypotheses] == [(1,)]


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
    for index, decoding in enumerate(all_of(10).decode(Padded(logits, lengths))):
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
    for backend in ("auto", "own"):
        assert decoder_by_name("beam", width=3, backend=backend).name == "beam-3"
    with pytest.raises(ValueError, match=r"'beem'.*'greedy' or 'beam'"):
        decoder_by_name("beem")
    with pytest.raises(ValueError, match=r"backend 'flash'.*auto, own, flashlight, ctcdecode"):
        decoder_by_name("beam", backend="flash")
    for setting in ({"name": "greedy"}, {"name": "beam", "backend": "flashlight"}):
        with pytest.raises(ValueError, match=r"need our own beam search, not (greedy|flashlight)"):
            decoder_by_name(**setting, insertion_bonus=0.5)


def test_scores_of_the_blank_alone_are_refused():
    with pytest.raises(ValueError, match="one class, the blank"):
        BeamDecoder().decode(one_clip(torch.zeros(3, 1)))


@pytest.mark.parametrize(
    "setting",
    [
        {"width": 0},
        {"top_classes": 0},
        {"width": 3, "n_best": 4},
        {"n_best": 0},
        {"language_weight": -0.5},
        {"insertion_bonus": math.nan},
        {"margin": 0.0},
    ],
)
def test_impossible_settings_are_refused(setting):
    with pytest.raises(ValueError, match=r"\d"):
        BeamDecoder(**setting)
