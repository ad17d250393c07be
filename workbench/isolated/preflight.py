"""Before training: does the network fit the corpus, do the losses fit the network, and does a clip go through?"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import nn

from slr.data.isolated import collate_isolated
from slr.types import Network
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.preflight import BARE_CLASSES, checked_objectives
from workbench.rng import preserved


def check_isolated(config: IsolatedTrainConfig, place: IsolatedPlace) -> nn.Module:
    """Refuse a configuration whose parts do not fit each other.

    Two training clips are sent through pipeline, network and losses, so that what does not fit is said before anything
    is trained.

    Returns:
        the network, with a few classes.

    Raises:
        ConfigError: when network or losses cannot stand where they do.
        ValueError: when the clips do not go through.
    """
    network = place.bare_network(config.network)
    objectives = checked_objectives((), config.stages, network, place.corpus.layout)
    dataset = place.dataset("train")
    batch = collate_isolated([dataset[0], dataset[len(dataset) - 1]])
    assert batch.labels is not None
    batch = replace(batch, labels=batch.labels % BARE_CLASSES)
    with preserved(), torch.no_grad():
        output = network.eval()(batch.stream(cast(Network, network).input_stream))
        for objective in objectives:
            objective(output, None, batch)
    return network
