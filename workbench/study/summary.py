"""What the finished runs of a study say, row by row: means, spreads, intervals, comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

from slr.scoring import (
    AccuracyReport,
    RecipeComparison,
    RecipeGap,
    RecipeRate,
    SeedSpread,
    WerReport,
    compare_recipes,
    holm,
    recipe_gap,
    recipe_rate,
    seed_spread,
)
from workbench.result import trustworthy
from workbench.study.collect import Collected
from workbench.study.finished import FinishedRun
from workbench.study.fused import FUSED, FusedRun, Stream, fuse_runs, fusion_content
from workbench.study.grid import Cell, Clips, Grid
from workbench.study.schema import Fusion, Role, Row

Run = FinishedRun | FusedRun
Runs = Mapping[Cell, Run]
_Key = tuple[Clips, int]  # which clips, seed


@dataclass(frozen=True)
class Figure:
    """A number of every run of a row, by cell."""

    values: Mapping[Cell, float]

    @property
    def mean(self) -> float:
        """Over all runs."""
        return fmean(self.values.values())

    @property
    def deviation(self) -> float | None:
        """Standard deviation between all runs, of whatever seed, corpus and split; None for a single one."""
        return stdev(self.values.values()) if len(self.values) > 1 else None


@dataclass(frozen=True)
class RowSummary:
    """A row of the table.

    Attributes:
        row: what the study file says of it.
        network: which network of its runs it shows; None for published figures alone.
        wanted: the runs it should be made of.
        runs: those it is made of.
        figures: what was measured, by column.
        dev: word error rate on dev, None without runs.
        test: the same on test.
        comparison: with the reference row, None where there is none; the spread between seeds is that of all rows.
        holm: its p value corrected for the number of rows compared.
        p_own_spread: what the p value would be with the spread of these two rows alone.
        gap: share of the gap between the student alone and the teacher of the same runs.
        notes: what a reader should know of these figures.
    """

    row: Row
    network: Role | None
    wanted: tuple[Cell, ...]
    runs: Runs
    figures: Mapping[str, Figure]
    dev: RecipeRate | None = None
    test: RecipeRate | None = None
    comparison: RecipeComparison | None = None
    holm: float | None = None
    p_own_spread: float | None = None
    gap: RecipeGap | None = None
    notes: tuple[str, ...] = ()

    @property
    def corpora(self) -> tuple[str, ...]:
        """The names of the corpora of its runs."""
        return tuple(dict.fromkeys(run.corpus for run in self.runs.values()))

    @property
    def of_classes(self) -> bool:
        """Whether its networks find the class of a clip, so that what is counted are accuracies."""
        return any(run.task == "class" for run in self.runs.values())

    @property
    def shown_gap(self) -> float | None:
        """The share of the gap, where the gap is wide enough for one."""
        return self.gap.value if self.gap is not None and trustworthy(self.gap) else None


@dataclass(frozen=True)
class Summary:
    """A whole table.

    ``problems`` are sentences about runs that are not in it; ``spread`` is that between seeds which all comparisons
    with a reference row share.
    """

    grid: Grid
    rows: tuple[RowSummary, ...]
    problems: tuple[str, ...]
    spread: SeedSpread | None = None

    def row(self, name: str) -> RowSummary:
        """The row of a name."""
        return next(row for row in self.rows if row.row.name == name)

    @property
    def fusions(self) -> dict[Cell, tuple[str, FusedRun]]:
        """Every fusion in it, with the hash of what decides it."""
        fused = ((row.row.fuse, cell, run) for row in self.rows for cell, run in row.runs.items())
        return {
            cell: (fusion_content(fusion, run.streams), run)
            for fusion, cell, run in fused
            if fusion is not None and isinstance(run, FusedRun)
        }

    @property
    def runs(self) -> list[FinishedRun]:
        """Every run in it, once; fusions are made of them and are none."""
        runs = (run for row in self.rows for run in row.runs.values())
        return list({id(run): run for run in runs if not isinstance(run, FusedRun)}.values())

    @property
    def machines(self) -> list[Mapping[str, Any]]:
        """The kinds of machine that its runs were made on, as far as they are known."""
        found = [run.machine for run in self.runs if run.machine is not None]
        return list({tuple(sorted(machine.items())): machine for machine in found}.values())

    def each(self, of: Callable[[FinishedRun], Any]) -> list[Any]:
        """What its runs say, every answer once."""
        return list(dict.fromkeys(of(run) for run in self.runs))


def summarise(grid: Grid, collected: Collected) -> Summary:
    """Make the rows of a table from what was found."""
    rows = [_row(grid, row, collected) for row in grid.study.rows]
    spread = None
    if grid.study.compare_with == "alone":
        rows = [_compared_with_alone(row) for row in rows]
    else:
        reference = next(row for row in rows if row.row.name == grid.study.reference)
        spread = _spread([reference, *_opponents(rows, reference)]) if reference.runs else None
        rows = _compared_with_reference(rows, reference, spread)
    problems = [f"{cell}: {found.reason}" for cell, found in collected.cells.items() if found.run is None]
    return Summary(grid, tuple(_corrected(rows)), tuple(problems), spread)


def _row(grid: Grid, row: Row, collected: Collected) -> RowSummary:
    if row.fuse is not None:
        return _fused_row(grid, row, row.fuse, collected)
    wanted = tuple(grid.cells(row.name))
    if not wanted:
        return RowSummary(row, None, (), {}, {})
    runs: Runs = {cell: run for cell in wanted if (run := collected.cells[cell].run) is not None}
    return _of_runs(row, grid.network(row.name), wanted, runs)


def _fused_row(grid: Grid, row: Row, fusion: Fusion, collected: Collected) -> RowSummary:
    """A row of fusions: of every seed and corpus, those of the runs of the rows that it names."""
    runs, reasons = dict[Cell, Run](), list[str]()
    wanted = [replace(cell, row=row.name) for cell in grid.cells(fusion.rows[0])]
    for cell in wanted:
        found = ((collected.cells[replace(cell, row=grid.source[name])].run, name) for name in fusion.rows)
        streams = [Stream(run, grid.network(name)) for run, name in found if run is not None]
        if len(streams) < len(fusion.rows):
            continue
        try:
            made = fuse_runs(fusion, streams) or collected.fusion(fusion_content(fusion, streams), streams)
        except ValueError as error:
            reasons.append(f"not fused: {error}")
            continue
        if made is None:
            reasons.append("not fused: the score files of runs that are known from records alone are not here")
        else:
            runs[cell] = made
            reasons.append(made.about_weights)
    summary = _of_runs(row, FUSED, tuple(wanted), runs)
    return replace(summary, notes=(*summary.notes, *dict.fromkeys(reasons)))


def _of_runs(row: Row, role: Role, wanted: tuple[Cell, ...], runs: Runs) -> RowSummary:
    figures = {name: Figure(values) for name, of in _FIGURES.items() if (values := _values(runs, role, of))}
    summary = RowSummary(row, role, wanted, runs, figures, notes=_notes(row, wanted, runs))
    rates = {split: recipe_rate(_grouped(found)) for split in ("dev", "test") if (found := _reports(runs, role, split))}
    return replace(summary, dev=rates.get("dev"), test=rates.get("test"), gap=_gap(runs) if role == "student" else None)


def _notes(row: Row, wanted: Sequence[Cell], runs: Runs) -> tuple[str, ...]:
    notes = [row.note] if row.note else []
    if 0 < len(runs) < len(wanted):
        notes.append(f"{len(runs)} of {len(wanted)} runs: " + "; ".join(str(cell) for cell in runs))
    return tuple(notes)


def _values(runs: Runs, role: Role, of: Callable[[Run, Role], float | None]) -> dict[Cell, float]:
    found = {cell: of(run, role) for cell, run in runs.items()}
    return {cell: value for cell, value in found.items() if value is not None}


def _reports(runs: Runs, role: Role, split: str) -> dict[_Key, WerReport]:
    """The scores of a network by corpus seed and seed, where it was measured."""
    found = {(cell.clips, cell.seed): run.report(role, split) for cell, run in runs.items()}
    return {key: report for key, report in found.items() if report is not None}


def _grouped(reports: Mapping[_Key, WerReport], keys: Iterable[_Key] | None = None) -> list[list[WerReport]]:
    """The reports of every corpus, by seed."""
    corpora: dict[Clips, list[WerReport]] = {}
    for key in reports if keys is None else keys:
        corpora.setdefault(key[0], []).append(reports[key])
    return list(corpora.values())


def _gap(runs: Runs) -> RecipeGap | None:
    if any("teacher" not in run.measured["names"] for run in runs.values()):
        return None
    networks = [_reports(runs, role, "test") for role in ("baseline", "student", "teacher")]
    if not runs or any(len(reports) < len(runs) for reports in networks):
        return None
    return recipe_gap(*(_grouped(reports) for reports in networks))


def _compared_with_reference(
    rows: Sequence[RowSummary], reference: RowSummary, spread: SeedSpread | None
) -> list[RowSummary]:
    """The rows with their comparisons, by the spread between seeds of all of them."""
    theirs = _by_seed(reference) if reference.runs else {}
    wanted = _opponents(rows, reference)
    compared = {row.row.name: _compared(row, theirs, reference.row.label, spread) for row in wanted}
    return [compared.get(row.row.name, row) for row in rows]


def _opponents(rows: Sequence[RowSummary], reference: RowSummary) -> list[RowSummary]:
    """The rows that are compared with the reference row."""
    return [row for row in rows if row is not reference and _is_compared(row)]


def _compared_with_alone(row: RowSummary) -> RowSummary:
    """A distilled student beside the student alone of its own runs; the spread between seeds is that of the two."""
    if row.network != "student" or not row.runs or row.row.compared is False:
        return row
    return _compared(row, _reports(row.runs, "baseline", "test"), "the student alone", None)


def _corrected(rows: Sequence[RowSummary]) -> list[RowSummary]:
    """The rows with their p values corrected for the number of comparisons."""
    tested = {row.row.name: row.comparison.p_value for row in rows if row.comparison is not None}
    corrected = dict(zip(tested, holm([*tested.values()]), strict=True))
    return [replace(row, holm=corrected.get(row.row.name)) for row in rows]


def _is_compared(row: RowSummary) -> bool:
    wanted = row.row.compared if row.row.compared is not None else row.network != "teacher"
    return wanted and bool(row.runs)


def _spread(rows: Sequence[RowSummary]) -> SeedSpread | None:
    """The spread between seeds, from the rows that have all the runs of the first, the reference."""
    found = [_by_seed(row) for row in rows]
    keys = found[0].keys()
    return seed_spread([_grouped(reports, keys) for reports in found if keys <= reports.keys()]) if keys else None


def _compared(row: RowSummary, theirs: Mapping[_Key, WerReport], label: str, spread: SeedSpread | None) -> RowSummary:
    """The row with its comparison, on the seeds that both sides have; ``label`` is what the other side is called."""
    ours = _by_seed(row)
    common = [key for key in theirs if key in ours]
    if not common:
        return row
    sides = (_grouped(theirs, common), _grouped(ours, common))
    try:
        found = compare_recipes(*sides, spread=spread)
        own = compare_recipes(*sides)
    except ValueError as error:
        return replace(row, notes=(*row.notes, f"not compared with {label}: {error}"))
    notes = row.notes
    if len(common) < max(len(ours), len(theirs)):
        notes = (*notes, f"compared with {label} on the {len(common)} runs that both have")
    return replace(row, comparison=found, p_own_spread=own.p_value, notes=notes)


def _by_seed(row: RowSummary) -> dict[_Key, WerReport]:
    assert row.network is not None, "a row with runs shows a network of them"
    return _reports(row.runs, row.network, "test")


def _measured(key: str) -> Callable[[Run, Role], float | None]:
    return lambda run, role: run.measured[key].get(role)


def _wer(split: str, of: Role | None = None) -> Callable[[Run, Role], float | None]:
    def rate(run: Run, role: Role) -> float | None:
        role = of or role
        known = run.task == "glosses" and role in run.measured["names"]
        report = run.report(role, split) if known else None
        return None if report is None else report.wer

    return rate


def _share(split: str, of: Callable[[AccuracyReport], float]) -> Callable[[Run, Role], float | None]:
    def share(run: Run, role: Role) -> float | None:
        report = run.accuracy(role, split)
        return None if report is None else of(report)

    return share


def _count(name: str) -> Callable[[Run, Role], float | None]:
    def count(run: Run, role: Role) -> float | None:
        report = run.report(role, "test") if run.task == "glosses" else None
        return None if report is None else getattr(report.counts, name)

    return count


def _agreement(key: str) -> Callable[[Run, Role], float | None]:
    def share(run: Run, role: Role) -> float | None:
        found = run.measured.get("pseudo_label_accuracy") or {}
        # A training alone has the shares of its one network at the top.
        of_role = found if role == "network" else found.get(role, {})
        return of_role.get(key)

    return share


# What is measured of a run, by the column that shows its mean; rates are shares.
_FIGURES: dict[str, Callable[[Run, Role], float | None]] = {
    "dev_wer": _wer("dev"),
    "test_wer": _wer("test"),
    "substitutions": _count("substitutions"),
    "deletions": _count("deletions"),
    "insertions": _count("insertions"),
    "pla_all": _agreement("all"),
    "pla_non_blank": _agreement("non_blank"),
    "pla_dense": _agreement("dense"),
    "teacher_wer": _wer("test", "teacher"),
    "alone_wer": _wer("test", "baseline"),
    "params": _measured("params"),
    "macs": _measured("macs"),
    "epoch_seconds": lambda run, role: run.epoch_seconds(role),
    "train_seconds": _measured("seconds"),
    "dev_top1": _share("dev", lambda report: report.per_instance()),
    "top1": _share("test", lambda report: report.per_instance()),
    "top5": _share("test", lambda report: report.per_instance(5)),
    "top1_per_class": _share("test", lambda report: report.per_class()),
    "top5_per_class": _share("test", lambda report: report.per_class(5)),
}
