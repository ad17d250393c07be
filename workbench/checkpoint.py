"""A trained network on disk: ``NAME.safetensors`` holds its weights, ``NAME.json`` all that is needed to rebuild it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from slr.tensors import read_safetensors
from slr.vocabulary import Vocabulary
from workbench.components import build
from workbench.config import content_hash
from workbench.disk import write_bytes, write_text
from workbench.faults import ConfigError
from workbench.published_weights import without_weights
from workbench.rng import preserved
from workbench.tensor_file import detached
from workbench.version import __version__

FORMAT = 1  # raised when an older version could no longer read what is written
_YOUNGER = ("classes", "released")  # of the same format, and written only where there is something to say


@dataclass(frozen=True)
class NetworkCard:
    """What stands beside the weights of a network.

    Attributes:
        network: the component node that builds it.
        arguments: what was added to the node's arguments when it was built, beside ``num_classes``; for a skeleton
            network the whole ``layout``, so that a layout of the user's own need not be at hand.
        glosses: the vocabulary, blank left out; empty for a network that tells isolated signs apart.
        layout: name of the skeleton layout, None for an RGB network.
        preprocessing: how its input was prepared, as the pipelines describe themselves.
        corpus: name of the corpus it was trained on.
        best_epoch: the epoch whose weights these are, counted from 1.
        dev: what was measured on the dev split at that epoch; empty when nothing was.
        weights_sha256: of the ``.safetensors`` file.
        classes: what a network that tells isolated signs apart writes, in the order of its scores; there is no blank.
        released: for weights that other people trained: the ``layout``, the ``file`` and its ``sha256``.
    """

    network: Mapping[str, Any]
    glosses: tuple[str, ...]
    corpus: str
    weights_sha256: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    layout: str | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    best_epoch: int | None = None
    dev: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    released: Mapping[str, Any] = field(default_factory=dict)
    project_version: str = __version__
    torch_version: str = str(torch.__version__)
    format: int = FORMAT

    @property
    def vocabulary(self) -> Vocabulary:
        """The glosses this network writes."""
        return Vocabulary(self.glosses)

    @property
    def num_classes(self) -> int:
        """Width of the logits."""
        return len(self.classes) or len(self.vocabulary)


def save_network(
    path: Path | str,
    network: nn.Module,
    *,
    node: Mapping[str, Any],
    corpus: str,
    vocabulary: Vocabulary | None = None,
    classes: tuple[str, ...] = (),
    arguments: Mapping[str, Any] | None = None,
    layout: str | None = None,
    preprocessing: Mapping[str, Any] | None = None,
    best_epoch: int | None = None,
    dev: Mapping[str, Any] | None = None,
    released: Mapping[str, Any] | None = None,
) -> NetworkCard:
    """Write ``PATH.safetensors`` and ``PATH.json``; the arguments are the fields of :class:`NetworkCard`.

    A network has a ``vocabulary`` or ``classes``.

    Raises:
        OSError: when there is no room, in one sentence.
    """
    assert (vocabulary is None) == bool(classes), "a network writes glosses or classes"
    weights = save({name: detached(tensor) for name, tensor in network.state_dict().items()})
    card = NetworkCard(
        network=dict(node),
        glosses=() if vocabulary is None else vocabulary.glosses,
        classes=classes,
        corpus=corpus,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        arguments=dict(arguments or {}),
        layout=layout,
        preprocessing=dict(preprocessing or {}),
        best_epoch=best_epoch,
        dev=dict(dev or {}),
        released=dict(released or {}),
    )
    content = json.loads(json.dumps(asdict(card)))
    content = {key: value for key, value in content.items() if value or key not in _YOUNGER}
    weights_file, card_file = checkpoint_files(path)
    write_bytes(weights_file, weights)
    text = json.dumps({**content, "card_sha256": content_hash(content)}, indent=2, ensure_ascii=False)
    write_text(card_file, text + "\n")
    return card


def load_network(path: Path | str) -> tuple[nn.Module, NetworkCard]:
    """Rebuild a network from its two files, in eval mode on the CPU; no configuration is needed.

    Raises:
        ValueError: when a file is missing, damaged, changed, a pickle, or of another version, or the weights do not fit
            the network; one sentence with the file and the remedy.
    """
    weights_file, card_file = checkpoint_files(path)
    card = read_card(path)
    tensors, _ = read_safetensors(weights_file)
    if hashlib.sha256(weights_file.read_bytes()).hexdigest() != card.weights_sha256:
        raise ValueError(
            f"{weights_file} is not the file that {card_file.name} describes: one of the two was changed or replaced; "
            "copy both again from where they were made, or train again"
        )
    try:
        with preserved():  # initial weights are drawn only to be replaced
            node = without_weights(card.network)
            network = build(node, num_classes=card.num_classes, **card.arguments)
    except ConfigError as error:
        raise ValueError(
            f"{card_file} was written by version {card.project_version} and describes a network that this version "
            f"({__version__}) cannot build: {error.faults[0]}"
        ) from error
    load_weights(network, tensors, weights_file)
    return network.eval(), card


def read_card(path: Path | str) -> NetworkCard:
    """The card of a checkpoint, without its weights.

    Raises:
        ValueError: when it is missing, no such card, changed by hand, or of another version; one sentence.
    """
    _, file = checkpoint_files(path)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{file} does not exist: a checkpoint is a .safetensors file with a .json beside it") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is damaged ({error}): copy it again from where it was made") from error
    if not isinstance(content, dict) or "card_sha256" not in content:
        raise ValueError(f"{file} is JSON, but not the card of a network: name a checkpoint that this project saved")
    if content.get("format") != FORMAT:
        raise ValueError(
            f"{file} has format {content.get('format')!r} and this version reads {FORMAT}: use version "
            f"{content.get('project_version')} of the project"
        )
    digest = content.pop("card_sha256")
    if content_hash(content) != digest:
        raise ValueError(
            f"{file} was changed after it was written: copy it again from where it was made, or train again"
        )
    names = {key: tuple(content[key]) for key in ("glosses", "classes") if key in content}
    return NetworkCard(**{**content, **names})


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], source: Path | str) -> None:
    """Put weights into a network that has exactly these, in these shapes.

    Raises:
        ValueError: naming ``source`` and the first weight that does not fit.
    """
    wanted, kind = network.state_dict(), type(network).__name__
    missing, unknown = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"holds {unknown[0]!r}"
        count = f"{len(missing)} weights missing, {len(unknown)} not known"
        raise ValueError(f"{source} {what}, unlike this {kind} ({count}): it is another network")
    for name, tensor in wanted.items():
        found, expected = list(tensors[name].shape), list(tensor.shape)
        if found != expected:
            raise ValueError(
                f"{source} has {name!r} in shape {found}, this {kind} in shape {expected}: it was built with other "
                "arguments or another vocabulary"
            )
    network.load_state_dict(dict(tensors))


def checkpoint_files(path: Path | str) -> tuple[Path, Path]:
    """The two files of a checkpoint, from its path with or without one of their endings."""
    path = Path(path)
    stem = path.name.removesuffix(".safetensors").removesuffix(".json")
    return path.with_name(f"{stem}.safetensors"), path.with_name(f"{stem}.json")
