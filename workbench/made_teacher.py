"""The teacher of a distillation, ready to teach: a network, imported outputs, or several that answer as one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from torch.utils.data import DataLoader

from kd.ensemble import Choice, EnsembleTeacher, Rule, choose_best, combined_widths, training_losses
from kd.teacher import CachedTeacher, Teacher
from slr.ctc import Decoder, LabelSet
from slr.data import collate
from slr.types import Batch, Network
from workbench.caching import CLIPS_PER_BATCH
from workbench.checkpoint import load_network, read_card
from workbench.code_identity import code_hash, module_hash
from workbench.config import content_hash
from workbench.cost import count_parameters
from workbench.fitting import check_teacher_fits
from workbench.measure import SPLITS, MadeNetwork, hypotheses_file
from workbench.output_store import OutputStore
from workbench.preflight import TEACHER_ROLES, find_checkpoint
from workbench.pseudo_labels import labels_of
from workbench.record import RunRecord
from workbench.schema import DistillConfig, TeacherSource
from workbench.schema import Teacher as TeacherConfig
from workbench.teacher_parts import NetworkPart, OutputsPart, TeacherPart, identity_of_outputs
from workbench.teacher_voice import TeacherVoice
from workbench.trained_teacher import TEACHER, teacher_training
from workbench.training import Teaching, train_network
from workbench.workplace import Workplace


@dataclass(frozen=True)
class MadeTeacher:
    """A teacher that is ready; several ``parts`` are combined by ``rule``, with ``weights`` where it is weighted."""

    place: Workplace
    parts: tuple[TeacherPart, ...]
    rule: Rule | None = None
    weights: tuple[float, ...] | None = None

    @property
    def networks(self) -> dict[str, MadeNetwork]:
        """The networks among the parts, by role."""
        return {part.role: part.made for part in self.parts if isinstance(part, NetworkPart)}

    def teaching(self, taps: Iterable[str], *, live: bool) -> Teaching:
        """What the distillation learns from, see :func:`workbench.caching.teaching_of`."""
        taps = tuple(sorted(set(taps) - {"logits"}))
        teachings = [part.teaching(self.place, taps, live=live) for part in self.parts]
        if self.rule is None:
            return teachings[0]
        return Teaching(
            self._together([one.teacher for one in teachings]),
            combined_widths([one.widths for one in teachings], self.rule),
            self._identity(one.identity for one in teachings),
            tuple(sorted({stream for one in teachings for stream in one.streams})),
        )

    def measure(self, decoder: Decoder, record: RunRecord, main: str) -> dict[str, Any]:
        """Let what is no single network read dev and test, where there is something to read them with.

        Returns:
            names, sizes and splits read by role; where outputs came from; how teachers were combined; and what has to
            be said about all that below the table.
        """
        found: dict[str, Any] = {
            "names": {},
            "params": {},
            "splits": {},
            "outputs": {},
            "notes": [],
            "combination": None,
        }
        for part in self.parts:
            if isinstance(part, OutputsPart):
                self._leave(part.role, part.name, part.splits, decoder, record, main, found)
                found["notes"].append(part.said())
                found["outputs"][part.role] = {"folder": str(part.store.folder), "identity": part.store.card.identity}
        if self.rule is not None:
            sizes = [count_parameters(made.network) for made in self.networks.values()]
            self._leave(TEACHER, f"{len(self.parts)} teachers", self.splits, decoder, record, main, found)
            found["params"][TEACHER] = sum(sizes) if len(sizes) == len(self.parts) else None
            found["combination"] = self._combination()
            found["notes"].append(_about_combination(found["combination"]))
        return found

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits, of dev and test, that the whole teacher can read."""
        return tuple(split for split in SPLITS if all(split in part.splits for part in self.parts))

    def labels(self, split: str = "dev") -> LabelSet | None:
        """The pseudo-labels of a split by this teacher; None where it cannot read it."""
        if split not in self.splits:
            return None
        if self.rule is None and isinstance(self.parts[0], NetworkPart):
            return labels_of(self.place, self.parts[0].made, split)
        return self._voice(TEACHER, split).labels(self.place)

    @cached_property
    def choice(self) -> Choice:
        """Which part teaches which training clip: of the lowest CTC loss on its transcript, plain and whole."""
        assert self.rule == "best"
        losses = []
        for part in self.parts:
            teaching = part.teaching(self.place, (), live=False)
            losses.append(training_losses(teaching.teacher, self._training_batches()))
        return choose_best(losses)

    def _identity(self, members: Iterable[str], *more: Any) -> str:
        """Hash of everything that decides what the ``members`` say together."""
        how = [self.rule, self.weights, module_hash(EnsembleTeacher.__module__)]
        return content_hash(["several", *how, [*members], *more])

    def _together(self, members: list[Teacher]) -> EnsembleTeacher:
        assert self.rule is not None
        if self.rule == "best":
            choice = self.choice
            return EnsembleTeacher(members, "best", chosen=choice.chosen, otherwise=choice.overall)
        return EnsembleTeacher(members, self.rule, weights=self.weights)

    def _training_batches(self) -> Iterable[Batch]:
        """The training clips as evaluation sees them, without any stream: their outputs are read."""
        dataset = self.place.dataset("train", ())
        return cast(Iterable[Batch], DataLoader(dataset, batch_size=CLIPS_PER_BATCH, collate_fn=collate))

    def _voice(self, role: str, split: str) -> TeacherVoice:
        """The part of that role, or all of them together."""
        part = next((part for part in self.parts if part.role == role), None)
        if part is not None:
            return part.voice(self.place, split)[0]
        voices = [part.voice(self.place, split) for part in self.parts]
        overall = self.choice.overall if self.rule == "best" else None
        streams = tuple(sorted({stream for voice, _ in voices for stream in voice.streams}))
        return voices[0][0].together(
            f"{len(self.parts)} teachers, {self.rule}",
            self._identity((voice.identity for voice, _ in voices), overall),
            streams,
            self._together([teacher for _, teacher in voices]),
        )

    def _leave(
        self,
        role: str,
        name: str,
        splits: tuple[str, ...],
        decoder: Decoder,
        record: RunRecord,
        main: str,
        found: dict[str, Any],
    ) -> None:
        for split in splits:
            recognition = self._voice(role, split).recognise(self.place, decoder)
            recognition.write(record.folder / hypotheses_file(role, split, main))
        found["names"][role], found["params"][role], found["splits"][role] = name, None, list(splits)

    def _combination(self) -> dict[str, Any]:
        names = [part.role.removeprefix(f"{TEACHER}-") for part in self.parts]
        found: dict[str, Any] = {"rule": self.rule, "members": names}
        if self.weights is not None:
            found["weights"] = [weight / math.fsum(self.weights) for weight in self.weights]
        if self.rule == "best":
            chosen = list(self.choice.chosen.values())
            found["clips"] = {name: chosen.count(index) for index, name in enumerate(names)}
            found["ties"] = len(self.choice.ties)
            found["otherwise"] = names[self.choice.overall]
        return found


