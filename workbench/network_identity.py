"""What the outputs of a trained network depend on, as a hash, and what was made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from kd.identity import teacher_identity
from slr.data import SignDataset
from workbench.checkpoint import NetworkCard
from workbench.code_identity import code_hash, module_hash
from workbench.config import content_hash
from workbench.workplace import Workplace


def identity_of(network: nn.Module, card: NetworkCard, dataset: SignDataset) -> str:
    """Hash of everything that the outputs of a network on the clips of ``dataset`` depend on, the clips aside."""
    described = dataset.describe()
    prepared = module_hash(type(dataset).__module__, type(dataset.corpus).__module__)
    return teacher_identity(
        network.state_dict(),
        network={"node": dict(card.network), "code": code_hash(card.network)},
        preprocessing={**{key: value for key, value in described.items() if key != "plan"}, "code": prepared},
        plan=described["plan"],
    )


def answer_key(place: Workplace, identity: str, split: str, streams: Iterable[str], *more: Any) -> str:
    """Name under which is kept what came of the outputs of a teacher or student about the clips of a split.

    Args:
        place: whose clips they are, and which computes with some precision.
        identity: hash of everything that the outputs depend on, clips and precision aside.
        split: the split.
        streams: what is read of a clip.
        more: what decides how the outputs are read, as plain JSON values.
    """
    return content_hash([identity, place.contents([split], streams), place.precision.name, *more])
