"""Where the tensors of released MS-G3D weights lie in ours: the original's and pyskl's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from slr.released import ReleasedLayout, Source, joined, rearranged

_STAGE = "trunk.blocks.{n}."
# Ours on the left. The first layers of five branches are one in ours, and so are the norms at the end of all six.
_TIMES = {"times.0": "sgcn{n+1}.1", "times.1": "sgcn{n+1}.2", "last": "tcn{n+1}"}
_ENDS = ("0.3.bn", "1.3.bn", "2.3.bn", "3.3.bn", "4.4", "5.1")


def _places(prefix: str, classifier: str) -> dict[str, str | Source]:
    places: dict[str, str | Source] = {
        "data_norm.norm.{kind}": f"{prefix}data_bn.{{kind}}",
        "head.classify.{kind}": f"{classifier}.{{kind}}",
        f"{_STAGE}scales.linear.{{kind}}": f"{prefix}sgcn{{n+1}}.0.mlp.layers.0.{{kind}}",
        f"{_STAGE}scales.norm.norm.{{kind}}": f"{prefix}sgcn{{n+1}}.0.mlp.layers.1.{{kind}}",
    }
    for ours, name in _TIMES.items():
        places |= _multi_scale_time(_STAGE + ours, prefix + name)
    window, theirs = f"{_STAGE}windows.{{m}}.", f"{prefix}gcn3d{{n+1}}.gcn3d.{{m}}."
    return places | {
        f"{window}inner.linear.{{kind}}": f"{theirs}gcn3d.1.mlp.layers.0.{{kind}}",
        f"{window}inner.norm.norm.{{kind}}": f"{theirs}gcn3d.1.mlp.layers.1.{{kind}}",
        f"{window}collapse.weight": rearranged([f"{theirs}out_conv.weight"], _frames_first),
        f"{window}collapse.bias": f"{theirs}out_conv.bias",
        f"{window}norm.norm.{{kind}}": f"{theirs}out_bn.{{kind}}",
    }


def _multi_scale_time(ours: str, theirs: str) -> Mapping[str, str | Source]:
    return {
        f"{ours}.squeeze.linear.{{kind}}": joined(f"{theirs}.branches.{b}.0.{{kind}}" for b in range(5)),
        f"{ours}.squeeze.norm.norm.{{kind}}": joined(f"{theirs}.branches.{b}.1.{{kind}}" for b in range(5)),
        f"{ours}.convs.{{b}}.{{kind}}": f"{theirs}.branches.{{b}}.3.conv.{{kind}}",
        f"{ours}.skip.{{kind}}": f"{theirs}.branches.5.0.{{kind}}",
        f"{ours}.norm.norm.{{kind}}": joined(f"{theirs}.branches.{end}.{{kind}}" for end in _ENDS),
        f"{ours}.shortcut.linear.{{kind}}": f"{theirs}.residual.conv.{{kind}}",
        f"{ours}.shortcut.norm.norm.{{kind}}": f"{theirs}.residual.bn.{{kind}}",
    }


def _frames_first(tensors: Sequence[Tensor]) -> Tensor:
    """``[D, C, 1, window, 1]`` -> ``[D, window C]``."""
    return tensors[0].flatten(2).transpose(1, 2).flatten(1)


def _scale_by_scale(name: str) -> Source:
    """``[K J, J]``, where the joint of a row receives -> ``[K, J, J]``, where that of a column does."""
    return rearranged([name], lambda tensors: tensors[0].unflatten(0, (-1, tensors[0].shape[1])).transpose(1, 2))


MS_G3D = ReleasedLayout(
    about="MS-G3D (Liu et al., CVPR 2020)",
    arguments={"task": "class", "persons": 2},
    skeleton="ntu-25",
    class_tensors=("head.classify.weight", "head.classify.bias"),
    places={
        **_places("", "fc"),
        f"{_STAGE}scales.graph.residual": _scale_by_scale("sgcn{n+1}.0.A_res"),
        f"{_STAGE}windows.{{m}}.inner.graph.residual": _scale_by_scale("gcn3d{n+1}.gcn3d.{m}.gcn3d.1.A_res"),
    },
)
PYSKL_MS_G3D = ReleasedLayout(
    about="MS-G3D of pyskl (Duan et al., ACM MM 2022)",
    arguments={"task": "class", "persons": 2, "normalise": "columns", "stored_graphs": True},
    skeleton="ntu-25-pyskl",
    class_tensors=("head.classify.weight", "head.classify.bias"),
    left_out=("backbone.A",),  # the skeleton that the graphs were made of
    places={
        **_places("backbone.", "cls_head.fc_cls"),
        f"{_STAGE}scales.graph.graph": "backbone.sgcn{n+1}.0.A",
        f"{_STAGE}scales.graph.residual": "backbone.sgcn{n+1}.0.PA",
        f"{_STAGE}windows.{{m}}.inner.graph.graph": "backbone.gcn3d{n+1}.gcn3d.{m}.gcn3d.1.A",
        f"{_STAGE}windows.{{m}}.inner.graph.residual": "backbone.gcn3d{n+1}.gcn3d.{m}.gcn3d.1.PA",
    },
)
