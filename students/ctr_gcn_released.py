"""Released weights of CTR-GCN and of the students that are its first blocks, in our networks."""

from __future__ import annotations

from slr.released import ReleasedLayout, joined, stacked
from students.released_places import BLOCK, CLASSIFIER, PUBLISHED, Places, ends, four_branches, shortcuts


def _blocks(block: str, graph: str) -> Places:
    """The blocks; the three parts of a graph are one below the other, or stacked, in ours."""
    parts = [f"{block}.gcn1.convs.{part}" for part in range(3)]
    own = f"{BLOCK}.graph"
    return {
        f"{own}.parts": f"{block}.gcn1.{graph}",
        f"{own}.strength": f"{block}.gcn1.alpha",
        f"{own}.receive.{{kind}}": joined(f"{part}.conv1.{{kind}}" for part in parts),
        f"{own}.give.{{kind}}": joined(f"{part}.conv2.{{kind}}" for part in parts),
        f"{own}.value": stacked(f"{part}.conv3.weight" for part in parts),
        f"{own}.value_bias": stacked(f"{part}.conv3.bias" for part in parts),
        f"{own}.spread": stacked(f"{part}.conv4.weight" for part in parts),
        f"{own}.spread_bias": stacked(f"{part}.conv4.bias" for part in parts),
        f"{own}.norm.norm.{{kind}}": f"{block}.gcn1.bn.{{kind}}",
        **shortcuts(block, "gcn1"),
        **four_branches(block),
    }


def _original(about: str) -> ReleasedLayout:
    return ReleasedLayout(
        about=about,
        arguments=PUBLISHED,
        skeleton="ntu-25",
        class_tensors=CLASSIFIER,
        places={**ends("data_bn", "fc"), **_blocks("l{n+1}", "PA")},
    )


CTR_GCN = _original("CTR-GCN (Chen et al., ICCV 2021)")
DKE_GCN = _original("DKE-GCN (Liu et al., IEEE TCSVT 2024)")
LIGHT_DKE_GCN = _original("light-DKE-GCN (Liu et al., IEEE TCSVT 2024)")
PYSKL_CTRGCN = ReleasedLayout(
    about="CTR-GCN of pyskl (Duan et al., ACM MM 2022)",
    arguments={**PUBLISHED, "variant": "pyskl"},
    skeleton="ntu-25-pyskl",
    class_tensors=CLASSIFIER,
    left_out=("backbone.A",),  # the skeleton that the graphs of the blocks started from
    places={**ends("backbone.data_bn", "cls_head.fc_cls"), **_blocks("backbone.net.{n}", "A")},
)
