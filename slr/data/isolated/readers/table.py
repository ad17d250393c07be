"""Tables that say of every clip what it shows: the label files of Slovo and Google ISLR, and anybody's own."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slr.data.isolated.spec import ClipRow, PartsOfSplits
from slr.data.isolated.splits import held_out

# What a column may be called, the preferred name first.
COLUMNS = {
    "clip": ("clip", "id", "path", "file", "attachment_id", "video_id"),
    "label": ("label", "sign", "gloss", "text", "class"),
    "signer": ("signer", "participant_id", "user_id", "subject"),
    "camera": ("camera", "view"),
    "setup": ("setup",),
    "split": ("split", "subset", "train"),
}
_PARTS = {
    "train": "train", "true": "train", "1": "train", "dev": "dev", "val": "dev", "validation": "dev", "test": "test",
    "false": "test", "0": "test",
}  # fmt: skip
_TEST = 0.2  # of the clips, where a table does not say


@dataclass(frozen=True)
class Labelled:
    """A row of a table, with the words that it holds."""

    clip: str
    label: str
    signer: str = ""
    camera: str = ""
    setup: str = ""
    split: str = ""


@dataclass(frozen=True)
class LabelTable:
    """The clips of a table and their classes, sorted by name unless the caller knew their order."""

    path: Path
    rows: tuple[Labelled, ...]
    classes: tuple[str, ...]

    @classmethod
    def read(
        cls, path: Path | str, columns: Mapping[str, str] | None = None, classes: Sequence[str] = ()
    ) -> LabelTable:
        """Read a table with a head, separated by commas, tabs or semicolons.

        Args:
            path: the file.
            columns: what columns are called that have none of the names of :data:`COLUMNS`.
            classes: names of the classes in the order of their labels; those that occur, sorted, when left out.

        Raises:
            ValueError: when it is missing, lacks a column, has a clip twice, or names a class or part that there is
            not.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as fault:
            raise ValueError(f"the table {path} cannot be read: {fault}") from fault
        head = text.partition("\n")[0]
        table = csv.DictReader(text.splitlines(), delimiter=max("\t;,", key=head.count))
        names = _columns(path, table.fieldnames or (), columns or {})
        rows = tuple(_row(path, number, line, names) for number, line in enumerate(table, start=2))
        if not rows:
            raise ValueError(f"{path} lists no clip")
        ids = [row.clip for row in rows]
        twice = sorted({clip for clip in ids if ids.count(clip) > 1}) if len(set(ids)) < len(ids) else []
        if twice:
            raise ValueError(f"{path} lists {twice[0]!r} twice: a clip has one row")
        known = tuple(classes) or tuple(sorted({row.label for row in rows}))
        unknown = sorted({row.label for row in rows} - set(known))
        if unknown:
            raise ValueError(f"{path} has the label {unknown[0]!r}, which is none of the {len(known)} classes")
        return cls(path, rows, known)

    def clip_row(self, row: Labelled) -> ClipRow:
        """A row as a store keeps it."""
        return ClipRow(row.clip, self.classes.index(row.label), row.signer, row.camera, row.setup)

    def splits(self) -> PartsOfSplits:
        """``official``, as the table says; or ``made``: a fifth is the test, of whole signers where they are known.

        Raises:
            ValueError: when some rows name their part and others do not, or no fifth can be taken.
        """
        if any(row.split for row in self.rows):
            parts: dict[str, list[str]] = {}
            for row in self.rows:
                if row.split.lower() not in _PARTS:
                    raise ValueError(
                        f"clip {row.clip!r} of {self.path} is in part {row.split!r}: say train, dev or test"
                    )
                parts.setdefault(_PARTS[row.split.lower()], []).append(row.clip)
            return {"official": parts}
        signers = [row.signer for row in self.rows]
        groups = signers if all(signers) else [""] * len(signers)
        labels = [self.classes.index(row.label) for row in self.rows]
        ids = [row.clip for row in self.rows]
        test = held_out(groups, labels, ids, _TEST)
        return {
            "made": {
                part: [clip for clip, out in zip(ids, test, strict=True) if out is wanted]
                for part, wanted in (("train", False), ("test", True))
            }
        }


def _columns(path: Path, head: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Which column is which."""
    unknown = sorted(set(given) - set(COLUMNS)) or [name for name in given.values() if name not in head]
    if unknown:
        raise ValueError(
            f"{path} has the columns {', '.join(head) or 'none'}, and {unknown[0]!r} is none of what is asked"
        )
    found = {}
    for what, names in COLUMNS.items():
        name = given.get(what) or next((name for name in names if name in head), None)
        if name is not None:
            found[what] = name
        elif what in ("clip", "label"):
            raise ValueError(
                f"{path} has the columns {', '.join(head) or 'none'}, and none of them is the {what}: call one of them "
                f"{' or '.join(names[:3])}, or say which it is"
            )
    return found


def _row(path: Path, number: int, line: Mapping[str, str | None], names: Mapping[str, str]) -> Labelled:
    words = {what: (line.get(name) or "").strip() for what, name in names.items()}
    if not words["clip"] or not words["label"]:
        raise ValueError(f"line {number} of {path} names no {'clip' if not words['clip'] else 'label'}")
    return Labelled(**words)
