"""Released weights of pyskl's AAGCN and DG-STGCN in our networks."""

from __future__ import annotations

from slr.released import ReleasedLayout, joined, stacked
from students.released_places import (
    BLOCK,
    CLASSIFIER,
    PUBLISHED,
    Places,
    ends,
    long_kernel,
    normed_linear,
    shortcuts,
    six_branches,
)

_THEIRS = "backbone.gcn.{n}"
_GRAPH = f"{_THEIRS}.gcn"
_OURS = f"{BLOCK}.graph"
_ENDS: Places = ends("backbone.data_bn", "cls_head.fc_cls")

PYSKL_AAGCN = ReleasedLayout(
    about="AAGCN of pyskl (Duan et al., ACM MM 2022)",
    arguments=PUBLISHED,
    skeleton="ntu-25-pyskl",
    class_tensors=CLASSIFIER,
    left_out=("backbone.A",),  # the skeleton that the graphs of the blocks started from
    places={
        **_ENDS,
        f"{_OURS}.parts": f"{_GRAPH}.A",
        f"{_OURS}.strength": f"{_GRAPH}.alpha",
        f"{_OURS}.compare.{{kind}}": joined(
            f"{_GRAPH}.conv_{side}.{part}.{{kind}}" for side in "ab" for part in range(3)
        ),
        f"{_OURS}.value.weight": joined((f"{_GRAPH}.conv_d.{part}.weight" for part in range(3)), dim=1),
        f"{_OURS}.value_bias": stacked(f"{_GRAPH}.conv_d.{part}.bias" for part in range(3)),
        f"{_OURS}.norm.norm.{{kind}}": f"{_GRAPH}.bn.{{kind}}",
        f"{_OURS}.attention.joint_gate.{{kind}}": f"{_GRAPH}.conv_sa.{{kind}}",
        f"{_OURS}.attention.step_gate.{{kind}}": f"{_GRAPH}.conv_ta.{{kind}}",
        f"{_OURS}.attention.squeeze.{{kind}}": f"{_GRAPH}.fc1c.{{kind}}",
        f"{_OURS}.attention.channel_gate.{{kind}}": f"{_GRAPH}.fc2c.{{kind}}",
        **shortcuts(_THEIRS, "gcn"),
        **long_kernel(_THEIRS),
    },
)
PYSKL_DGSTGCN = ReleasedLayout(
    about="DG-STGCN (Duan et al., 2022), as pyskl has it",
    arguments=PUBLISHED,
    skeleton="ntu-25-pyskl",
    class_tensors=CLASSIFIER,
    places={
        **_ENDS,
        f"{_OURS}.parts": f"{_GRAPH}.A",
        f"{_OURS}.alpha": f"{_GRAPH}.alpha",
        f"{_OURS}.beta": f"{_GRAPH}.beta",
        **normed_linear(f"{_OURS}.before", f"{_GRAPH}.pre.0.{{kind}}", f"{_GRAPH}.pre.1.{{kind}}"),
        f"{_OURS}.compare.{{kind}}": joined(f"{_GRAPH}.conv{side}.{{kind}}" for side in (1, 2)),
        **normed_linear(f"{_OURS}.after", f"{_GRAPH}.post.{{kind}}", f"{_GRAPH}.bn.{{kind}}"),
        **shortcuts(_THEIRS, "gcn"),
        **six_branches(_THEIRS),
    },
)
