"""What the classes of released weights are called, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from slr.released import ReleasedLayout
from slr.vocabulary import BLANK, Vocabulary
from workbench.gloss_columns import read_columns


@dataclass(frozen=True)
class ClassNames:
    """What the classes of a file are called.

    Attributes:
        vocabulary: for a network that recognises sentences; the glosses are sorted, as those of every corpus.
        classes: for a network of isolated signs, as the file has them.
        order: for every class of ours, the blank first, the one of the file.
    """

    vocabulary: Vocabulary | None
    classes: tuple[str, ...]
    order: tuple[int, ...]

    @classmethod
    def read(
        cls, layout: ReleasedLayout, count: int, glosses: Path | None, classes: Path | None, blank: int
    ) -> ClassNames:
        """Names of ``count`` classes from a file of ``glosses`` or of ``classes``, whichever the network wants.

        Raises:
            ValueError: when the other one is given, or the file does not name every class once.
        """
        isolated = layout.arguments.get("task") == "class"
        if isolated and classes is not None and glosses is None:
            return cls(None, _read_classes(classes, count), tuple(range(count)))
        if isolated or glosses is None or classes is not None:
            kind, option = ("signs", "classes") if isolated else ("glosses of sentences, and the blank", "glosses")
            raise ValueError(f"the classes of {layout.about} are {kind}: name them in a file with --{option}")
        columns = read_columns(glosses, count, blank, Vocabulary(()))
        vocabulary = Vocabulary(tuple(sorted(name for name in columns if name is not None)))
        return cls(vocabulary, (), tuple(columns.index(name) for name in (None, *vocabulary.glosses)))

    def arrange(self, network: nn.Module, layout: ReleasedLayout) -> None:
        """Put the rows of the classifiers in the order of our vocabulary: the blank, then the glosses, sorted."""
        assert self.vocabulary is None or BLANK == 0, "the blank comes first"
        state, done = network.state_dict(), set[int]()
        for name in layout.class_tensors:
            if state[name].data_ptr() not in done:  # two heads may be one
                done.add(state[name].data_ptr())
                state[name].copy_(state[name][torch.tensor(self.order)])


def _read_classes(path: Path, count: int) -> tuple[str, ...]:
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no list of classes in UTF-8 ({error})") from error
    while names and not names[-1]:
        names.pop()
    if len(names) != count:
        raise ValueError(f"{path} names {len(names)} classes and the file has {count}: write one per line, in order")
    if "" in names:
        raise ValueError(f"{path} has an empty line {names.index('') + 1}: every class has a name")
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise ValueError(f"{path} names the class {repeated[0]!r} twice: every class has a name of its own")
    return tuple(names)
