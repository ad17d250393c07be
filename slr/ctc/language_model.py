"""How probable a sequence of glosses is, and what that adds to the prefixes of a beam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from slr.ctc.prefixes import Move, Pairs
from slr.vocabulary import BLANK

Context = tuple[int, ...]


class LanguageModel(Protocol):
    """Rates gloss sequences. A context is whatever of the glosses so far the model still looks at."""

    @property
    def name(self) -> str:
        """Name for the record of a result."""
        ...

    @property
    def start(self) -> Context:
        """The context of the first gloss."""
        ...

    def extend(self, context: Context, gloss: int) -> Context:
        """The context after ``gloss``."""
        ...

    def log_probability(self, context: Context, gloss: int) -> float:
        """Natural logarithm of the probability of ``gloss`` in its context."""
        ...

    def log_end(self, context: Context) -> float:
        """Natural logarithm of the probability that the sentence ends here."""
        ...


class NgramModel:
    """An n-gram model of glosses from an ARPA file, or from its binary form, read by the package ``kenlm``.

    Args:
        path: the file.
        glosses: the glosses of the network by id, the blank left out: gloss ``i`` has id ``i + 1``.

    Attributes:
        unknown: glosses that the model does not know; it gives them the probability of ``<unk>``.

    Raises:
        ValueError: when the file is no language model, or knows less than half of the glosses; or when ``kenlm`` is not
            installed, which the message says how to do.
    """

    def __init__(self, path: Path | str, glosses: Sequence[str]) -> None:
        self.path = Path(path)
        self._model = _load(self.path)
        self._glosses = tuple(glosses)
        self.order: int = self._model.order
        self.unknown = tuple(gloss for gloss in glosses if gloss not in self._model)
        if 2 * len(self.unknown) > len(self._glosses):
            raise ValueError(
                f"{self.path} is a language model of another vocabulary: it does not know {len(self.unknown)} of the "
                f"network's {len(self._glosses)} glosses, {self.unknown[0]!r} among them"
            )
        self.start: Context = (BLANK,)  # no gloss: it stands for the beginning of a sentence
        # Bounded, so that memory does not grow with the number of clips.
        self.log_probability = lru_cache(maxsize=1 << 18)(self._log_probability)
        self.log_end = lru_cache(maxsize=1 << 16)(self._log_end)
        self._state = lru_cache(maxsize=1 << 16)(self._state_after)

    @property
    def name(self) -> str:
        """The name of the file without its ending."""
        return self.path.stem

    def extend(self, context: Context, gloss: int) -> Context:
        """The last ``order - 1`` glosses, the beginning of the sentence counted as one."""
        return (*context, gloss)[-(self.order - 1) :] if self.order > 1 else ()

    def _log_probability(self, context: Context, gloss: int) -> float:
        return self._rated(context, self._glosses[gloss - 1])

    def _log_end(self, context: Context) -> float:
        return self._rated(context, "</s>")

    def _rated(self, context: Context, word: str) -> float:
        following = type(self._state(context))()
        tenths: float = self._model.BaseScore(self._state(context), word, following)
        return tenths * math.log(10)

    def _state_after(self, context: Context) -> Any:
        kenlm = _kenlm()
        state = kenlm.State()
        if context[:1] == self.start:
            self._model.BeginSentenceWrite(state)
            context = context[1:]
        else:
            self._model.NullContextWrite(state)
        for gloss in context:
            following = kenlm.State()
            self._model.BaseScore(state, self._glosses[gloss - 1], following)
            state = following
        return state


class BeamGains:
    """What a language model and an insertion bonus give to the prefixes of a beam search.

    Args:
        model: rates the glosses.
        weight: weight of its log probabilities.
        bonus: for every gloss.
        batch: clips.
        width: prefixes per clip.
    """

    def __init__(self, model: LanguageModel, weight: float, bonus: float, batch: int, width: int) -> None:
        self._model = model
        self._weight = weight
        self._bonus = bonus
        self._contexts = [[model.start] * width for _ in range(batch)]

    def of(self, classes: Tensor, pairs: Pairs) -> Tensor:
        """Gain ``[B, M]`` of every pair of a prefix and one of ``classes`` ``[B, M]``."""
        rate, weight, bonus = self._model.log_probability, self._weight, self._bonus
        rows = pairs.rows.tolist()
        gains = [
            [weight * rate(contexts[row], gloss) + bonus for row, gloss in zip(rows, glosses, strict=True)]
            for contexts, glosses in zip(self._contexts, classes.tolist(), strict=True)
        ]
        return torch.tensor(gains, device=classes.device)

    def follow(self, move: Move) -> None:
        """Go on with the prefixes that the search kept."""
        extend = self._model.extend
        for index, (parents, glosses) in enumerate(zip(move.parents.tolist(), move.glosses.tolist(), strict=True)):
            contexts = self._contexts[index]
            self._contexts[index] = [
                contexts[parent] if gloss == BLANK else extend(contexts[parent], gloss)
                for parent, gloss in zip(parents, glosses, strict=True)
            ]

    def ends(self, like: Tensor) -> Tensor:
        """What the end of the sentence adds to each prefix, ``[B, K]`` as ``like``."""
        rated = [[self._weight * self._model.log_end(context) for context in row] for row in self._contexts]
        return torch.tensor(rated, dtype=like.dtype, device=like.device)

    def whole(self, sentence: Sequence[int]) -> float:
        """Everything that was given to a sentence, its end included."""
        context, gain = self._model.start, 0.0
        for gloss in sentence:
            gain += self._weight * self._model.log_probability(context, gloss) + self._bonus
            context = self._model.extend(context, gloss)
        return gain + self._weight * self._model.log_end(context)


def _kenlm() -> Any:
    try:
        import kenlm
    except ImportError as fault:
        raise ValueError("a language model needs a package: pip install -e '.[kenlm]'") from fault
    return kenlm


def _load(path: Path) -> Any:
    kenlm = _kenlm()
    if not path.is_file():
        raise ValueError(f"there is no language model {path}")
    settings = kenlm.Config()
    settings.show_progress = False
    settings.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        return kenlm.Model(str(path), settings)
    except (OSError, RuntimeError) as error:
        text = " ".join(str(error).split())
        reason = text.partition("Exception. ")[2] or text  # the places in kenlm's own source help nobody
        raise ValueError(
            f"{path} is no language model that kenlm can read (ARPA, or its binary form): {reason}"
        ) from None
