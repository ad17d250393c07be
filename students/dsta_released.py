"""Where the tensors of released DSTA-SLR weights lie in ours."""

from __future__ import annotations

from slr.released import ReleasedLayout, joined, rearranged, reshaped, transposed

_BLOCK, _THEIRS = "trunk.blocks.{n}.", "layers.{n}."
_SPATIAL, _SAN = _BLOCK + "spatial.", _THEIRS + "san."
_TIMES = {0: "tcn", 1: "tcn2", 2: "tcn3"}

DSTA_SLR = ReleasedLayout(
    about="DSTA-SLR (Hu et al., LREC-COLING 2024)",
    arguments={"task": "class"},
    skeleton="sign-27",
    class_tensors=("head.classify.weight", "head.classify.bias"),
    places={
        "data_norm.norm.{kind}": "data_bn.{kind}",
        "head.classify.{kind}": "fc.{kind}",
        _BLOCK + "graph": _THEIRS + "A",
        _SPATIAL + "embed.linear.weight": transposed(_SAN + "Linear_weight"),
        _SPATIAL + "embed.linear.bias": reshaped(_SAN + "Linear_bias", -1),
        _SPATIAL + "embed.norm.norm.{kind}": _SAN + "bn0.{kind}",
        _SPATIAL + "dictionary.vectors": _SAN + "Edge_conv.edge_features",
        _SPATIAL + "dictionary.strength": reshaped(_SAN + "Edge_conv.alphas", -1),
        _SPATIAL + "dictionary.norm.{kind}": _SAN + "Edge_conv.norm1.{kind}",
        _SPATIAL + "dictionary.linear.{kind}": _SAN + "Edge_conv.transform.{kind}",
        _SPATIAL + "dictionary.share": _SAN + "edge_weight",
        _SPATIAL + "attend_norm.{kind}": _SAN + "norm1.{kind}",
        _SPATIAL + "query_key.{kind}": _SAN + "in_nets.{kind}",
        _SPATIAL + "strength": reshaped(_SAN + "alphas", -1),
        _SPATIAL + "widen_norm.{kind}": _SAN + "norm2.{kind}",
        _SPATIAL + "widen.{kind}": _SAN + "mlp.fc1.{kind}",
        _SPATIAL + "narrow.{kind}": _SAN + "mlp.fc2.{kind}",
        _SPATIAL + "channel_graph": rearranged([_SAN + "attention0s"], lambda tensors: tensors[0].flatten(0, 2)),
        _SPATIAL + "norm.norm.{kind}": _SAN + "bn.{kind}",
        _SPATIAL + "shortcut.change.linear.{kind}": _SAN + "down.0.{kind}",
        _SPATIAL + "shortcut.change.norm.norm.{kind}": _SAN + "down.1.{kind}",
        _BLOCK + "attention.joint_gate.{kind}": _THEIRS + "conv_sa.{kind}",
        _BLOCK + "attention.step_gate.{kind}": _THEIRS + "conv_ta.{kind}",
        _BLOCK + "attention.squeeze.{kind}": _THEIRS + "fc1c.{kind}",
        _BLOCK + "attention.channel_gate.{kind}": _THEIRS + "fc2c.{kind}",
        **{
            f"{_BLOCK}times.{i}.convs.{{b}}.{{kind}}": f"{_THEIRS}{name}.branches.{{b}}.conv.{{kind}}"
            for i, name in _TIMES.items()
        },
        **{
            f"{_BLOCK}times.{i}.norm.norm.{{kind}}": joined(
                f"{_THEIRS}{name}.branches.{b}.bn.{{kind}}" for b in range(2)
            )
            for i, name in _TIMES.items()
        },
        _BLOCK + "shortcut.scale": _THEIRS + "residual.pool.net.0.weight",
        _BLOCK + "shortcut.offset": _THEIRS + "residual.pool.net.0.bias",
        _BLOCK + "shortcut.linear.{kind}": _THEIRS + "residual.pool.net.1.{kind}",
        _BLOCK + "shortcut.norm.norm.{kind}": _THEIRS + "residual.bn.{kind}",
    },
)
