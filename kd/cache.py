"""Outputs of a frozen teacher, computed once and read back every epoch.

A cache is named by what its contents depend on (:func:`~kd.identity.teacher_identity`), an entry by the clip and how it
was shown (:func:`~kd.identity.clip_key`). Whatever changes, the name changes, and nothing stale is ever read.

Entries lie in shards of many clips: safetensors files, written whole or not at all, each under a name of its own, so
that several processes may write at once. The header of a shard carries the identity and a checksum per clip. A shard
that is damaged or belongs elsewhere is set aside with a warning, and its clips count as missing.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from kd.identity import FORMAT_VERSION, clip_key, view_name
from kd.shard import Entry, Shard, checksum
from slr.files import whole_file
from slr.types import Batch, NetOutput, Padded

log = logging.getLogger(__name__)


class EntryError(ValueError):
    """An entry that cannot be stored or is not there.

    Attributes:
        key: the entry, see :func:`~kd.identity.clip_key`.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class TeacherCache:
    """Teacher outputs in a folder, by :func:`~kd.identity.clip_key`.

    Args:
        folder: holds one subfolder per identity and precision.
        identity: what the outputs depend on, see :func:`~kd.identity.teacher_identity`.
        precision: how the tensors are stored; ``"float32"`` doubles the size, and is needed beyond 65,504.
        preload: read every entry into memory at once, and check it there.
    """

    def __init__(
        self,
        folder: Path | str,
        identity: str,
        precision: Literal["float16", "float32"] = "float16",
        preload: bool = False,
    ) -> None:
        if not re.fullmatch(r"[0-9A-Za-z_-]+", identity):
            raise ValueError(f"identity is {identity!r}: it names a folder and is made of letters, digits, - and _")
        if precision not in ("float16", "float32"):
            raise ValueError(f"precision is {precision!r}: outputs are stored as 'float16' or 'float32'")
        self.identity = identity
        self.precision = precision
        self.folder = Path(folder) / f"{identity[:40]}-{precision}"
        self.preload = preload
        self._dtype = torch.float16 if precision == "float16" else torch.float32
        self._shards: dict[Path, Shard | None] = {}  # None: set aside
        self._entries: dict[str, list[Entry]] = {}
        self._memory: dict[Entry, dict[str, Tensor]] = {}
        self._scan()

    def missing(self, keys: Iterable[str], taps: Iterable[str] = ()) -> list[str]:
        """Those of ``keys`` that have to be computed, in the given order.

        Every entry asked for is checked against its checksum, once; what is damaged counts as missing.

        Args:
            keys: entries wanted.
            taps: taps wanted beside the logits; an entry without one of them is missing.
        """
        self._scan()
        wanted, keys = ("logits", *taps), list(keys)
        for key in keys:
            self._find(key, wanted)
        # Only now, since a damaged entry takes those with it that lie in the same shard and were sound.
        return [key for key in keys if self._find(key, wanted) is None]

    def write(self, outputs: Mapping[str, NetOutput]) -> None:
        """Store the outputs of some clips as one shard.

        Args:
            outputs: one clip each (``B = 1``), by key; the padding is not stored.

        Raises:
            EntryError: when a value is not finite, or too large for the precision.
        """
        if not outputs:
            return
        tensors: dict[str, Tensor] = {}
        clips: dict[str, dict[str, object]] = {}
        for key, output in outputs.items():
            stored = {name: self._storable(key, name, output.read(name)) for name in ("logits", *output.taps)}
            tensors |= {f"{key}/{name}": tensor for name, tensor in stored.items()}
            clips[key] = {"names": sorted(stored), "checksum": checksum(stored)}
        header = {"format": str(FORMAT_VERSION), "identity": self.identity, "clips": json.dumps(clips)}
        with whole_file(self.folder / f"shard-{uuid.uuid4().hex}.safetensors") as temporary:
            save_file(tensors, temporary, metadata=header)
        self._scan()

    def read(self, keys: Sequence[str], taps: Iterable[str] = ()) -> NetOutput:
        """Outputs of some clips as one padded batch in float32, in the order of ``keys``.

        Args:
            keys: entries wanted, at least one.
            taps: taps wanted beside the logits.

        Raises:
            EntryError: when an entry is missing or damaged.
        """
        wanted = tuple(dict.fromkeys(("logits", *taps)))
        entries = [self._stored(key, wanted) for key in keys]
        # Widened in one go after they are stacked, not clip by clip.
        padded = {name: Padded.from_list([entry[name] for entry in entries]).map(Tensor.float) for name in wanted}
        return NetOutput(padded.pop("logits"), padded)

    def steps(self, keys: Iterable[str], name: str) -> dict[str, int]:
        """Steps of the logits or a tap in those of ``keys`` that are there, by key."""
        entries = {key: self._find(key, (name,)) for key in keys}
        return {key: len(self._tensor(entry, name)) for key, entry in entries.items() if entry is not None}

    def __len__(self) -> int:
        """Number of entries known."""
        return len(self._entries)

    def __getstate__(self) -> dict[str, Any]:
        """Open files do not travel to another process; it opens its own."""
        return self.__dict__ | {"_shards": {}, "_entries": {}, "_memory": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._scan()

    def _scan(self) -> None:
        """Open the shards that have appeared since the last look."""
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.glob("shard-*.safetensors")):
            if path in self._shards:
                continue
            try:
                shard = Shard(path, identity=self.identity, format_version=FORMAT_VERSION, dtype=self._dtype)
            except FileNotFoundError:  # another process has just set it aside
                continue
            except ValueError as error:
                self._set_aside(path, str(error))
                continue
            self._shards[path] = shard
            for entry in shard.entries:
                self._entries.setdefault(entry.key, []).append(entry)
        if self.preload:
            for key in list(self._entries):
                self._find(key, ("logits",))

    def _find(self, key: str, wanted: Sequence[str]) -> Entry | None:
        """An undamaged entry with everything ``wanted``; damaged ones found on the way are set aside."""
        for entry in list(self._entries.get(key, ())):
            if not set(wanted) <= set(entry.names):
                continue
            shard = self._shards[entry.path]
            assert shard is not None
            if entry in self._memory or shard.is_sound(entry):
                if self.preload and entry not in self._memory:
                    self._memory[entry] = {name: shard.tensor(entry, name).clone() for name in entry.names}
                return entry
            self._set_aside(entry.path, f"the outputs of entry {key[:12]} do not match their checksum")
        return None

    def _stored(self, key: str, wanted: Sequence[str]) -> Mapping[str, Tensor]:
        entry = self._find(key, wanted)
        if entry is None:
            self._scan()  # another process may have written it
            entry = self._find(key, wanted)
        if entry is None:
            raise EntryError(
                key,
                f"no undamaged entry {key[:12]} with {', '.join(wanted)} is in the cache of teacher outputs "
                f"{self.folder}: fill the cache again",
            )
        return {name: self._tensor(entry, name) for name in wanted}

    def _tensor(self, entry: Entry, name: str) -> Tensor:
        if entry in self._memory:
            return self._memory[entry][name]
        shard = self._shards[entry.path]
        assert shard is not None
        return shard.tensor(entry, name)

    def _storable(self, key: str, name: str, output: Padded) -> Tensor:
        """The valid steps of one clip in the precision of the cache, ``[S, ...]``."""
        assert len(output.lengths) == 1, f"one clip per key, but {name} of {key[:12]} holds {len(output.lengths)}"
        values = output.unpad()[0].detach()
        stored = values.to("cpu", self._dtype).contiguous().clone()
        if not bool(torch.isfinite(stored).all()):
            largest = float(values.float().abs().nan_to_num(nan=torch.inf, posinf=torch.inf).max())
            raise EntryError(
                key,
                f"{name} of entry {key[:12]} reaches {largest:g} in size, which {self.precision} cannot hold: "
                + ("check the teacher for NaN" if largest == torch.inf else "set precision: float32"),
            )
        return stored

    def _set_aside(self, path: Path, reason: str) -> None:
        """Never read a shard again: forget its entries, and rename it so that no later run opens it either."""
        self._shards[path] = None
        for key, entries in list(self._entries.items()):
            self._entries[key] = [entry for entry in entries if entry.path != path]
            if not self._entries[key]:
                del self._entries[key]
        try:
            path.replace(path.with_name(path.name + ".damaged"))
        except FileNotFoundError:  # another process was faster
            pass
        except OSError as error:  # a folder that others may only read
            reason = f"{reason} (and it cannot be renamed: {error})"
        log.warning("set aside the teacher outputs in %s: %s; what is wanted of it is computed again", path, reason)


