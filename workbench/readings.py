"""What a network read in the clips of a split, kept beside the runs: a network that many runs share reads once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from slr.ctc import Decoder, decoder_by_name
from slr.files import whole_file
from slr.types import Network
from slr.vocabulary import Vocabulary
from workbench.assemble import make_decoder
from workbench.checkpoint import NetworkCard
from workbench.code_identity import code_hash, module_hash
from workbench.config import content_hash
from workbench.disk import saying_when_full, write_text
from workbench.network_identity import answer_key, identity_of
from workbench.schema import Evaluate
from workbench.workplace import Workplace

_FORMAT = "slr-readings-1"
_SEARCH = ("decoder", "beam_width", "n_best", "backend", "language_weight", "insertion_bonus")


@dataclass(frozen=True)
class Reader:
    """A decoder, with a hash of everything that decides what it reads in given scores."""

    decoder: Decoder
    identity: str

    @classmethod
    def of(cls, evaluate: Evaluate, vocabulary: Vocabulary) -> Reader:
        """The decoder that results are reported with.

        Raises:
            ValueError: as :func:`workbench.assemble.make_decoder` does.
        """
        return cls(make_decoder(evaluate, vocabulary), decoding_identity(evaluate, vocabulary))


def decoding_identity(evaluate: Evaluate, vocabulary: Vocabulary) -> str:
    """Hash of everything that decides what the configured decoder reads in given scores; the decoder is not made.

    Raises:
        ValueError: when there is no such language model.
    """
    model, decoder = evaluate.language_model, evaluate.decoder
    if model is not None and not Path(model).is_file():
        raise ValueError(f"evaluate.language_model is {model}, and there is no such file: name an ARPA file")
    about = [
        {name: evaluate.model_dump(mode="json")[name] for name in _SEARCH},
        None if model is None else hashlib.sha256(Path(model).read_bytes()).hexdigest(),
        module_hash(decoder_by_name.__module__) if isinstance(decoder, str) else code_hash(decoder),
        vocabulary.fingerprint,
    ]
    return content_hash(about)


def write_hypotheses(
    place: Workplace, network: nn.Module, card: NetworkCard, split: str, reader: Reader, path: Path
) -> None:
    """Write as CTM what a network reads in a split: what was kept when it last did, or what it reads now.

    A file that was kept and altered since is not believed: the network reads again.

    Raises:
        NoRoomError: when there is no room for either file.
    """
    key = _key(place, network, card, split, reader)
    kept = place.readings / f"{split}-{key[:12]}.json"
    ctm = _kept(kept, key)
    if ctm is not None:
        write_text(path, ctm)
        return
    recognition = place.recognise(network, split, reader.decoder)
    with saying_when_full(path):
        recognition.write(path)
    content = {"format": _FORMAT, "key": key, "ctm": path.read_text(encoding="utf-8")}
    with saying_when_full(kept), whole_file(kept) as temporary:
        temporary.write_text(json.dumps({**content, "sha256": content_hash(content)}) + "\n", encoding="utf-8")


def _key(place: Workplace, network: nn.Module, card: NetworkCard, split: str, reader: Reader) -> str:
    stream = cast(Network, network).input_stream
    identity = identity_of(network, card, place.dataset(split, {stream}))
    return answer_key(place, identity, split, [stream], reader.identity)


def _kept(path: Path, key: str) -> str | None:
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        digest = content.pop("sha256")
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    sound = content.get("key") == key and digest == content_hash(content)
    return content["ctm"] if sound else None
