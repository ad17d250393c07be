from __future__ import annotations

import torch
from torch import Tensor

from slr.data import Clip
from tests.workbench.fake_corpus import FakeCorpus
from workbench.assemble import make_network, network_arguments
from workbench.schema import Data

DATA = Data(root="nowhere", corpus={"_target_": "slr.data.Phoenix2014"})
NODE = {"_target_": "students.JointRNN", "frame_width": 8, "width": 8}


class Deep(FakeCorpus):
    """The same clips in three dimensions."""

    def pose(self, clip: Clip, frames: Tensor) -> Tensor:
        flat = super().pose(clip, frames)
        return torch.cat([flat[..., :2], flat[..., :1], flat[..., 2:]], dim=-1)


def test_a_skeleton_network_gets_the_channels_of_its_corpus() -> None:
    clips = {"one": ("train", "A B", 9)}
    for corpus, channels in ((FakeCorpus(clips), 3), (Deep(clips), 4)):
        given = network_arguments(NODE, corpus, DATA)
        assert given == {"layout": corpus.layout, "in_channels": channels}
        network = make_network(NODE, 3, given, seed=0)
        assert network.data_norm.norm.num_features == 27 * (channels + 2 * (channels - 1))


def test_channels_that_the_configuration_states_stay_as_stated() -> None:
    node = {**NODE, "in_channels": 2}
    assert network_arguments(node, FakeCorpus({"one": ("train", "A", 5)}), DATA).keys() == {"layout"}


def test_an_image_network_is_told_of_the_frames_alone() -> None:
    given = network_arguments({"_target_": "teachers.CNN2DCNN1D"}, Deep({"one": ("train", "A", 5)}), DATA)
    assert given == {"frame_size": (12, 8)}
