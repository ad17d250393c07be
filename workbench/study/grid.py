"""From a study file to the runs that it asks for: every row, every corpus seed, every seed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from workbench.config import content_hash, essential, load_config
from workbench.faults import ConfigError, Fault, did_you_mean
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.layers import read_layers
from workbench.schema import DistillConfig, TrainConfig
from workbench.settings import load_any
from workbench.study.schema import COLUMN_TASKS, ColumnName, Role, Row, Study, Task
from workbench.yaml_text import parse_word

SentenceConfig = DistillConfig | TrainConfig
ClassConfig = IsolatedTrainConfig | IsolatedDistillConfig
RunConfig = SentenceConfig | ClassConfig
# Where a run lies and what it is called changes nothing of it; neither does where its corpus lies, whose clips are
# compared instead.
_PLACES = (("run", "name"), ("data", "root"))


Clips = tuple[int | None, str | None]


@dataclass(frozen=True)
class Cell:
    """One run of one row: the seed of its networks, and seed or split of its corpus where the study varies them."""

    row: str
    seed: int
    corpus_seed: int | None = None
    split: str | None = None

    @property
    def clips(self) -> Clips:
        """Which clips it is about, within its study."""
        return self.corpus_seed, self.split

    def __str__(self) -> str:
        corpus = "" if self.corpus_seed is None else f"corpus seed {self.corpus_seed}, "
        split = "" if self.split is None else f"{self.split}, "
        return f"{self.row}, {corpus}{split}seed {self.seed}"


@dataclass(frozen=True)
class PlannedRun:
    """A run that a study asks for.

    Attributes:
        cell: where in the grid; of a row that runs, not of one that shares its runs.
        script: ``distill`` or ``train``.
        path: the configuration.
        words: overrides, without those that say where the run lies.
        config: what they make together, name and place of the run included.
        content: hash of what decides the outcome, wherever the run lies and whatever it is called.
    """

    cell: Cell
    script: str
    path: Path
    words: tuple[str, ...]
    config: RunConfig
    content: str

    @property
    def name(self) -> str:
        """Name of its run folder."""
        return self.config.run.name


@dataclass(frozen=True)
class Grid:
    """A study and its runs, those of a row in the order of corpus seeds and seeds; rows by name.

    ``source`` gives the row whose runs a row shows: itself, or the one it shares them with. ``out`` is the folder of
    the study, ``store`` that of the networks, which studies share.
    """

    study: Study
    name: str
    out: Path
    store: Path
    runs: Mapping[Cell, PlannedRun]
    source: Mapping[str, str]

    def row(self, name: str) -> Row:
        """The row of a name."""
        return next(row for row in self.study.rows if row.name == name)

    @property
    def task(self) -> Task:
        """What its networks are for; all for the same."""
        return task_of(next(iter(self.runs.values())).config) if self.runs else "glosses"

    def cells(self, row: str) -> list[Cell]:
        """The cells whose runs a row shows, none for published figures and for fused rows."""
        return [cell for cell in self.runs if cell.row == self.source.get(row)]

    def network(self, row: str) -> Role:
        """Which network of its runs a row shows."""
        runs = [self.runs[cell] for cell in self.cells(row)]
        return self.row(row).network or roles_of(runs[0].config)[0]


def read_study(
    path: Path | str,
    *,
    seeds: Sequence[int] | None = None,
    splits: Sequence[str] | None = None,
    reference: str | None = None,
) -> Study:
    """A study file, with other ``seeds``, ``splits`` and ``reference`` where they are given.

    Raises:
        ConfigError: with every fault of the file.
    """
    given = {"seeds": seeds and list(seeds), "splits": splits and list(splits), "reference": reference}
    words = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    study = load_config(path, words, schema=Study)
    faults = list(_faults_between_rows(study))
    if faults:
        raise ConfigError(_with_origins(faults, path), str(path))
    return study


def plan(
    path: Path | str,
    out: Path,
    *,
    seeds: Sequence[int] | None = None,
    splits: Sequence[str] | None = None,
    reference: str | None = None,
    words: Sequence[str] = (),
) -> Grid:
    """The runs of a study file; ``words`` override keys of all rows, ``out`` is the folder above the study's.

    Raises:
        ConfigError: with every fault of the study and of the configurations of its rows.
    """
    path = Path(path)
    study, name = read_study(path, seeds=seeds, splits=splits, reference=reference), path.stem
    runs: dict[Cell, PlannedRun] = {}
    faults: list[Fault] = []
    for index, row in enumerate(study.rows):
        if row.paper_only or row.runs_of is not None or row.fuse is not None:
            continue
        try:
            runs |= {run.cell: run for run in _runs_of(row, study, path, out / name, out, words)}
        except ConfigError as error:
            told = dict.fromkeys(str(fault) for fault in error.faults)
            faults += [Fault(("rows", index), f"{row.name}: {message}") for message in told]
    source = {row.name: row.runs_of or row.name for row in study.rows if not row.paper_only and row.fuse is None}
    grid = Grid(study, name, out / name, out, runs, source)
    if not faults:
        faults = [*_same_runs(grid), *_wrong_networks(grid), *_wrong_tasks(grid)]
    if faults:
        raise ConfigError(_with_origins(faults, path), str(path))
    return grid


def run_content(config: RunConfig) -> dict[str, Any]:
    """What decides the outcome of a run, as plain data."""
    plain = essential(config)
    for section, key in _PLACES:
        del plain[section][key]
    return plain


def task_of(config: RunConfig) -> Task:
    """What the networks of a run are for."""
    return "class" if isinstance(config, ClassConfig) else "glosses"


def roles_of(config: RunConfig) -> tuple[Role, ...]:
    """The networks of a run that a row may show, the one that it is for first."""
    if not isinstance(config, DistillConfig | IsolatedDistillConfig):
        return ("network",)
    assistants = config.assistants if isinstance(config, IsolatedDistillConfig) else ()
    return ("student", "baseline", "teacher", *(f"assistant-{one.name}" for one in assistants))


def contents(config: RunConfig) -> str:
    """The hash that a planned run of the same configuration has."""
    return content_hash(run_content(config))


def _runs_of(
    row: Row, study: Study, path: Path, folder: Path, store: Path, words: Sequence[str]
) -> Iterator[PlannedRun]:
    config_path = _relative(path.parent / (row.config or study.config))
    own = [*override_words(_settings(row, study)), *words]
    for corpus_seed, split in itertools.product(study.corpus_seeds or (None,), study.splits or (None,)):
        corpus = [] if corpus_seed is None else [f"data.corpus.seed={corpus_seed}"]
        corpus += [] if split is None else override_words({"data.corpus.split": split})
        config = load_any(config_path, [*own, *corpus])
        script = "distill" if isinstance(config, DistillConfig | IsolatedDistillConfig) else "train"
        for seed in study.seeds:
            seeded = _with_run(config, seed=seed, out=str(folder), store=str(store))
            content = contents(seeded)
            middle = "" if corpus_seed is None else f"corpus{corpus_seed}-"
            middle += "" if split is None else f"{split}-"
            named = _with_run(seeded, name=f"{row.name}-{middle}seed{seed}-{content[:8]}")
            cell = Cell(row.name, seed, corpus_seed, split)
            yield PlannedRun(cell, script, config_path, (*own, *corpus, f"run.seed={seed}"), named, content)


def _settings(row: Row, study: Study) -> dict[str, Any]:
    """What a row sets, over what its study does; a section that the row sets replaces all that is set within it."""
    above = {} if row.config is not None else study.set
    kept = {key: value for key, value in above.items() if not any(key.startswith(f"{section}.") for section in row.set)}
    return {**kept, **row.set}


def _with_run(config: RunConfig, **update: Any) -> RunConfig:
    return config.model_copy(update={"run": config.run.model_copy(update=update)})


def override_words(settings: Mapping[str, Any]) -> list[str]:
    """Settings as words of a command line that give the same values when they are read."""
    return [f"{key}={_as_word(value)}" for key, value in settings.items()]


def _as_word(value: Any) -> str:
    if isinstance(value, str) and value.strip() == value and value:
        faults: list[Fault] = []
        node = parse_word(value, "", faults)
        if not faults and node is not None and node.value == value:
            return value
    return json.dumps(value, ensure_ascii=False)  # YAML too, and text stays apart from numbers


def _relative(path: Path) -> Path:
    """A path as a user would write it: from here where it lies below, without ``..`` on the way."""
    absolute = path.resolve()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute


def _faults_between_rows(study: Study) -> Iterator[Fault]:
    names = [row.name for row in study.rows]
    run = [row.name for row in study.rows if not row.paper_only]
    for index, row in enumerate(study.rows):
        if row.name in names[:index]:
            yield Fault(("rows", index, "name"), f"two rows are called {row.name!r}: names tell run folders apart")
        if row.runs_of is not None:
            owners = [one.name for one in study.rows if not one.paper_only and one.runs_of is None and one.fuse is None]
            if row.runs_of not in owners:
                hint = did_you_mean(row.runs_of, owners)
                yield Fault(("rows", index, "runs_of"), f"no row of its own is called {row.runs_of!r}{hint}")
        streams = [one.name for one in study.rows if not one.paper_only and one.fuse is None]
        for name in row.fuse.rows if row.fuse is not None else ():
            if name not in streams:
                hint = did_you_mean(name, streams)
                yield Fault(("rows", index, "fuse", "rows"), f"no row that is run is called {name!r}{hint}")
        if row.paper and study.paper is None:
            yield Fault(("rows", index, "paper"), "say in paper of the study whose figures these are")
    if study.reference is not None and study.reference not in run:
        there = "holds published figures alone" if study.reference in names else "is not there"
        hint = did_you_mean(study.reference, run)
        yield Fault(("reference",), f"the reference row {study.reference!r} {there}{hint}")
    for index, name in enumerate(study.lines_after):
        if name not in names:
            yield Fault(("lines_after", index), f"no row is called {name!r}{did_you_mean(name, names)}")


def _same_runs(grid: Grid) -> Iterator[Fault]:
    """Rows that would show the same network of the same runs."""
    found: dict[tuple[Any, ...], str] = {}
    for index, row in enumerate(grid.study.rows):
        cells = grid.cells(row.name)
        if not cells:
            continue
        shown = (grid.network(row.name), *(grid.runs[cell].content for cell in cells))
        first = found.setdefault(shown, row.name)
        if first != row.name:
            yield Fault(
                ("rows", index),
                f"{row.name} is the same configuration as {first}, so one of the two would be counted twice: let it "
                f"differ, or show another network of the same runs with runs_of: {first}",
            )


def _wrong_networks(grid: Grid) -> Iterator[Fault]:
    for index, row in enumerate(grid.study.rows):
        cells = grid.cells(row.name)
        if not cells:
            continue
        there = roles_of(grid.runs[cells[0]].config)
        if grid.network(row.name) not in there:
            kind = grid.runs[cells[0]].script
            yield Fault(
                ("rows", index, "network"),
                f"a {kind} run has no network {row.network!r}{did_you_mean(str(row.network), there)}",
            )


def _wrong_tasks(grid: Grid) -> Iterator[Fault]:
    """Rows and columns about something else than the first run."""
    kinds = {"glosses": "sentences", "class": "isolated clips"}
    for index, row in enumerate(grid.study.rows):
        cells = grid.cells(row.name)
        task = task_of(grid.runs[cells[0]].config) if cells else grid.task
        if task != grid.task:
            message = f"{row.name} is about {kinds[task]}, and rows before it about {kinds[grid.task]}"
            yield Fault(("rows", index), message)
        if row.fuse is not None and grid.task != "class":
            message = "scores of isolated clips are fused, and these rows are about sentences"
            yield Fault(("rows", index, "fuse"), message)
    there = [name for name in get_args(ColumnName) if COLUMN_TASKS.get(name, grid.task) == grid.task]
    for index, column in enumerate(grid.study.columns):
        if column not in there:
            about = f"{column} is about {kinds[COLUMN_TASKS[column]]}, and these rows are about {kinds[grid.task]}"
            yield Fault(("columns", index), f"{about}: there are {', '.join(there)}")


def _with_origins(faults: Sequence[Fault], path: Path | str) -> list[Fault]:
    """The same faults with their lines."""
    root = read_layers(path, [])
    return [replace(fault, origin=_origin(root, fault.place)) for fault in faults]


def _origin(root: Any, place: tuple[str | int, ...]) -> str:
    nodes = (root.at(place[:length]) for length in range(len(place), 0, -1))
    return next((node.origin for node in nodes if node is not None), "")
