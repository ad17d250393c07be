"""Where the tensors of released graph networks lie in ours: the parts that several of them share.

Each function gives places as :class:`~slr.released.ReleasedLayout` takes them; ``block`` is the released name of a
block, with ``{n}`` for its number from 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from slr.released import Source, joined

Places = Mapping[str, str | Source]
CLASSIFIER = ("head.classify.weight", "head.classify.bias")
PUBLISHED = {"task": "class", "persons": 2}
BLOCK = "trunk.blocks.{n}"


def ends(norm: str, classifier: str) -> Places:
    """The batch norm of the input and the classifier."""
    return {"data_norm.norm.{kind}": f"{norm}.{{kind}}", "head.classify.{kind}": f"{classifier}.{{kind}}"}


def normed_linear(ours: str, layer: str | Source, norm: str | Source) -> Places:
    """:class:`~students.units.NormedLinear`: a layer and the batch norm behind it, each with ``{kind}`` at its end."""
    return {f"{ours}.linear.{{kind}}": layer, f"{ours}.norm.norm.{{kind}}": norm}


def shortcuts(block: str, graph: str) -> Places:
    """The shortcut of a graph unit, which ``graph`` calls ``down``, and that of the block."""
    return {
        **normed_linear(
            f"{BLOCK}.graph.shortcut.change", f"{block}.{graph}.down.0.{{kind}}", f"{block}.{graph}.down.1.{{kind}}"
        ),
        **normed_linear(f"{BLOCK}.shortcut.change", f"{block}.residual.conv.{{kind}}", f"{block}.residual.bn.{{kind}}"),
    }


def long_kernel(block: str) -> Places:
    """:class:`~students.temporal_units.LongKernel`."""
    return {
        f"{BLOCK}.time.conv.{{kind}}": f"{block}.tcn.conv.{{kind}}",
        f"{BLOCK}.time.norm.norm.{{kind}}": f"{block}.tcn.bn.{{kind}}",
    }


def four_branches(block: str) -> Places:
    """:class:`~students.temporal_units.TemporalBranches`."""
    own = f"{block}.tcn1.branches"
    return {
        **_branches(own, squeezed=3),
        f"{BLOCK}.time.branches.skip.{{kind}}": f"{own}.3.0.{{kind}}",
        f"{BLOCK}.time.norm.norm.{{kind}}": joined(
            f"{own}.{end}.{{kind}}" for end in ("0.3.bn", "1.3.bn", "2.4", "3.1")
        ),
    }


def six_branches(block: str) -> Places:
    """:class:`~students.temporal_units.MixedBranches`."""
    own = f"{block}.tcn.branches"
    return {
        **_branches(own, squeezed=5),
        f"{BLOCK}.time.branches.skip.{{kind}}": f"{own}.5.{{kind}}",
        f"{BLOCK}.time.share": f"{block}.tcn.add_coeff",
        f"{BLOCK}.time.norm.norm.{{kind}}": f"{block}.tcn.transform.0.{{kind}}",
        **normed_linear(f"{BLOCK}.time.mix", f"{block}.tcn.transform.2.{{kind}}", f"{block}.tcn.bn.{{kind}}"),
    }


def _branches(own: str, squeezed: int) -> Places:
    """The layers in front of all branches but the last are one in ours."""
    place = f"{BLOCK}.time.branches"
    return {
        **normed_linear(
            f"{place}.squeeze",
            joined(f"{own}.{branch}.0.{{kind}}" for branch in range(squeezed)),
            joined(f"{own}.{branch}.1.{{kind}}" for branch in range(squeezed)),
        ),
        f"{place}.convs.{{b}}.{{kind}}": f"{own}.{{b}}.3.conv.{{kind}}",
    }
