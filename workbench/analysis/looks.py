"""One look of every network of a run at the clips of a split: where they see the glosses, and what relates to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import nn

from kd.losses.base import readable
from kd.objective import Related
from slr.scoring import Transcript
from slr.types import Batch, NetOutput, Network
from workbench.aligner import Aligner
from workbench.analysis.relations import Relations
from workbench.analysis.run_folder import RunFolder
from workbench.assemble import CorpusSizes, evaluation_batches
from workbench.checkpoint import load_network
from workbench.fitting import gloss_difference
from workbench.kept_losses import kept_file, load_kept
from workbench.recognise import Seen, steps_per_output
from workbench.schema import DistillConfig
from workbench.workplace import Workplace


@dataclass
class Looks:
    """What the networks of a run see in the clips of a split.

    Attributes:
        aligned: the transcript of every clip where a network sees its glosses, by role and clip.
        relations: what each loss learned, by its name and clip.
        notes: why something is not there, as sentences.
        strides: frames of the temporal plan per output step, by role.
    """

    aligned: dict[str, dict[str, Transcript]] = field(default_factory=dict)
    relations: dict[str, dict[str, Relations]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    strides: dict[str, int] = field(default_factory=dict)


def look(run: RunFolder, place: Workplace, split: str) -> Looks:
    """Let every network that lies in the run folder read the split once.

    Raises:
        ValueError: when a checkpoint is damaged, writes other glosses than the corpus has, or clips are missing.
    """
    networks = _networks(run, place)
    looks = Looks()
    together = "teacher" if "teachers" in run.result else None  # no network of its own
    absent = [entry.title for entry in run.entries if entry.role not in {*networks, together}]
    looks.notes += [f"No weights of the {title} lie in the run folder, so it was not shown the clips again."
                    for title in absent]  # fmt: skip
    if not networks:
        return looks
    related = _related(run, place, networks, looks)
    aligners = {role: Aligner() for role in networks}
    dataset = place.dataset(split, {cast(Network, network).input_stream for network in networks.values()})
    looks.strides = {role: steps_per_output(cast(Network, one), dataset.rgb_stride) for role, one in networks.items()}
    with place.progress.bar(f"reading {split} again", len(dataset)) as bar:
        for batch in evaluation_batches(dataset, place.frames_per_batch, place.data):
            batch = batch.to(place.precision.device)
            outputs = {role: _read(network, batch, place) for role, network in networks.items()}
            for role, output in outputs.items():
                aligners[role].see(Seen(batch, output.logits, looks.strides[role], dataset))
            for name, loss in related.items():
                looks.relations.setdefault(name, {}).update(_relations(loss, outputs, batch))
            for _ in batch.ids:
                bar.advance()
    for role, aligner in aligners.items():
        looks.aligned[role] = {clip: reading.transcript for clip, reading in aligner.readings.items()}
    return looks


def _networks(run: RunFolder, place: Workplace) -> dict[str, nn.Module]:
    found = {}
    for entry in run.entries:
        if not (run.path / f"{entry.role}.safetensors").is_file():
            continue
        network, card = load_network(run.path / entry.role)
        if card.glosses != place.vocabulary.glosses:
            raise ValueError(
                f"the {entry.title} in {run.path} writes {len(card.glosses)} glosses and the corpus has "
                f"{len(place.vocabulary.glosses)}, {gloss_difference(card.glosses, place.vocabulary.glosses)}: report "
                "on the corpus it was trained on"
            )
        found[entry.role] = network.to(place.precision.device).eval()
    return found


def _read(network: nn.Module, batch: Batch, place: Workplace) -> NetOutput:
    with torch.no_grad(), place.precision.autocast():
        return cast(NetOutput, network(batch.stream(cast(Network, network).input_stream)))


def _related(run: RunFolder, place: Workplace, networks: Mapping[str, nn.Module], looks: Looks) -> dict[str, Related]:
    """The losses of the run that learned relations, with their weights."""
    if not isinstance(run.settings, DistillConfig):
        return {}
    path = run.path / kept_file(run.main)
    losses = {**(run.settings.student.stages[-1].losses or {}), **run.settings.distillation.losses}
    if not path.is_file():
        looks.notes.append(
            "No loss of this run learned relations between steps, or they were not kept: a run with the loss "
            "TemporalRelation at a weight above 0 keeps them."
        )
        return {}
    if not {"student", "teacher"} <= set(networks):
        looks.notes.append("The relations between steps cannot be shown without the network that taught.")
        return {}
    student, teacher = networks["student"], networks["teacher"]
    sizes = CorpusSizes.of(place.corpus, place.vocabulary)
    widths = {**cast(Network, teacher).tap_widths, "logits": sizes.classes}
    kept = load_kept(path, losses, student, sizes, widths).to(place.precision.device)
    return {name: cast(Related, loss) for name, loss in kept.items()}


def _relations(loss: Related, outputs: Mapping[str, NetOutput], batch: Batch) -> dict[str, Relations]:
    taps = cast(Any, loss)
    student = readable(outputs["student"], taps.student_taps)
    teacher = readable(outputs["teacher"], taps.teacher_taps)
    ours, theirs = (side.float().cpu().numpy() for side in loss.adjacency(student, teacher))
    found = {}
    for row, clip in enumerate(batch.ids):
        steps = int((ours[row].sum(axis=1) > 0).sum())
        found[clip] = Relations(ours[row, :steps, :steps], theirs[row, :steps, :steps])
    return found
