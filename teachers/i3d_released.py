"""Where the tensors of released I3D weights go, under the names of the PyTorch port."""

from __future__ import annotations

from slr.released import ReleasedLayout

_UNITS = {
    "{rest}.conv.weight": "{rest}.conv3d.weight",
    "{rest}.norm.norm.{kind}": "{rest}.bn.{kind}",
}

# ``rgb_imagenet.pt``, ``rgb_charades.pt`` and what was fine-tuned from them, without their classifier.
I3D_TRUNK = ReleasedLayout(
    about="I3D (Carreira and Zisserman, CVPR 2017) on RGB",
    left_out=("logits.{rest}",),
    places=_UNITS,
)

# The same with it: 400 classes of Kinetics, 157 of Charades, signs of WLASL.
I3D_CLASSES = ReleasedLayout(
    about="I3D (Carreira and Zisserman, CVPR 2017) on RGB with its classifier",
    arguments={"task": "class"},
    class_tensors=("classify.weight", "classify.bias"),
    preprocessing={"rgb": {"crop": [224, 224]}},
    places={**{f"trunk.{ours}": theirs for ours, theirs in _UNITS.items()}, "classify.{kind}": "logits.conv3d.{kind}"},
)
