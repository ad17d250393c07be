"""Released weights of ST-GCN and ST-GCN++ in our networks."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from slr.released import ReleasedLayout, Source, rearranged, reshaped
from students.released_places import BLOCK, CLASSIFIER, PUBLISHED, Places, ends, shortcuts, six_branches

PARTS = 3  # of the spatial partition


def _parts_side_by_side(name: str) -> Source:
    """``[K width, in, 1, 1]``, the parts one below the other -> ``[width, K in]``."""

    def moved(tensors: Sequence[Tensor]) -> Tensor:
        weight = tensors[0].flatten(1)
        return weight.unflatten(0, (PARTS, -1)).transpose(0, 1).flatten(1)

    return rearranged([name], moved)


def _graph_conv(ours: str, theirs: str) -> Places:
    return {
        f"{ours}.linear.weight": _parts_side_by_side(f"{theirs}.conv.weight"),
        f"{ours}.bias": reshaped(f"{theirs}.conv.bias", PARTS, -1),
    }


_ORIGINAL = "st_gcn_networks.{n}"
ST_GCN = ReleasedLayout(
    about="ST-GCN (Yan et al., AAAI 2018)",
    arguments=PUBLISHED,
    skeleton="ntu-25",
    class_tensors=CLASSIFIER,
    places={
        **ends("data_bn", "fcn"),
        **_graph_conv(f"{BLOCK}.graph_conv", f"{_ORIGINAL}.gcn"),
        f"{BLOCK}.graph_conv.parts": "A",
        f"{BLOCK}.graph_conv.importance": "edge_importance.{n}",
        f"{BLOCK}.graph_norm.norm.{{kind}}": f"{_ORIGINAL}.tcn.0.{{kind}}",
        f"{BLOCK}.time_conv.{{kind}}": f"{_ORIGINAL}.tcn.2.{{kind}}",
        f"{BLOCK}.time_norm.norm.{{kind}}": f"{_ORIGINAL}.tcn.3.{{kind}}",
        f"{BLOCK}.shortcut.{{kind}}": f"{_ORIGINAL}.residual.0.{{kind}}",
        f"{BLOCK}.shortcut_norm.norm.{{kind}}": f"{_ORIGINAL}.residual.1.{{kind}}",
    },
)

_PYSKL = "backbone.gcn.{n}"
PYSKL_STGCN = ReleasedLayout(
    about="ST-GCN of pyskl (Duan et al., ACM MM 2022)",
    arguments=PUBLISHED,
    skeleton="ntu-25-pyskl",
    class_tensors=CLASSIFIER,
    places={
        **ends("backbone.data_bn", "cls_head.fc_cls"),
        **_graph_conv(f"{BLOCK}.graph_conv", f"{_PYSKL}.gcn"),
        f"{BLOCK}.graph_conv.parts": f"{_PYSKL}.gcn.A",
        f"{BLOCK}.graph_conv.importance": f"{_PYSKL}.gcn.PA",
        f"{BLOCK}.graph_norm.norm.{{kind}}": f"{_PYSKL}.gcn.bn.{{kind}}",
        f"{BLOCK}.time_conv.{{kind}}": f"{_PYSKL}.tcn.conv.{{kind}}",
        f"{BLOCK}.time_norm.norm.{{kind}}": f"{_PYSKL}.tcn.bn.{{kind}}",
        f"{BLOCK}.shortcut.{{kind}}": f"{_PYSKL}.residual.conv.{{kind}}",
        f"{BLOCK}.shortcut_norm.norm.{{kind}}": f"{_PYSKL}.residual.bn.{{kind}}",
    },
)
PYSKL_STGCNPP = ReleasedLayout(
    about="ST-GCN++ of pyskl (Duan et al., ACM MM 2022)",
    arguments=PUBLISHED,
    skeleton="ntu-25-pyskl",
    class_tensors=CLASSIFIER,
    places={
        **ends("backbone.data_bn", "cls_head.fc_cls"),
        **_graph_conv(f"{BLOCK}.graph.conv", f"{_PYSKL}.gcn"),
        f"{BLOCK}.graph.conv.parts": f"{_PYSKL}.gcn.A",
        f"{BLOCK}.graph.norm.norm.{{kind}}": f"{_PYSKL}.gcn.bn.{{kind}}",
        **shortcuts(_PYSKL, "gcn"),
        **six_branches(_PYSKL),
    },
)
