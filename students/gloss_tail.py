"""The tail for glosses of students, and what they take about it beside their own arguments."""

from __future__ import annotations

from typing_extensions import TypedDict, Unpack

from slr.layers import RecogniserTail, named_context


class TailOptions(TypedDict, total=False):
    """What every student takes about its tail for glosses, see :class:`~slr.layers.RecogniserTail`.

    ``temporal_layers`` (``K5-P2-K5-P2``), ``head`` (``linear``), ``head_scale`` (1) and ``shared_head`` (false).
    """

    temporal_layers: str
    head: str
    head_scale: float
    shared_head: bool


class NamedTailOptions(TailOptions, total=False):
    """The same of a student whose context is chosen by name.

    ``context`` (``bilstm``, or another of :func:`~slr.layers.named_context`), ``context_layers`` (2) and ``heads`` of a
    transformer (8).
    """

    context: str
    context_layers: int
    heads: int


def gloss_tail(
    in_width: int,
    num_classes: int,
    *,
    width: int,
    dropout: float,
    context: str = "bilstm",
    context_layers: int = 2,
    heads: int = 8,
    **tail: Unpack[TailOptions],
) -> RecogniserTail:
    """A tail whose context, as wide as its convolution, goes by a name.

    Raises:
        ValueError: when there is no such context, or it cannot have this width.
    """
    named = named_context(context, width, context_layers, heads, dropout)
    return RecogniserTail(in_width, num_classes, context=named, width=width, dropout=dropout, **tail)
