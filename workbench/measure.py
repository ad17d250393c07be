"""From trained networks to hypotheses in a run folder, and from those to scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from slr.files import copy_whole
from slr.scoring import Transcript, read_transcripts, score, write_stm
from slr.types import Network
from workbench.checkpoint import NetworkCard, checkpoint_files, read_card
from workbench.cost import count_macs, count_parameters
from workbench.disk import saying_when_full
from workbench.figures import FOLDER, draw_training
from workbench.kept_losses import kept_file
from workbench.readings import Reader, write_hypotheses
from workbench.record import MetricsFile, RunRecord
from workbench.result import NetworkResult
from workbench.workplace import Workplace

SPLITS = ("dev", "test")


@dataclass(frozen=True)
class MadeNetwork:
    """A network of a run: its checkpoint, the rows of its training where there was one, and the seconds that took.

    ``objective`` is the file of what its losses learned, where that was worth keeping.
    """

    network: nn.Module
    card: NetworkCard
    checkpoint: Path
    metrics: Path | None
    seconds: float
    objective: Path | None = None

    @property
    def name(self) -> str:
        """What tables call it: its class."""
        return type(self.network).__name__


def hypotheses_file(role: str, split: str, main: str) -> str:
    """Name of a file of hypotheses; those of the ``main`` network, which the run was for, carry no role."""
    return f"hypotheses.{split}.ctm" if role == main else f"hypotheses.{role}.{split}.ctm"


def measure(
    place: Workplace, made: Mapping[str, MadeNetwork], reader: Reader, record: RunRecord, main: str
) -> dict[str, Any]:
    """Let every network read dev and test; leave hypotheses, weights and metrics in the run folder.

    Returns:
        what else a result is made of: names, sizes, costs and seconds, by role.

    Raises:
        NoRoomError: when there is no room in the run folder.
    """
    with saying_when_full(record.folder):
        record.metrics.keep(lambda row: False)
        for role, one in made.items():
            _leave(place, role, one, reader, record, main)
        title = f"{record.folder.name}: {place.corpus.name}"
        draw_training(record.metrics.rows(), title, record.folder / FOLDER)
    streams = {cast(Network, one.network).input_stream for one in made.values()}
    sample = place.dataset("dev", streams)[0]
    per_second = place.corpus.fps / (int(sample.frames[-1]) + 1)
    return {
        "corpus": place.corpus.name,
        "decoder": reader.decoder.name,
        "names": {role: one.name for role, one in made.items()},
        "params": {role: count_parameters(one.network) for role, one in made.items()},
        "macs": {role: round(count_macs(one.network, sample) * per_second) for role, one in made.items()},
        "seconds": {role: one.seconds for role, one in made.items()},
    }


def _leave(place: Workplace, role: str, one: MadeNetwork, reader: Reader, record: RunRecord, main: str) -> None:
    for split in SPLITS:
        path = record.folder / hypotheses_file(role, split, main)
        write_hypotheses(place, one.network, one.card, split, reader, path)
    if one.objective is not None:
        copy_whole(one.objective, record.folder / kept_file(role))
    copy_network(one, role, record)


def copy_network(one: MadeNetwork, role: str, record: RunRecord) -> None:
    """Leave the weights of a network, its card and the rows of its training in the run folder.

    Raises:
        ValueError: when another run put other weights in their place since they were loaded.
    """
    for source, ending in zip(checkpoint_files(one.checkpoint), (".safetensors", ".json"), strict=True):
        copy_whole(source, record.folder / f"{role}{ending}")
    rows = MetricsFile(one.metrics).rows() if one.metrics else []
    if read_card(one.checkpoint).weights_sha256 != one.card.weights_sha256:  # the card is the first file that changes
        raise ValueError(
            f"{one.checkpoint} was trained anew by another run while this one measured it: start this run again, and "
            "it takes the new weights"
        )
    for row in rows:
        record.metrics.append({"network": role, **row})


def references_file(split: str) -> str:
    """Name of the file with the transcripts of a split, beside the hypotheses: with both, a score can be checked."""
    return f"references.{split}.stm"


def leave_references(place: Workplace, folder: Path) -> None:
    """Write what should have been read in dev and test.

    Raises:
        NoRoomError: when there is no room in the run folder.
    """
    with saying_when_full(folder):
        for split in SPLITS:
            wanted = {clip.id: Transcript(clip.glosses, clip.signer) for clip in place.corpus.clips(split)}
            write_stm(folder / references_file(split), wanted)


def left_files(made: Mapping[str, MadeNetwork], main: str) -> list[str]:
    """The files that :func:`measure` leaves for these networks."""
    weights = [f"{role}{ending}" for role in made for ending in (".safetensors", ".json")]
    weights += [kept_file(role) for role, one in made.items() if one.objective is not None]
    return [*(hypotheses_file(role, split, main) for role in made for split in SPLITS), *weights]


def scored(
    place: Workplace, folder: Path, role: str, main: str, measured: Mapping[str, Any], splits: Sequence[str] = SPLITS
) -> NetworkResult:
    """The scores of a network from its files of hypotheses."""
    reports = {}
    for split in splits:
        found = read_transcripts(folder / hypotheses_file(role, split, main))
        references = {clip.id: clip.glosses for clip in place.corpus.clips(split)}
        hypotheses = {clip: transcript.glosses for clip, transcript in found.items()}
        reports[split] = score(references, hypotheses, place.data.protocol)
    return NetworkResult(measured["names"][role], reports, measured["params"][role], measured["macs"][role])
