"""What a study file holds: a table before there are numbers in it.

Rows are networks of runs. A run is a configuration with overrides and a seed; two rows may show two networks of the
same runs, and a row may hold nothing but the figures of a paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from slr.layers import Task
from slr.scoring import PRESETS
from workbench.config import Section
from workbench.faults import did_you_mean
from workbench.schema import Name, Seed

ColumnName = Literal[
    "dev_wer",
    "test_wer",
    "test_ci95",
    "test_sdi",
    "difference",
    "p",
    "gap_closed",
    "pla_all",
    "pla_non_blank",
    "pla_dense",
    "teacher_wer",
    "alone_wer",
    "params",
    "macs",
    "epoch_seconds",
    "train_seconds",
    "dev_top1",
    "top1",
    "top1_ci95",
    "top5",
    "top1_per_class",
    "top5_per_class",
]
# The columns that only one kind of study has; the others stand in both.
_OF_GLOSSES: tuple[ColumnName, ...] = ("dev_wer", "test_wer", "test_ci95", "test_sdi", "teacher_wer", "alone_wer")
_OF_GLOSSES += ("pla_all", "pla_non_blank", "pla_dense")
_OF_CLASSES: tuple[ColumnName, ...] = ("dev_top1", "top1", "top1_ci95", "top5", "top1_per_class", "top5_per_class")
COLUMN_TASKS: Mapping[str, Task] = {
    **dict.fromkeys(_OF_GLOSSES, "glosses"),
    **dict.fromkeys(_OF_CLASSES, "class"),
}
# What papers report of a row, all in percent.
PaperFigure = Literal["pla", "dev_wer", "test_wer", "top1", "top5", "top1_per_class", "top5_per_class"]
Role = Annotated[str, Field(pattern=r"^(student|baseline|teacher|network|assistant-.+)$")]
Percent = Annotated[float, Field(ge=0, le=200)]


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = sorted(str(value) for value, times in Counter(values).items() if times > 1)
    if repeated:
        raise ValueError(f"{', '.join(repeated)} stands twice")
    return values


Seeds = Annotated[tuple[Seed, ...], AfterValidator(_distinct), Field(min_length=1)]


class Paper(Section):
    """The published table beside which ours is put: who measured it, on which corpus."""

    source: str
    corpus: str


class Fusion(Section):
    """The scores of several rows as those of one classifier, run by run: a weighted mean of logits or probabilities.

    Weights are given, published (``preset``, see ``slr.scoring.PRESETS``), or found on the clips that were held out
    (``search``); without any of these all streams weigh alike. ``on`` says what is weighed, where the preset does not.
    """

    rows: Annotated[tuple[Name, ...], AfterValidator(_distinct), Field(min_length=2)]
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = None
    preset: str | None = None
    search: bool = False
    on: Literal["logits", "probabilities"] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Fusion:
        given = [name for name in ("weights", "preset", "search") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"weights come from one place, and {' and '.join(given)} name several")
        if self.weights is not None and len(self.weights) != len(self.rows):
            raise ValueError(f"{len(self.weights)} weights for {len(self.rows)} rows: each needs one")
        if self.preset is not None and self.preset not in PRESETS:
            hint = did_you_mean(self.preset, PRESETS)
            raise ValueError(f"there are no published weights called {self.preset!r}{hint}")
        if self.preset is not None and len(PRESETS[self.preset].weights) != len(self.rows):
            wanted = len(PRESETS[self.preset].weights)
            raise ValueError(f"the preset {self.preset} weighs {wanted} streams, and there are {len(self.rows)} rows")
        return self


class Row(Section):
    """One line of the table.

    ``set`` overrides keys of the configuration: ``dotted.key: value``. ``config`` is another configuration than that of
    the study. ``runs_of`` names a row whose runs this one shares, to show another ``network`` of them. ``fuse`` makes
    one classifier of isolated clips of the networks of other rows. ``paper`` holds published figures in percent;
    ``flags`` says of which of them something should be known, and what. A row with ``paper_only`` is not run. Rows that
    are ``compared`` are tested against the reference row; a teacher is not, unless this says so, since every test more
    makes Holm's correction harder on the others.
    """

    name: Name
    label: str
    config: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    runs_of: Name | None = None
    network: Role | None = None
    fuse: Fusion | None = None
    paper: dict[PaperFigure, Percent] = Field(default_factory=dict)
    flags: dict[PaperFigure, str] = Field(default_factory=dict)
    note: str | None = None
    paper_only: bool = False
    compared: bool | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Row:
        fault = next(self._faults(), None)
        if fault is not None:
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        own = [key for key, given in (("config", self.config), ("set", self.set)) if given]
        if self.runs_of is not None and own:
            yield f"a row that shares the runs of {self.runs_of} has no {' and no '.join(own)} of its own"
        if self.runs_of is not None and self.network is None:
            yield f"a row that shares the runs of {self.runs_of} says which network of them it shows"
        if self.fuse is not None and (own or self.runs_of is not None or self.network is not None):
            yield "a row that fuses others is not run itself: leave out config, set, runs_of and network"
        if self.paper_only and (own or self.runs_of is not None or self.network is not None or self.fuse is not None):
            yield "a row of published figures alone is not run: leave out config, set, runs_of, network and fuse"
        if self.paper_only and not self.paper:
            yield "a row of published figures alone needs them under paper"
        lone = [key for key in self.flags if key not in self.paper]
        if lone:
            yield f"flags speak of {', '.join(lone)}, and paper has no such figure"


class Study(Section):
    """A table: which runs make it, and what of them it shows.

    ``set`` overrides keys of ``config`` for all rows that bring no configuration of their own. Every row is run with
    each of ``seeds`` and, where ``corpus_seeds`` or ``splits`` are given, on the corpus of each of them
    (``data.corpus.seed``, ``data.corpus.split``), which weigh alike. Rows are compared with the ``reference`` row, or
    each with the student ``alone`` of its own runs, where rows differ in what both of them see. ``lines_after`` names
    rows below which a line is drawn.
    """

    title: str
    about: str = ""
    config: str
    set: dict[str, Any] = Field(default_factory=dict)
    seeds: Seeds = (0,)
    corpus_seeds: Seeds | None = None
    splits: Annotated[tuple[Name, ...], AfterValidator(_distinct), Field(min_length=1)] | None = None
    reference: Name | None = None
    compare_with: Literal["reference", "alone"] = "reference"
    columns: Annotated[tuple[ColumnName, ...], AfterValidator(_distinct), Field(min_length=1)]
    paper: Paper | None = None
    lines_after: tuple[Name, ...] = ()
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_comparison(self) -> Study:
        if self.compare_with == "reference" and self.reference is None:
            raise ValueError("name the reference row, or compare_with: alone")
        if self.compare_with == "alone" and self.reference is not None:
            raise ValueError("rows are compared with the student alone of their runs: leave the reference row out")
        return self
