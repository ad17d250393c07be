"""Released weights become a run folder: a network of ours that other people trained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from slr.released import ReleasedLayout, class_count, fill, read_released
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.types import Network
from workbench.assemble import make_dataset, open_corpus
from workbench.checkpoint import checkpoint_files, read_card, save_network
from workbench.components import build
from workbench.config import to_plain
from workbench.cost import count_parameters
from workbench.disk import saying_when_full, write_text
from workbench.faults import did_you_mean
from workbench.fitting import differences, gloss_difference
from workbench.import_report import counted
from workbench.isolated.released import described_clips, open_isolated, run_of
from workbench.isolated.schema import GIVEN_ARGUMENTS, IsolatedData, IsolatedReleasedConfig
from workbench.making import Making
from workbench.networks import network_paths
from workbench.progress import Progress
from workbench.released_names import ClassNames
from workbench.rng import preserved
from workbench.schema import Data, ReleasedConfig, ReleasedWeights
from workbench.targets import resolve
from workbench.yaml_text import dump_yaml

ROLE = "network"


@dataclass(frozen=True)
class ReleasedSettings:
    """What is said about released weights beside the file itself.

    Attributes:
        file: as :func:`slr.released.read_released` reads it.
        layout: name of the published system, see :func:`released_layouts`.
        out: the run folder to make.
        glosses: the gloss of every class, see :func:`workbench.gloss_columns.read_columns`; for a network that
            recognises sentences.
        classes: a file with the name of every class, one per line; for a network of isolated signs.
        blank: class of the blank in the file; -1 is the last one.
        key: where the state dict lies in a file that holds several.
        skeleton: name of the skeleton layout, where it is not that of the published system.
        new_classes: whether the names are of other classes than those of the file, so that the classifier begins anew.
    """

    file: Path
    layout: str
    out: Path
    glosses: Path | None = None
    classes: Path | None = None
    blank: int = 0
    key: str | None = None
    skeleton: str | None = None
    new_classes: bool = False


def released_layouts() -> dict[str, tuple[str, ReleasedLayout]]:
    """The published systems whose weights are read: by name the network of ours, and how its tensors lie."""
    found: dict[str, tuple[str, ReleasedLayout]] = {}
    for path in network_paths():
        for name, layout in getattr(resolve(path).call, "released", {}).items():
            assert name not in found, f"{path} and {found[name][0]} both read {name}"
            found[name] = (path, layout)
    return found


def import_weights(settings: ReleasedSettings, data: Data | IsolatedData | None, progress: Progress) -> Path:
    """Make a checkpoint, and with the ``data`` that it was trained on a run folder, of released weights.

    Returns:
        the folder.

    Raises:
        ValueError: when anything does not fit, in a sentence; nothing is written then.
        OSError: when a file is missing, or there is no room.
    """
    path, layout = _known(settings.layout)
    _check_free(settings.out)
    tensors = read_released(settings.file, settings.key)
    count = None if settings.new_classes else class_count(layout, tensors, settings.file)
    names = ClassNames.read(layout, count, settings.glosses, settings.classes, settings.blank)
    _check_data(layout, data, names, new_classes=settings.new_classes)
    place = open_isolated(settings.out, data, progress) if isinstance(data, IsolatedData) else None
    if place is not None:
        names = names.in_the_order_of(place.corpus.classes, place.corpus.name)
    node = {"_target_": path, **layout.arguments}
    skeleton = _skeleton(settings, layout, path)
    with preserved():
        network: nn.Module = build(node, num_classes=names.count, **({} if skeleton is None else {"layout": skeleton}))
    notes = fill(network, layout, tensors, settings.file, new_classes=settings.new_classes)
    names.arrange(network, layout)
    if place is not None:
        preprocessing, corpus = described_clips(place, layout, network), place.corpus.name
    else:
        assert not isinstance(data, IsolatedData), "its place is open"
        preprocessing, corpus = _preprocessing(settings, layout, data, names, network, skeleton, progress)
    _leave(settings, data, network, node, names, skeleton, preprocessing, corpus)
    progress.line(
        f"{path.rpartition('.')[2]}, {layout.about}: {len(tensors)} tensors, {count_parameters(network):,} parameters, "
        f"{counted(names.count, 'class', 'es')}"
    )
    for note in notes:
        progress.line(note)
    return settings.out


def _known(name: str) -> tuple[str, ReleasedLayout]:
    known = released_layouts()
    if name not in known:
        raise ValueError(f"there is no layout {name!r}{did_you_mean(name, known)}")
    return known[name]


def _leave(
    settings: ReleasedSettings,
    data: Data | IsolatedData | None,
    network: nn.Module,
    node: Mapping[str, Any],
    names: ClassNames,
    skeleton: SkeletonLayout | None,
    preprocessing: Mapping[str, Any],
    corpus: str,
) -> None:
    """Write the checkpoint and, where the data are known, the configuration of a run."""
    released = ReleasedWeights(
        layout=settings.layout,
        file=settings.file.name,
        sha256=hashlib.sha256(settings.file.read_bytes()).hexdigest(),
    )
    with saying_when_full(settings.out):
        save_network(
            settings.out / ROLE,
            network,
            node=node,
            corpus=corpus,
            vocabulary=names.vocabulary,
            classes=names.classes,
            arguments={} if skeleton is None else {"layout": skeleton.to_dict()},
            layout=None if skeleton is None else skeleton.name,
            preprocessing=preprocessing,
            released=released.model_dump(),
        )
        if data is not None:
            config = _config(settings.out, data, node, released)
            write_text(settings.out / "config.yaml", dump_yaml(to_plain(config)))


def _skeleton(settings: ReleasedSettings, layout: ReleasedLayout, path: str) -> SkeletonLayout | None:
    reads = "layout" in resolve(path).parameters
    if not reads:
        if settings.skeleton is not None:
            raise ValueError(f"{layout.about} reads frames and has no skeleton: leave --skeleton out")
        return None
    name = settings.skeleton or layout.skeleton
    assert name is not None, f"{settings.layout} names no skeleton"
    return skeleton_layout(name)


def _check_data(
    layout: ReleasedLayout, data: Data | IsolatedData | None, names: ClassNames, *, new_classes: bool
) -> None:
    if data is None:
        return
    if new_classes:
        raise ValueError("a new classifier is untrained, so there is nothing to evaluate on --data: leave them out")
    if names.vocabulary is None and not isinstance(data, IsolatedData):
        raise ValueError(f"{layout.about} tells isolated signs apart, and --data are of sentences: leave them out")
    if names.vocabulary is not None and isinstance(data, IsolatedData):
        raise ValueError(f"{layout.about} recognises sentences, and --data are of isolated clips: leave them out")


def _config(
    out: Path, data: Data | IsolatedData, node: Mapping[str, Any], released: ReleasedWeights
) -> ReleasedConfig | IsolatedReleasedConfig:
    """What a configuration of the run folder says."""
    run = run_of(out)
    if isinstance(data, IsolatedData):
        own = {name: value for name, value in node.items() if name not in GIVEN_ARGUMENTS}
        return IsolatedReleasedConfig(run=run, data=data, network=own, released=released)
    return ReleasedConfig(run=run, data=data, network=dict(node), released=released)


def _check_free(out: Path) -> None:
    """Only a folder that holds released weights is written over."""
    _, card = checkpoint_files(out / ROLE)
    others = card.exists() and not read_card(out / ROLE).released
    if others or ((out / "config.yaml").exists() and not card.exists()):
        raise ValueError(f"{out} holds a run of another kind: give another folder with --out")


def _preprocessing(
    settings: ReleasedSettings,
    layout: ReleasedLayout,
    data: Data | None,
    names: ClassNames,
    network: nn.Module,
    skeleton: SkeletonLayout | None,
    progress: Progress,
) -> tuple[dict[str, Any], str]:
    """How the input was prepared, and the corpus: as ``data`` says, which has to agree with the published system."""
    if data is None:
        return dict(layout.preprocessing), "unknown"
    assert names.vocabulary is not None, "data of sentences are for networks that recognise sentences"
    with Making(progress) as making, saying_when_full(data.root):
        corpus = open_corpus(data, making)
    vocabulary = corpus.vocabulary(data.vocabulary)
    if vocabulary.glosses != names.vocabulary.glosses:
        raise ValueError(
            f"{settings.glosses} names {len(names.vocabulary.glosses)} glosses and {corpus.name} has "
            f"{len(vocabulary.glosses)}, {gloss_difference(names.vocabulary.glosses, vocabulary.glosses)}: name the "
            "data that these weights were trained on; data.vocabulary=union takes the glosses of all splits"
        )
    stream = cast(Network, network).input_stream
    described = make_dataset(corpus, "dev", vocabulary, data, streams={stream}).describe()
    for place, published, here in differences(layout.preprocessing, described, stated=True):
        raise ValueError(
            f"{layout.about} was trained on clips with {place} {published}, and these data prepare them with {here}: "
            f"say data.{_setting(place)}={published}"
        )
    return described, corpus.name


def _setting(place: str) -> str:
    return place if place.startswith("plan") else f"streams.{place}"


def layout_lines(layouts: Mapping[str, tuple[str, ReleasedLayout]]) -> Sequence[str]:
    """A line for every published system."""
    width = max(map(len, layouts))
    return [f"{name:{width}}  {path}: {layout.about}" for name, (path, layout) in sorted(layouts.items())]
