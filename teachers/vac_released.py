"""Where the tensors of released VAC checkpoints go."""

from __future__ import annotations

from dataclasses import replace

from slr.released import ReleasedLayout, transposed

VAC = ReleasedLayout(
    about="the ResNet18 baseline of VAC (Min et al., ICCV 2021)",
    class_tensors=("tail.head.weight", "tail.head.bias", "tail.conv_head.weight", "tail.conv_head.bias"),
    # Frames of Phoenix-2014 are squeezed into a square, and the middle of it is read.
    preprocessing={
        "plan": {"stride": 1},
        "rgb": {"resize": [256, 256], "crop": [224, 224]},
        "rgb_stride": 1,
    },
    places={
        "encoder.{rest}": "conv2d.{rest}",
        "tail.temporal_conv.layers.0.conv.{kind}": "conv1d.temporal_conv.0.{kind}",
        "tail.temporal_conv.layers.0.norm.norm.{kind}": "conv1d.temporal_conv.1.{kind}",
        "tail.temporal_conv.layers.2.conv.{kind}": "conv1d.temporal_conv.4.{kind}",
        "tail.temporal_conv.layers.2.norm.norm.{kind}": "conv1d.temporal_conv.5.{kind}",
        "tail.context.lstm.{kind}": "temporal_model.rnn.{kind}",
        "tail.conv_head.{kind}": "conv1d.fc.{kind}",
        "tail.head.{kind}": "classifier.{kind}",
    },
)

# The classifier of SMKD is one for both heads, stored under two names with the classes last, and has no bias.
VAC_SMKD = replace(
    VAC,
    about="the ResNet18 baseline of VAC with the normalised shared classifier of SMKD (Hao et al., ICCV 2021)",
    arguments={"head": "normalised", "shared_head": True},
    class_tensors=("tail.head.weight", "tail.conv_head.weight"),
    places={
        "tail.conv_head.weight": transposed("conv1d.fc.weight"),
        "tail.head.weight": transposed("classifier.weight"),
        **VAC.places,
    },
)
