"""What losses learned and is worth keeping: ``objective.safetensors``, beside a trained student and never in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from kd.objective import Objective
from workbench.assemble import CorpusSizes, make_objective
from workbench.checkpoint import load_weights
from workbench.schema import LossTerm
from workbench.tensor_file import read_tree, write_tree

STORED = "objective.safetensors"


def kept_file(role: str) -> str:
    """Name of the file in a run folder, for the network of that role."""
    return f"{role}.{STORED}"


def save_kept(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write what the losses of a training learned, or nothing where there is nothing to keep.

    Raises:
        OSError: when there is no room, in one sentence.
    """
    if weights:
        write_tree(path, {"losses": dict(weights)})


def load_kept(
    path: Path,
    losses: Mapping[str, LossTerm],
    student: nn.Module,
    sizes: CorpusSizes,
    teacher: Mapping[str, int] | None,
) -> nn.ModuleDict:
    """The losses that learned relations, by name, as they were in the student's best epoch; in eval mode.

    The other arguments are those of :func:`workbench.assemble.make_objective`.

    Raises:
        ValueError: when the file is missing, damaged, or of other losses.
    """
    tree = read_tree(path)
    if not isinstance(tree, dict) or set(tree) != {"losses"}:
        raise ValueError(f"{path} holds no weights of losses: copy it again from the run it came from")
    objective: Objective = make_objective(losses, student, sizes, teacher)
    kept = objective.kept
    load_weights(kept, tree["losses"], path)
    return kept.eval()
