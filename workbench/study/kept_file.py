"""Records of finished runs in one small file, which goes where run folders do not: another machine, a repository.

The file is JSON with a line for every run and for every part that runs share, so that it can be compared line by line;
the same runs always give the same bytes. Where its name ends with ``.gz`` it is compressed.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.disk import saying_when_full, write_bytes
from workbench.lock import alone_with
from workbench.study.finished import FinishedRun
from workbench.study.fused import FusedRun
from workbench.study.grid import Cell
from workbench.study.kept_fusion import KeptFusion, read_fusion, record_of_fusion
from workbench.study.kept_record import PARTS, Kept, Parts, read_record, record_of

_Entries = Mapping[str, Mapping[str, Any]]
_FORMAT = "finished runs of studies, version 1"
_COMPRESSED = ".gz"


@dataclass
class KeptRuns:
    """The runs of a file.

    Attributes:
        path: of the file.
        runs: those whose records hold together, by the hash under which they are filed.
        refused: sentences about the others, by that hash.
        fusions: of runs, by what decides them.
    """

    path: Path
    runs: dict[str, Kept] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    fusions: dict[str, KeptFusion] = field(default_factory=dict)


def default_file(study: Path | str) -> Path:
    """Where the records of a study file lie when nobody says otherwise."""
    return Path(study).parent / "records" / f"{Path(study).stem}.json"


def read_kept(path: Path) -> KeptRuns:
    """The runs of a file.

    Raises:
        ValueError: when there is no such file, or it is none of records.
    """
    entries, fusions, parts = _content(path)
    found = KeptRuns(path)
    for content, entry in entries.items():
        try:
            found.runs[content] = read_record(path, content, entry, parts)
        except ValueError as error:
            found.refused[content] = str(error)
    for content, entry in fusions.items():
        try:
            found.fusions[content] = read_fusion(path, content, entry, parts)
        except ValueError as error:
            found.refused[content] = str(error)
    return found


def check_kept(path: Path) -> None:
    """Whether runs can be added to a file.

    Raises:
        ValueError: as :func:`keep_runs` does.
    """
    if path.is_file():
        refused = [*read_kept(path).refused.values()]
        if refused:
            raise ValueError(refused[0])


def keep_runs(
    path: Path, finished: Mapping[Cell, FinishedRun], fusions: Mapping[Cell, tuple[str, FusedRun]] | None = None
) -> int:
    """Add finished runs to a file, made when it is missing; of the same configuration and seed the new one stays.

    Args:
        path: of the file.
        finished: the runs.
        fusions: of them, each with the hash of what decides it.

    Returns:
        how many runs it holds now.

    Raises:
        ValueError: when the file is none of records, or one of the runs that would stay in it was edited.
        NoRoomError: when there is no room for it; the file is then as it was.
    """
    with saying_when_full(path), alone_with(path):  # several studies may keep their runs in one file
        return _add_runs(path, finished, fusions or {})


def _add_runs(path: Path, finished: Mapping[Cell, FinishedRun], fusions: Mapping[Cell, tuple[str, FusedRun]]) -> int:
    nothing: Parts = {kind: {} for kind in PARTS}
    before, fused, parts = _content(path) if path.is_file() else ({}, {}, nothing)
    new = {run.content for run in finished.values()}
    entries = {}
    for filed, entry in before.items():
        if filed not in new and read_record(path, filed, entry, parts).content not in new:
            entries[filed] = entry
    for cell, run in finished.items():
        entries[run.content], of_run = record_of(run, cell)
        _add(parts, of_run)
    new = {content for content, _ in fusions.values()}
    fused = {key: entry for key, entry in fused.items() if key not in new and read_fusion(path, key, entry, parts)}
    for cell, (content, made) in fusions.items():
        fused[content], of_run = record_of_fusion(content, made, cell)
        _add(parts, of_run)
    _write(path, entries, fused, parts)
    return len(entries)


def _add(parts: Parts, more: Parts) -> None:
    for kind, named in more.items():
        parts[kind] |= named


def _content(path: Path) -> tuple[dict[str, Any], dict[str, Any], Parts]:
    """Runs, fusions and parts."""
    if not path.is_file():
        raise ValueError(f"there is no file of records at {path}")
    try:
        data = path.read_bytes()
        found = json.loads(gzip.decompress(data) if path.suffix == _COMPRESSED else data)
        whole = found["format"] == _FORMAT and all(isinstance(found[key], dict) for key in ("runs", *PARTS))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): restore it, or remove it and keep the runs again") from error
    if not whole:
        raise ValueError(f"{path} holds no records of this version: it should say format {_FORMAT!r}")
    return found["runs"], found.get("fusions", {}), {kind: found[kind] for kind in PARTS}


def _write(path: Path, entries: _Entries, fusions: _Entries, parts: Parts) -> None:
    both = [*entries.values(), *fusions.values()]
    used = {
        "settings": {name for entry in entries.values() for name in entry["settings"].values()},
        "references": {entry["references"] for entry in both},
        "networks": {name for entry in both for name in entry["networks"].values()},
    }
    sections = {kind: {name: parts[kind][name] for name in sorted(used[kind])} for kind in PARTS}
    named = {"runs": entries, **({"fusions": fusions} if fusions else {})}
    ordered = {key: dict(sorted(found.items(), key=lambda item: _order(*item))) for key, found in named.items()}
    text = _text({**sections, **ordered})
    data = text.encode()
    write_bytes(path, gzip.compress(data, mtime=0) if path.suffix == _COMPRESSED else data)


def _order(content: str, entry: Mapping[str, Any]) -> tuple[Any, ...]:
    corpus_seed = entry["corpus_seed"]
    split = entry.get("split") or ""
    return entry["row"], -1 if corpus_seed is None else corpus_seed, split, entry["seed"], content


def _text(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """JSON with a line for everything that has a name."""
    blocks = [f'"format": {json.dumps(_FORMAT)}']
    for kind, named in sections.items():
        lines = [f"{json.dumps(name)}: {_line(value)}" for name, value in named.items()]
        blocks.append(f'"{kind}": {{\n' + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
