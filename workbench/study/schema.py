"""What a study file holds: a table before there are numbers in it.

Rows are networks of runs. A run is a configuration with overrides and a seed; two rows may show two networks of the
same runs, and a row may hold nothing but the figures of a paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from workbench.config import Section
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
]
# What papers report of a row, all in percent.
PaperFigure = Literal["pla", "dev_wer", "test_wer"]
Role = Literal["student", "baseline", "teacher", "network"]
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


class Row(Section):
    """One line of the table.

    ``set`` overrides keys of the configuration: ``dotted.key: value``. ``config`` is another configuration than that of
    the study. ``runs_of`` names a row whose runs this one shares, to show another ``network`` of them. ``paper`` holds
    published figures in percent; ``flags`` says of which of them something should be known, and what. A row with
    ``paper_only`` is not run. Rows that are ``compared`` are tested against the reference row; a teacher is not, unless
    this says so, since every test more makes Holm's correction harder on the others.
    """

    name: Name
    label: str
    config: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    runs_of: Name | None = None
    network: Role | None = None
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
        if self.paper_only and (own or self.runs_of is not None or self.network is not None):
            yield "a row of published figures alone is not run: leave out config, set, runs_of and network"
        if self.paper_only and not self.paper:
            yield "a row of published figures alone needs them under paper"
        lone = [key for key in self.flags if key not in self.paper]
        if lone:
            yield f"flags speak of {', '.join(lone)}, and paper has no such figure"


class Study(Section):
    """A table: which runs make it, and what of them it shows.

    ``set`` overrides keys of ``config`` for all rows that bring no configuration of their own. Every row is run with
    each of ``seeds`` and, where ``corpus_seeds`` are given, on the corpus of each of them (``data.corpus.seed``). Rows
    are compared with the ``reference`` row, or each with the student ``alone`` of its own runs, where rows differ in
    what both of them see. ``lines_after`` names rows below which a line is drawn.
    """

    title: str
    about: str = ""
    config: str
    set: dict[str, Any] = Field(default_factory=dict)
    seeds: Seeds = (0,)
    corpus_seeds: Seeds | None = None
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
