"""Decoders by the name a user gives them."""

from __future__ import annotations

from slr.ctc.beam import BeamDecoder
from slr.ctc.greedy import GreedyDecoder
from slr.ctc.hypotheses import Decoder


def decoder_by_name(name: str, width: int = 10) -> Decoder:
    """The decoder called ``"greedy"`` or ``"beam"``; only the second has a ``width``.

    Raises:
        ValueError: when the name is neither, or the width is below 1.
    """
    if name == "greedy":
        return GreedyDecoder()
    if name == "beam":
        return BeamDecoder(width=width)
    raise ValueError(f"unknown decoder {name!r}: choose 'greedy' or 'beam'")
