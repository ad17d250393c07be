"""Beam search over a stream: steps in as the network writes them, out the glosses that nothing can change any more."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from slr.ctc.beam import BeamDecoder, Search
from slr.ctc.hypotheses import Decoding, log_probabilities
from slr.types import Padded
from slr.vocabulary import BLANK

_Sentence = tuple[int, ...]


@dataclass(frozen=True)
class StreamReading:
    """What a stream has read so far.

    ``stable`` is what every prefix still considered begins with: later steps only ever add to it. ``tentative`` follows
    it in the best prefix, and may change.
    """

    stable: tuple[int, ...]
    tentative: tuple[int, ...]


class BeamStream:
    """One clip, read by a :class:`BeamDecoder` while it is being signed.

    Whatever the portions in which the steps come, the end is that of the decoder given all at once. The log
    probabilities of the steps are kept until then (4 bytes per class and step), because the times of the glosses are
    those of the best path through all of them.

    Args:
        decoder: how to search.
    """

    def __init__(self, decoder: BeamDecoder) -> None:
        self.decoder = decoder
        self._search: Search | None = None
        self._read: list[Tensor] = []
        self._sentences: list[_Sentence] = [()] * decoder.width
        self._stable: _Sentence = ()

    @torch.inference_mode()
    def push(self, logits: Tensor) -> StreamReading:
        """Read the raw scores ``[S, V]`` of some more steps.

        Raises:
            ValueError: when they hold a NaN, or another number of classes than those before.
        """
        if logits.ndim != 2 or (self._read and logits.shape[1] != self._read[0].shape[2]):
            wanted = f"[steps, {self._read[0].shape[2]}]" if self._read else "[steps, classes]"
            raise ValueError(f"a stream reads scores of shape {wanted}, not {list(logits.shape)}")
        log_probs = log_probabilities(Padded(logits[None], torch.tensor([len(logits)], device=logits.device))).values
        if self._search is None:
            self._search = Search(self.decoder, log_probs)
        before = len(self._search.moves)
        self._search.read(log_probs)
        self._read.append(log_probs)
        for move in self._search.moves[before:]:
            self._follow(move.parents[0].tolist(), move.glosses[0].tolist())
        return self._reading()

    @torch.inference_mode()
    def finish(self) -> Decoding:
        """The hypotheses for everything that was read; nothing read is the empty one, for certain."""
        if self._search is None:
            return self.decoder.decode(Padded(torch.zeros(1, 0, 2), torch.tensor([0])))[0]
        log_probs = torch.cat(self._read, dim=1)
        return self._search.decodings(Padded(log_probs, torch.tensor([log_probs.shape[1]], device=log_probs.device)))[0]

    def _follow(self, parents: list[int], glosses: list[int]) -> None:
        self._sentences = [
            self._sentences[parent] if gloss == BLANK else (*self._sentences[parent], gloss)
            for parent, gloss in zip(parents, glosses, strict=True)
        ]

    def _reading(self) -> StreamReading:
        assert self._search is not None
        considered = self._search.prefixes.total[0].isfinite().tolist()
        sentences = [sentence for sentence, used in zip(self._sentences, considered, strict=True) if used]
        common = len(self._stable)
        shortest = min(map(len, sentences))
        while common < shortest and len({sentence[common] for sentence in sentences}) == 1:
            common += 1
        self._stable = sentences[0][:common]
        return StreamReading(self._stable, sentences[0][common:])