def make_teacher(config: DistillConfig, place: Workplace, *, fresh: bool) -> MadeTeacher:
    """Train, load or open the teacher of a configuration."""
    parts: list[TeacherPart] = []
    for role, (_, source) in config.teacher.sources().items():
        if role != TEACHER:
            place.progress.line(f"{role.replace('-', ' ', 1)}, one of {len(config.teacher.members)}:")
        if source.outputs is not None:
            store = OutputStore.open(source.outputs)
            place.progress.line(f"teacher  outputs of {store.card.name}, read from {store.folder}")
            parts.append(OutputsPart(role, store))
        else:
            parts.append(NetworkPart(role, _network(source, config.run.seed, place, fresh)))
    weights = [member.weight for member in config.teacher.members if member.weight is not None]
    return MadeTeacher(place, tuple(parts), config.teacher.combine, tuple(weights) or None)


def check_ready_made(config: DistillConfig, place: Workplace, taps: Iterable[str]) -> None:
    """Refuse checkpoints and imported outputs that are not about the clips of this run, before anything is trained.

    Raises:
        ValueError: naming the first thing that does not fit, or what is damaged.
    """
    for _, source in config.teacher.sources().values():
        if source.outputs is not None:
            OutputStore.open(source.outputs).check(place.corpus, place.vocabulary, set(taps) - {"logits"})
        elif source.checkpoint is not None:
            _loaded(source.checkpoint, place)


def ready_made(config: TeacherConfig) -> Any:
    """Hashes of what a teacher brings along, checkpoints and outputs, and of the code by which it is asked."""
    found = {role: _brought(source) for role, (_, source) in config.sources().items()}
    asked = module_hash(CachedTeacher.__module__, EnsembleTeacher.__module__)
    return [asked, *found.items()]


def teacher_roles(config: TeacherConfig) -> dict[str, str]:
    """The roles of the teachers in a run, the whole one last, with what tables call them."""
    members = {f"{TEACHER}-{member.name}": f"{TEACHER} {member.name}" for member in config.members}
    return {**members, TEACHER: f"teachers, {config.combine}" if members else TEACHER}


def _brought(source: TeacherSource) -> Any:
    if source.outputs is not None:
        return identity_of_outputs(OutputStore.open(source.outputs))
    if source.checkpoint is not None:
        card = read_card(find_checkpoint(source.checkpoint, TEACHER_ROLES))
        return [card.weights_sha256, code_hash(dict(card.network))]
    return None


def _network(source: TeacherSource, seed: int, place: Workplace, fresh: bool) -> MadeNetwork:
    if source.checkpoint is not None:
        made = _loaded(source.checkpoint, place)
        place.progress.line(f"teacher  loaded from {made.checkpoint}, trained on {made.card.corpus}")
        return made
    return train_network(place, teacher_training(source, seed), fresh=fresh)


def _loaded(path: str, place: Workplace) -> MadeNetwork:
    checkpoint = find_checkpoint(path, TEACHER_ROLES)
    network, card = load_network(checkpoint)
    dataset = place.dataset("dev", {cast(Network, network).input_stream})
    check_teacher_fits(checkpoint, card, place.vocabulary, dataset.describe())
    return MadeNetwork(network.to(place.precision.device), card, checkpoint, None, 0.0)


def _about_combination(found: Mapping[str, Any]) -> str:
    names = ", ".join(found["members"])
    if found["rule"] == "average":
        return f"The teachers {names} are averaged: their posteriors, at the steps of {found['members'][0]}."
    if found["rule"] == "weighted":
        shares = ", ".join(
            f"{name} {share:.2f}" for name, share in zip(found["members"], found["weights"], strict=True)
        )
        return f"The posteriors of the teachers are averaged with the weights {shares}."
    counts = ", ".join(f"{name} {count}" for name, count in found["clips"].items())
    return (
        f"Every training clip is taught by the teacher of the lowest CTC loss on it ({counts} clips, {found['ties']} "
        "ties that went to the first); dev and test, whose transcripts choose nothing, are read by "
        f"{found['otherwise']}, of the lowest loss over all training clips."
    )