@dataclass(frozen=True)
class CachedClip:
    """A clip whose teacher outputs are wanted.

    Attributes:
        id: id of the clip.
        fingerprint: changes when its files change.
        length: frames, for sorting.
    """

    id: str
    fingerprint: str
    length: int


def fill(
    cache: TeacherCache,
    teacher: Callable[[Batch], NetOutput],
    clips: Sequence[CachedClip],
    load: Callable[[list[list[str]]], Iterable[Batch]],
    *,
    taps: Iterable[str] = (),
    view: str = view_name(),
    batch_size: int = 8,
    clips_per_shard: int = 128,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Compute and store what the cache does not hold yet; what was stored before an interruption stays.

    The longest clips come first, so that a lack of memory shows at once and clips of one batch are about equally long.

    Args:
        cache: where to store.
        teacher: a frozen teacher.
        clips: the clips wanted.
        load: gives the batches for lists of clip ids, one list per batch, in that order. A data loader that takes the
            lists as its batch sampler does.
        taps: taps to store beside the logits.
        view: which view of the clips ``load`` shows, see :func:`~kd.identity.view_name`.
        batch_size: clips per batch.
        clips_per_shard: clips per file.
        device: where the teacher is.
        progress: called with the number of clips stored or waiting to be, and the number to compute.

    Returns:
        the number of clips computed.

    Raises:
        ValueError: when a clip stands twice, ``load`` leaves one out, or an output cannot be stored.
    """
    taps = tuple(dict.fromkeys(tap for tap in taps if tap != "logits"))
    keys = {clip.id: clip_key(clip.id, clip.fingerprint, view) for clip in clips}
    if len(keys) != len(clips):
        raise ValueError(f"{len(clips)} clips share {len(keys)} ids: every clip needs an id of its own")
    todo = set(cache.missing(keys.values(), taps))
    order = [clip.id for clip in sorted(clips, key=lambda clip: (-clip.length, clip.id)) if keys[clip.id] in todo]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    pending: dict[str, NetOutput] = {}
    done = 0
    for batch in load(batches) if batches else ():
        outputs = _split(teacher(batch.to(device)), taps)
        pending |= dict(zip(batch.ids, outputs, strict=True))
        done += len(batch)
        if len(pending) >= clips_per_shard:
            _store(cache, keys, pending)
            pending = {}
        if progress is not None:
            progress(done, len(order))
    _store(cache, keys, pending)
    left = set(cache.missing([keys[clip] for clip in order], taps))
    never = [clip for clip in order if keys[clip] in left]
    if never:
        raise ValueError(f"{len(never)} clips were asked for but never loaded, {never[0]!r} among them")
    return len(order)


def _store(cache: TeacherCache, keys: Mapping[str, str], pending: Mapping[str, NetOutput]) -> None:
    """Write the outputs of some clips; a fault names the clip."""
    try:
        cache.write({keys[clip]: output for clip, output in pending.items()})
    except EntryError as error:
        clip = next(clip for clip in pending if keys[clip] == error.key)
        raise ValueError(f"clip {clip!r}: {error}") from error


def _split(output: NetOutput, taps: Sequence[str]) -> list[NetOutput]:
    """The clips of a batch one by one, with the logits and ``taps``, without padding."""
    parts = {name: output.read(name).to("cpu").unpad() for name in ("logits", *taps)}
    return [
        NetOutput(
            Padded.from_list([parts["logits"][row]]), {name: Padded.from_list([parts[name][row]]) for name in taps}
        )
        for row in range(len(output.logits.lengths))
    ]
