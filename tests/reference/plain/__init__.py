"""The networks of action recognition as their formulas read: ``[N, C, T, V]``, one convolution per layer, einsum.

Parameters carry the names of released weights, so that a network here reads them as they are, and stands as the second
derivation of ours: in its answer, its gradients, its size, its time and its memory.
"""

from tests.reference.plain.networks import PLANS, PlainNetwork, plain

__all__ = ["PLANS", "PlainNetwork", "plain"]
