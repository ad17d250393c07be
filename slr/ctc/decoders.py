"""Decoders by the name a user gives them."""

from __future__ import annotations

from slr.ctc.backends import CtcdecodeDecoder, FlashlightDecoder
from slr.ctc.beam import BeamDecoder
from slr.ctc.greedy import GreedyDecoder
from slr.ctc.hypotheses import Decoder
from slr.ctc.language_model import LanguageModel

BACKENDS = ("auto", "own", "flashlight", "ctcdecode")


def decoder_by_name(
    name: str,
    width: int = 10,
    *,
    n_best: int = 1,
    backend: str = "auto",
    language_model: LanguageModel | None = None,
    language_weight: float = 0.5,
    insertion_bonus: float = 0.0,
) -> Decoder:
    """The decoder called ``"greedy"`` or ``"beam"``; all other settings are those of a beam.

    Args:
        name: ``"greedy"`` or ``"beam"``.
        width: prefixes to keep.
        n_best: most hypotheses per clip; other people's beams, and greedy, give one.
        backend: ``"own"`` is :class:`slr.ctc.BeamDecoder`, which ``"auto"`` takes as well, since it needs nothing
            installed and is the fastest; ``"flashlight"`` and ``"ctcdecode"`` are other people's.
        language_model: see :class:`slr.ctc.BeamDecoder`.
        language_weight: see there.
        insertion_bonus: see there.

    Raises:
        ValueError: when there is no such decoder or backend, the backend is not installed or takes no language model,
            or a setting is out of its range.
    """
    if name not in ("greedy", "beam"):
        raise ValueError(f"unknown decoder {name!r}: choose 'greedy' or 'beam'")
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r} of the beam search: choose one of {', '.join(BACKENDS)}")
    plain = language_model is None and insertion_bonus == 0
    if not plain and (name == "greedy" or backend not in ("auto", "own")):
        other = backend if name == "beam" else name
        raise ValueError(f"a language model and an insertion bonus need our own beam search, not {other}")
    if name == "greedy":
        return GreedyDecoder()
    if backend == "flashlight":
        return FlashlightDecoder(width)
    if backend == "ctcdecode":
        return CtcdecodeDecoder(width)
    return BeamDecoder(
        width,
        n_best=n_best,
        language_model=language_model,
        language_weight=language_weight,
        insertion_bonus=insertion_bonus,
    )
