"""How to build every exported network, small, for the tests that hold for all of them.

A network that is exported by ``students`` or ``teachers`` and has no row here fails a test: give it one, with every
variant worth testing. Rows switch dropout off, so that two passes in training mode can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from slr.skeleton import skeleton_layout
from students import (
    AAGCN,
    CTRGCN,
    DGSTGCN,
    DKEGCN,
    DSTASLR,
    MSG3D,
    S8,
    SLGCN,
    STGCN,
    STGCNPP,
    STGT,
    CoSign1S,
    CoSign2S,
    JointRNN,
    LandmarkTransformer,
    LightDKEGCN,
)
from students.drop_masks import DropMasks
from teachers import CNN2DCNN1D, I3D, STSGNet, VACResNet

CLASSES = 7
JOINTS = 27  # of sign-27
FRAME_SIZE = (12, 8)  # width and height in pixels


@dataclass(frozen=True)
class Case:
    """One variant of a network; ``step_shape`` is the shape of one step of its input stream."""

    label: str
    build: Callable[[], Any]
    step_shape: tuple[int, ...]


def _stgt(label: str, **arguments: Any) -> Case:
    small = {"joint_width": 8, "spatial_heads": 2, "width": 8, "temporal_heads": 2, "reach": 3, "dropout": 0.0}
    build = lambda: STGT(num_classes=CLASSES, layout="sign-27", **{**small, **arguments})  # noqa: E731
    return Case(f"STGT-{label}", build, (JOINTS, arguments.get("in_channels", 3)))


def _small_head(arguments: dict[str, Any], **tail: Any) -> dict[str, Any]:
    """Options of the head of a skeleton network."""
    if arguments.get("task") == "class":
        return {"dropout": 0.0}
    return {"width": 8, "heads": 2, "dropout": 0.0, **tail}


def _step_shape(arguments: dict[str, Any]) -> tuple[int, ...]:
    """``[P, J, C]`` of a network for several persons."""
    persons = (arguments["persons"],) if "persons" in arguments else ()
    return (*persons, JOINTS, arguments.get("in_channels", 3))


def _stgcn(label: str, **arguments: Any) -> Case:
    small = {"channels": (4, 6), "temporal_kernel": 3, **_small_head(arguments)}
    build = lambda: STGCN(num_classes=CLASSES, layout="sign-27", **{**small, **arguments})  # noqa: E731
    return Case(f"STGCN-{label}", build, _step_shape(arguments))


def _blocks(label: str, network: Callable[..., Any], **arguments: Any) -> Case:
    small = {"channels": (4, 8), "strides": (1, 1), **_small_head(arguments, temporal_layers="K3-P2")}

    def build() -> Any:
        net = network(num_classes=CLASSES, layout="sign-27", **{**small, **arguments})
        for name, parameter in net.trunk.named_parameters():
            # A newborn refines no graph and attends to nothing; what would do so gets no gradient yet. Few units may
            # all be closed by ReLU, and these see nothing negative.
            if name.endswith(("strength", "alpha", "beta", "share", "_gate.weight", "attention.squeeze.weight")):
                nn.init.normal_(parameter, 0.5, 0.1)
            elif name.endswith("norm.weight"):
                nn.init.ones_(parameter)
        return net

    return Case(f"{network.__name__}-{label}", build, _step_shape(arguments))


def _dsta(label: str, **arguments: Any) -> Case:
    small = {"channels": (4, 8), "strides": (1, 2), "graphs": 2, **_small_head(arguments)}

    def build() -> Any:
        net = DSTASLR(num_classes=CLASSES, layout="sign-27", **{**small, **arguments})
        for name, parameter in net.trunk.named_parameters():
            if name.endswith(("share", "_gate.weight")):  # a newborn's dictionary and gates pass no gradient on
                nn.init.normal_(parameter, std=0.5)
            elif name.endswith("spatial.norm.norm.weight"):  # and its spatial units are hardly there
                nn.init.ones_(parameter)
        for module in net.modules():
            if isinstance(module, DropMasks):
                module.set_epoch(100)
        return net

    return Case(f"DSTASLR-{label}", build, _step_shape(arguments))


def _ms_g3d(label: str, **arguments: Any) -> Case:
    small = {"channels": (6, 12), "strides": (1, 2), "scales": 3, "window_scales": 2, **_small_head(arguments)}
    build = lambda: MSG3D(num_classes=CLASSES, layout="sign-27", **{**small, **arguments})  # noqa: E731
    return Case(f"MSG3D-{label}", build, _step_shape(arguments))


def _sl_gcn(label: str, **arguments: Any) -> Case:
    small = {"channels": (4, 8), "strides": (1, 2), "groups": 2, "temporal_kernel": 3, **_small_head(arguments)}

    def build() -> Any:
        net = SLGCN(num_classes=CLASSES, layout="sign-27", **{**small, **arguments})
        for name, parameter in net.trunk.named_parameters():
            if name.endswith("_gate.weight"):  # a newborn's gates pass no gradient on
                nn.init.normal_(parameter, std=0.5)
            elif name.endswith(("squeeze.bias", "graph.norm.norm.weight")):  # its few hidden features may all be off,
                nn.init.ones_(parameter)  # and its graphs are hardly there
        for module in net.modules():
            if isinstance(module, DropMasks):
                module.set_epoch(100)
        return net

    return Case(f"SLGCN-{label}", build, _step_shape(arguments))


def _cosign(label: str, network: Callable[..., Any], **arguments: Any) -> Case:
    # Masks are drawn from torch's generator, which the tests seed before each pass in training mode.
    small = {"channels": (4, 6), "temporal_kernel": 3, "width": 8, "heads": 2, "mask_segment": 3, "dropout": 0.0}
    build = lambda: network(num_classes=CLASSES, layout="sign-27", **{**small, **arguments})  # noqa: E731
    return Case(f"{network.__name__}-{label}", build, (JOINTS, arguments.get("in_channels", 3)))


def _joint_rnn(label: str, **arguments: Any) -> Case:
    small = {"frame_width": 8, "width": 8, "context_layers": 1, "heads": 2, "dropout": 0.0}
    build = lambda: JointRNN(num_classes=CLASSES, layout="sign-27", **{**small, **arguments})  # noqa: E731
    return Case(f"JointRNN-{label}", build, (JOINTS, arguments.get("in_channels", 3)))


def _landmarks(label: str, **arguments: Any) -> Case:
    small = {
        "width": 16,
        "patch_heads": 2,
        "heads": 2,
        "local_blocks": 1,
        "window": 2,
        "global_blocks": 1,
        "dropout": 0.0,
    }
    layout = skeleton_layout(arguments.pop("layout", "sign-27"))
    build = lambda: LandmarkTransformer(num_classes=CLASSES, layout=layout, **{**small, **arguments})  # noqa: E731
    return Case(f"LandmarkTransformer-{label}", build, (len(layout), arguments.get("in_channels", 3)))


def _cnn(label: str, *, frame_size: tuple[int, int] = FRAME_SIZE, **arguments: Any) -> Case:
    small = {"channels": (4, 6), "frame_width": 8, "width": 8, "hidden": 4, "recurrent_layers": 1, "dropout": 0.0}
    build = lambda: CNN2DCNN1D(num_classes=CLASSES, frame_size=frame_size, **{**small, **arguments})  # noqa: E731
    return Case(f"CNN2DCNN1D-{label}", build, (3, frame_size[1], frame_size[0]))


def _stsg(label: str, **arguments: Any) -> Case:
    small = {
        "channels": (4, 6), "parts": 3, "part_width": 6, "frame_width": 8, "width": 8, "hidden": 4,
        "recurrent_layers": 1, "dropout": 0.0,
    }  # fmt: skip
    build = lambda: STSGNet(num_classes=CLASSES, frame_size=FRAME_SIZE, **{**small, **arguments})  # noqa: E731
    return Case(f"STSGNet-{label}", build, (3, FRAME_SIZE[1], FRAME_SIZE[0]))


def _vac(label: str, **arguments: Any) -> Case:
    small = {"channels": (4, 4, 6, 8), "blocks": (1, 1, 1, 1), "width": 8, "hidden": 4, "dropout": 0.0}
    build = lambda: VACResNet(num_classes=CLASSES, **{**small, **arguments})  # noqa: E731
    return Case(f"VACResNet-{label}", build, (3, 34, 36))  # a map of one place would leave batch norm nothing


def _i3d(label: str, **arguments: Any) -> Case:
    trunk, tail = {"width_multiplier": 1 / 64, "dropout": 0.0}, {"width": 8, "hidden": 4}
    small = trunk if "task" in arguments else {**trunk, **tail}
    build = lambda: I3D(num_classes=CLASSES, **{**small, **arguments})  # noqa: E731
    return Case(f"I3D-{label}", build, (3, 33, 10))


ROWS: dict[str, list[Case]] = {
    "STGT": [
        _stgt("default"),
        _stgt("shared-cosine", head="cosine", head_scale=32.0, shared_head=True, in_channels=2),
        _stgt("K3", temporal_layers="K3", temporal_blocks=1, spatial_blocks=1),
    ],
    "STGCN": [
        _stgcn("default"),
        _stgcn("strided", channels=(4, 6, 6), strides=(1, 2, 1), temporal_layers="K3-P2", context="transformer"),
        _stgcn("adaptive", graph="adaptive", pooling="mean", context="none", partition="distance", max_hop=2),
        _stgcn("fixed", graph="fixed", partition="directed", shared_head=True, head="normalised", in_channels=2),
        _stgcn("class", task="class", persons=2, strides=(1, 2)),
    ],
    "STGCNPP": [
        _blocks("default", STGCNPP, channels=(6, 8)),
        _blocks("class", STGCNPP, channels=(6, 8), strides=(1, 2), task="class", persons=2),
    ],
    "AAGCN": [
        _blocks("default", AAGCN, temporal_kernel=3),
        _blocks("class", AAGCN, temporal_kernel=3, strides=(1, 2), task="class", persons=2),
    ],
    "S8": [
        _blocks("default", S8, temporal_kernel=3),
        _blocks("class", S8, temporal_kernel=3, task="class", drop_last=1, width_factor=2.0),
    ],
    "CTRGCN": [
        _blocks("default", CTRGCN),
        _blocks("class", CTRGCN, strides=(1, 2), task="class", persons=2, variant="pyskl"),
    ],
    "DGSTGCN": [
        _blocks("default", DGSTGCN, channels=(6, 8), groups=2),
        _blocks("class", DGSTGCN, channels=(6, 8), strides=(1, 2), groups=2, task="class", persons=2),
    ],
    "DKEGCN": [
        _blocks("default", DKEGCN),
        _blocks("strided", DKEGCN, channels=(4, 4, 8), strides=(1, 2, 2), temporal_layers="K3", context="transformer"),
        _blocks("class", DKEGCN, task="class", persons=2),
        _blocks("persons", DKEGCN, persons=2, pooling="mean", context="none"),
    ],
    "LightDKEGCN": [
        _blocks("default", LightDKEGCN),
        _blocks("mean", LightDKEGCN, pooling="mean", context="none", in_channels=2, shared_head=True),
    ],
    "DSTASLR": [
        _dsta("default"),
        _dsta("class", task="class", persons=2, channels=(4, 4, 8), strides=(1, 2, 2), drop_blocks=1),
        _dsta("whole", drop_blocks=0, in_channels=2, pooling="mean", context="none"),
    ],
    "MSG3D": [
        _ms_g3d("default"),
        _ms_g3d("class", task="class", persons=2, strides=(1, 1), windows=(5,)),
        _ms_g3d("pyskl", normalise="columns", stored_graphs=True, in_channels=2, pooling="mean", context="none"),
    ],
    "SLGCN": [
        _sl_gcn("default"),
        _sl_gcn("class", task="class", persons=2, drop_blocks=1),
        _sl_gcn("whole", drop_blocks=0, in_channels=2, pooling="mean", context="none"),
    ],
    "CoSign1S": [
        _cosign("default", CoSign1S, mask_rate=0.4),
        _cosign("whole", CoSign1S, mask_rate=0.0, centre_groups=True, context="transformer", head="linear"),
    ],
    "CoSign2S": [
        _cosign("default", CoSign2S, mask_rate=0.4, in_channels=2),
        _cosign("fusion-alone", CoSign2S, stream_heads=False, centre_groups=True, shared_head=True),
        _cosign("space", CoSign2S, in_channels=4, centre_groups=True, stream_heads=False),
    ],
    "JointRNN": [
        _joint_rnn("default"),
        _joint_rnn("space", in_channels=4, temporal_layers="K3-P2", context="transformer", shared_head=True),
        _joint_rnn("places-alone", with_motion=False, in_channels=2, context="none", head="cosine", head_scale=8.0),
    ],
    "LandmarkTransformer": [
        _landmarks("default"),
        _landmarks("face", layout="coco-wholebody-79", temporal_layers="K3"),
        _landmarks("class", layout="mediapipe-lips-hands-87", in_channels=2, task="class"),
        _landmarks("body-alone", layout="openpose-18", in_channels=2, shared_head=True),
    ],
    "CNN2DCNN1D": [
        _cnn("default"),
        # One place alone would leave batch norm nothing to average over in a clip of one frame.
        _cnn("deep", frame_size=(36, 34), channels=(4, 4, 6, 6), recurrent_layers=2, shared_head=True),
        _cnn("convolutions", hidden=0, temporal_layers="K3-P2"),
        _cnn("class", task="class"),
    ],
    "STSGNet": [
        _stsg("default"),
        _stsg("one-block", graph_blocks=1, temporal_layers="K3-P2", shared_head=True),
    ],
    "I3D": [
        _i3d("default"),
        _i3d("denser", strides=(1, 2, 1), temporal_layers="K3-P2", head="normalised", shared_head=True),
        _i3d("class", task="class"),
    ],
    "VACResNet": [
        _vac("default"),
        _vac("smkd", head="normalised", shared_head=True, recurrent_layers=1, temporal_layers="K3-P2"),
    ],
}
