"""What the classes of released weights are called, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from slr.released import ReleasedLayout
from slr.vocabulary import BLANK, Vocabulary
from workbench.fitting import gloss_difference
from workbench.gloss_columns import count_listed, read_columns


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
        cls, layout: ReleasedLayout, count: int | None, glosses: Path | None, classes: Path | None, blank: int
    ) -> ClassNames:
        """Names of ``count`` classes from a file of ``glosses`` or of ``classes``, whichever the network wants.

        Without a count there are as many classes as names, and a blank where the network wants one.

        Raises:
            ValueError: when the other one is given, or the file does not name every class once.
        """
        isolated = layout.arguments.get("task") == "class"
        if isolated and classes is not None and glosses is None:
            names = _read_classes(classes, count)
            return cls(None, names, tuple(range(len(names))))
        if isolated or glosses is None or classes is not None:
            kind, option = ("signs", "classes") if isolated else ("glosses of sentences, and the blank", "glosses")
            raise ValueError(f"the classes of {layout.about} are {kind}: name them in a file with --{option}")
        count = count_listed(glosses) + 1 if count is None else count
        columns = read_columns(glosses, count, blank, Vocabulary(()))
        vocabulary = Vocabulary(tuple(sorted(name for name in columns if name is not None)))
        return cls(vocabulary, (), tuple(columns.index(name) for name in (None, *vocabulary.glosses)))

    @property
    def count(self) -> int:
        """Classes, the blank among them."""
        return len(self.order)

    def in_the_order_of(self, classes: tuple[str, ...], whose: str) -> ClassNames:
        """The same isolated signs, in another order.

        Raises:
            ValueError: when they are not the same.
        """
        if sorted(classes) != sorted(self.classes):
            raise ValueError(
                f"{len(self.classes)} classes are named and {whose} has {len(classes)}, "
                f"{gloss_difference(self.classes, classes)}: name the data that these weights were trained on"
            )
        return replace(self, classes=classes, order=tuple(self.classes.index(name) for name in classes))

    def arrange(self, network: nn.Module, layout: ReleasedLayout) -> None:
        """Put the rows of the classifiers in our order: of a vocabulary the blank, then the glosses, sorted."""
        assert self.vocabulary is None or BLANK == 0, "the blank comes first"
        state, done = network.state_dict(), set[int]()
        for name in layout.class_tensors:
            if state[name].data_ptr() not in done:  # two heads may be one
                done.add(state[name].data_ptr())
                state[name].copy_(state[name][torch.tensor(self.order)])


def _read_classes(path: Path, count: int | None) -> tuple[str, ...]:
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no list of classes in UTF-8 ({error})") from error
    while names and not names[-1]:
        names.pop()
    if count is not None and len(names) != count:
        raise ValueError(f"{path} names {len(names)} classes and the file has {count}: write one per line, in order")
    if "" in names:
        raise ValueError(f"{path} has an empty line {names.index('') + 1}: every class has a name")
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise ValueError(f"{path} names the class {repeated[0]!r} twice: every class has a name of its own")
    return tuple(names)
