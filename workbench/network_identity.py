"""What the outputs of a trained network depend on, as a hash."""

from __future__ import annotations

from torch import nn

from kd.identity import teacher_identity
from slr.data import SignDataset
from workbench.checkpoint import NetworkCard
from workbench.code_identity import code_hash


def identity_of(network: nn.Module, card: NetworkCard, dataset: SignDataset) -> str:
    """Hash of everything that the outputs of a network on the clips of ``dataset`` depend on, the clips aside."""
    described = dataset.describe()
    return teacher_identity(
        network.state_dict(),
        network={"node": dict(card.network), "code": code_hash(card.network)},
        preprocessing={key: value for key, value in described.items() if key != "plan"},
        plan=described["plan"],
    )
