"""Prefix beam search over CTC posteriors, for all clips of a batch at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from slr.ctc.alignment import best_paths
from slr.ctc.hypotheses import Decoding, log_probabilities, read_path
from slr.ctc.language_model import BeamGains, LanguageModel
from slr.ctc.prefixes import Move, Prefixes, all_pairs, fingerprints, sufficient_pairs
from slr.types import Padded
from slr.vocabulary import BLANK


class BeamDecoder:
    """Keeps the ``width`` best gloss prefixes after every step (Graves 2012; Hannun et al. 2014).

    A prefix carries two sums over the paths that spell it, those that end in a blank and those that end in its last
    gloss; paths that meet in one prefix are added. With enough width the probability of a hypothesis is exact and the
    first hypothesis is the most probable gloss sequence. Glosses are never merged after decoding: a repeated gloss
    means the network saw a blank between.

    What is pruned: the prefixes beyond the best ``width`` and those more than ``margin`` behind the best one. Their
    probability is missing from the sums, so that scores are lower bounds. Of the classes of a step only so many are
    tried as can matter to a beam of that width, which loses nothing (:func:`slr.ctc.prefixes.sufficient_pairs`). A
    language model rates the same gloss differently after every prefix, so that with one only the ``top_classes`` most
    probable glosses of a step are tried; ``benchmarks/decoding.py`` measures what that loses.

    With a language model the best prefix has the largest ``log P(glosses | frames) + language_weight *
    log P(glosses) + insertion_bonus * number of glosses`` (Hannun et al. 2014, equation 1, in natural logarithms);
    at the end of the clip the language model also rates that the sentence ends there.

    Args:
        width: prefixes to keep.
        n_best: most hypotheses to return per clip, at most ``width``.
        language_model: rates gloss sequences, for example :class:`slr.ctc.NgramModel`.
        language_weight: weight of its log probabilities, from 0.
        insertion_bonus: what every gloss adds; positive for longer, negative for shorter hypotheses.
        top_classes: glosses tried at every step under a language model.
        margin: in natural logarithms, above 0. A finite one drops prefixes that hardly any step could bring back, so
            that a stream (:class:`slr.ctc.BeamStream`) is sooner sure of its first glosses.

    Raises:
        ValueError: when a setting is out of its range.
    """

    def __init__(
        self,
        width: int = 10,
        *,
        n_best: int = 1,
        language_model: LanguageModel | None = None,
        language_weight: float = 0.5,
        insertion_bonus: float = 0.0,
        top_classes: int = 40,
        margin: float = math.inf,
    ) -> None:
        if width < 1 or top_classes < 1:
            raise ValueError(f"a beam of width {width} over {top_classes} classes keeps nothing: both start at 1")
        if not 1 <= n_best <= width:
            raise ValueError(f"a beam of width {width} gives 1 to {width} hypotheses, not {n_best}")
        if not (math.isfinite(language_weight) and language_weight >= 0 and math.isfinite(insertion_bonus)):
            raise ValueError(
                f"language_weight {language_weight} and insertion_bonus {insertion_bonus} have to be finite numbers, "
                "the first from 0"
            )
        if not margin > 0:
            raise ValueError(f"a margin of {margin} would drop the best prefix too: it has to be above 0")
        self.width = width
        self.n_best = n_best
        self.language_model = language_model if language_weight > 0 else None
        self.language_weight = language_weight
        self.insertion_bonus = insertion_bonus
        self.top_classes = top_classes
        self.margin = margin

    @property
    def name(self) -> str:
        """``beam-`` and the width, and the margin, language model and bonus where there are any."""
        parts = [f"beam-{self.width}"]
        if self.margin < math.inf:
            parts.append(f"margin{self.margin:g}")
        if self.language_model is not None:
            parts.append(f"{self.language_model.name}-{self.language_weight:g}")
        if self.insertion_bonus:
            parts.append(f"bonus{self.insertion_bonus:+g}")
        return "-".join(parts)

    @torch.inference_mode()
    def decode(self, logits: Padded) -> list[Decoding]:
        """Up to ``n_best`` hypotheses per clip from raw scores ``[B, S, V]``, the best first."""
        log_probs = log_probabilities(logits)
        search = Search(self, log_probs.values)
        search.read(log_probs.values)
        return search.decodings(log_probs)


class Search:
    """A beam search that reads steps as they come.

    Args:
        decoder: the settings.
        like: log probabilities ``[B, S, V]`` of any number of steps, for the size of the batch and the device.
    """

    def __init__(self, decoder: BeamDecoder, like: Tensor) -> None:
        batch, _, classes = like.shape
        if classes < 2:
            raise ValueError("scores of one class, the blank, can spell no gloss: a decoder needs a vocabulary")
        self._codes = fingerprints(classes, like.device)
        self._model: BeamGains | None = None
        gained: Tensor | float = decoder.insertion_bonus
        if decoder.language_model is None:
            self._pairs = sufficient_pairs(decoder.width, classes - 1, like.device)
        else:
            self._pairs = all_pairs(decoder.width, min(decoder.top_classes, classes - 1), like.device)
            weight, bonus = decoder.language_weight, decoder.insertion_bonus
            self._model = BeamGains(decoder.language_model, weight, bonus, batch, decoder.width)
            gained = like.new_zeros(batch, decoder.width)
        self._bonus = decoder.insertion_bonus
        self._n_best = decoder.n_best
        self._margin = decoder.margin
        self.prefixes = Prefixes.empty(batch, decoder.width, like, gained)
        self.moves: list[Move] = []

    def read(self, log_probs: Tensor) -> None:
        """Read the log probabilities of some steps ``[B, S, V]``."""
        ranks = self._pairs.ranks
        scores, classes = log_probs[..., BLANK + 1 :].topk(int(ranks.max()) + 1, dim=-1)
        scores, classes = scores.index_select(-1, ranks), classes.index_select(-1, ranks) + BLANK + 1
        steps = zip(log_probs.unbind(1), classes.unbind(1), scores.unbind(1), strict=True)
        for step, step_classes, step_scores in steps:
            gains = self._bonus if self._model is None else self._model.of(step_classes, self._pairs)
            self.prefixes, move = self.prefixes.advance(
                step, step_classes, step_scores, self._pairs, self._codes, gains
            )
            if self._margin < math.inf:
                self.prefixes = self.prefixes.within(self._margin)
            self.moves.append(move)
            if self._model is not None:
                self._model.follow(move)

    def decodings(self, log_probs: Padded) -> list[Decoding]:
        """The hypotheses of every clip, with the steps of their glosses on ``log_probs``, all that was read."""
        scores, places = self._ranking()
        in_use = scores > -math.inf
        sentences = [row[: sum(used)] for row, used in zip(self._sentences(places), in_use.tolist(), strict=True)]
        glosses, lengths = _padded(sentences, places)
        labels, _ = best_paths(log_probs, glosses, lengths)  # [B, N, S]
        step_scores = log_probs.values.gather(2, labels.transpose(1, 2)).transpose(1, 2)
        columns = (t.tolist() for t in (labels, step_scores, scores, log_probs.lengths))
        rows = zip(sentences, *columns, strict=True)
        return [self._decoding(*row) for row in rows]

    def _ranking(self) -> tuple[Tensor, Tensor]:
        """Scores and places ``[B, N]`` of the best prefixes, the end of the sentence included."""
        scores = self.prefixes.total
        if self._model is not None:
            scores = scores + self._model.ends(scores)
        # A stable sort, because equal scores must not be ordered by what else is in the batch.
        scores, places = scores.sort(dim=1, descending=True, stable=True)
        return scores[:, : self._n_best], places[:, : self._n_best]

    def _sentences(self, places: Tensor) -> list[list[list[int]]]:
        """The glosses of the prefixes at ``places`` ``[B, N]``, followed back to the first step."""
        added = []
        for move in reversed(self.moves):
            added.append(move.glosses.gather(1, places))
            places = move.parents.gather(1, places)
        if not added:
            return [[[] for _ in row] for row in places.tolist()]
        rows = torch.stack(added[::-1], dim=-1).tolist()  # [B, N, S], the blank where nothing was added
        return [[[gloss for gloss in sentence if gloss != BLANK] for sentence in row] for row in rows]

    def _decoding(
        self,
        sentences: list[list[int]],
        labels: list[list[int]],
        step_scores: list[list[float]],
        scores: list[float],
        steps: int,
    ) -> Decoding:
        readings = []
        for sentence, path, step_score, score in zip(sentences, labels, step_scores, scores, strict=False):
            gain = self._model.whole(sentence) if self._model is not None else self._bonus * len(sentence)
            reading = read_path(path[:steps], step_score[:steps], score - gain, score)
            assert list(reading.glosses) == sentence, "the best path spells another sentence than the search"
            readings.append(reading)
        return Decoding(tuple(readings))


def _padded(sentences: Sequence[Sequence[Sequence[int]]], like: Tensor) -> tuple[Tensor, Tensor]:
    """Glosses ``[B, N, U]`` and their lengths ``[B, N]``, as many hypotheses per clip as ``like`` ``[B, N]`` has."""
    batch, number = like.shape
    lengths = torch.zeros(batch, number, dtype=torch.int64)
    longest = max((len(sentence) for row in sentences for sentence in row), default=0)
    glosses = torch.full((batch, number, longest), BLANK, dtype=torch.int64)
    for index, row in enumerate(sentences):
        for place, sentence in enumerate(row):
            glosses[index, place, : len(sentence)] = torch.tensor(sentence, dtype=torch.int64)
            lengths[index, place] = len(sentence)
    return glosses.to(like.device), lengths.to(like.device)
