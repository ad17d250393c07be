"""Beam searches of other projects behind the verb of ours, for who wants to compare, or has results made with them."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import torch

from slr.ctc.hypotheses import Decoding, log_probabilities, read_path
from slr.types import Padded
from slr.vocabulary import BLANK


class FlashlightDecoder:
    """Lexicon-free beam search of ``flashlight-text`` (version 0.0.7), one clip after the other on the CPU.

    It sums over the paths that it keeps, so that ``log_probability`` is a lower bound like that of
    :class:`slr.ctc.BeamDecoder`. The times of the glosses are those of the path it reports, which is not always the
    most probable one.

    Args:
        width: prefixes to keep.
        top_classes: classes tried at every step.

    Raises:
        ValueError: when ``width`` or ``top_classes`` is below 1, or the package is not installed.
    """

    def __init__(self, width: int = 10, top_classes: int = 50) -> None:
        self._library = _library("flashlight.lib.text.decoder", "flashlight-text")
        self.width = _at_least_one("width", width)
        self.top_classes = _at_least_one("top_classes", top_classes)

    @property
    def name(self) -> str:
        """``flashlight-`` and the width."""
        return f"flashlight-{self.width}"

    def decode(self, logits: Padded) -> list[Decoding]:
        """The best hypothesis of every clip from raw scores ``[B, S, V]``."""
        log_probs = log_probabilities(logits)
        search = self._search(log_probs.values.shape[-1])
        return [self._decode_clip(search, clip) for clip in log_probs.unpad()]

    def _search(self, classes: int) -> Any:
        library = self._library
        options = library.LexiconFreeDecoderOptions(
            beam_size=self.width,
            beam_size_token=min(self.top_classes, classes),
            beam_threshold=1e9,  # it would drop prefixes that are far behind the best one
            lm_weight=0.0,
            sil_score=0.0,
            log_add=True,
            criterion_type=library.CriterionType.CTC,
        )
        # No token is silence: the blank has that place, and silence scores nothing.
        return library.LexiconFreeDecoder(options, library.ZeroLM(), BLANK, BLANK, [])

    def _decode_clip(self, search: Any, log_probs: torch.Tensor) -> Decoding:
        # It reads the scores from their address: single, contiguous, on the CPU, and alive until it ends.
        scores = log_probs.to("cpu", torch.float32).contiguous()
        steps, classes = scores.shape
        found = search.decode(scores.data_ptr(), steps, classes)[0]
        path = found.tokens[1 : steps + 1]  # a token more at either end than there are steps
        return Decoding((read_path(path, [float(scores[s, c]) for s, c in enumerate(path)], float(found.score)),))


class CtcdecodeDecoder:
    """Prefix beam search of ``ctcdecode`` (parlance), where its user has built it: it comes without wheels.

    Args:
        width: prefixes to keep.
        processes: CPU threads.

    Raises:
        ValueError: when ``width`` or ``processes`` is below 1, or the package is not installed.
    """

    def __init__(self, width: int = 10, processes: int = 2) -> None:
        self._library = _library("ctcdecode", "ctcdecode")
        self.width = _at_least_one("width", width)
        self.processes = _at_least_one("processes", processes)

    @property
    def name(self) -> str:
        """``ctcdecode-`` and the width."""
        return f"ctcdecode-{self.width}"

    def decode(self, logits: Padded) -> list[Decoding]:
        """The best hypothesis of every clip from raw scores ``[B, S, V]``."""
        log_probs = log_probabilities(logits).to("cpu")
        classes = log_probs.values.shape[-1]
        search = self._library.CTCBeamDecoder(
            # Its labels are characters, which it only joins into text; ours are never looked at.
            [chr(0x4E00 + index) for index in range(classes)],
            beam_width=self.width,
            blank_id=BLANK,
            log_probs_input=True,
            num_processes=self.processes,
        )
        glosses, costs, steps, lengths = search.decode(log_probs.values.float(), log_probs.lengths)
        rows = zip(glosses[:, 0], steps[:, 0], lengths[:, 0].tolist(), costs[:, 0].tolist(), strict=True)
        return [
            _spikes(log_probs.values[index], row[:length].tolist(), times[:length].tolist(), -cost)
            for index, (row, times, length, cost) in enumerate(rows)
        ]


def _spikes(log_probs: torch.Tensor, glosses: list[int], steps: list[int], log_probability: float) -> Decoding:
    """A hypothesis whose glosses last one step each: the one at which ``ctcdecode`` first saw them."""
    reading = read_path([], [], log_probability)
    return Decoding(
        (
            type(reading)(
                glosses=tuple(glosses),
                log_probability=log_probability,
                score=log_probability,
                starts=tuple(steps),
                ends=tuple(steps),
                log_posteriors=tuple(float(log_probs[step, gloss]) for step, gloss in zip(steps, glosses, strict=True)),
            ),
        )
    )


def _library(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        raise ValueError(
            f"the backend {package} is not installed: install it, or leave the choice to 'auto', which needs nothing"
        ) from fault


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name} is {value}: it starts at 1")
    return value
