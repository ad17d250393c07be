"""How long the rest of a study will take, from what its finished runs took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from workbench.config import content_hash
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.schema import DistillConfig
from workbench.study.finished import FinishedRun
from workbench.study.grid import Cell, Grid, PlannedRun, run_content


@dataclass
class Estimate:
    """Seconds of the parts of runs: a teacher and a student alone are trained once, however many runs need them.

    Attributes:
        seconds: of runs still to do, by cell, in the order in which they are started; None where no finished run
            tells.
    """

    seconds: dict[Cell, float | None] = field(default_factory=dict)

    def total(self, jobs: int) -> float | None:
        """Seconds until all are done by ``jobs`` processes; None when nothing is known of some run."""
        known = [value for value in self.seconds.values() if value is not None]
        if len(known) < len(self.seconds):
            return None
        return max([sum(known) / jobs, *known], default=0.0)


def estimate(grid: Grid, finished: Mapping[Cell, FinishedRun], pending: Iterable[Cell]) -> Estimate:
    """The time that ``pending`` runs will take.

    A part that another run of the study already made costs nothing; one that has to be made costs what it did with
    another seed, or else what parts of its kind cost on average in this study. Runs that are known from records were
    made elsewhere: their parts are not here, and they tell of times only where no run of this machine does.
    """
    here = {cell: run for cell, run in finished.items() if run.folder is not None}
    finished = here or finished
    around = _around(finished.values())
    taken: dict[tuple[str, str], list[float]] = {}  # kind, what it is but for the seed -> seconds
    made: set[str] = set()
    for cell, run in finished.items():
        for kind, (alike, exact) in _parts(grid.runs[cell]).items():
            taken.setdefault((kind, alike), []).append(run.measured["seconds"].get(kind, 0.0))
            if here:
                made.add(exact)
    result = Estimate()
    for cell in pending:
        parts = _parts(grid.runs[cell])
        needed = {kind: alike for kind, (alike, exact) in parts.items() if exact not in made}
        made |= {exact for _, exact in parts.values()}
        costs = [_cost(kind, alike, taken) for kind, alike in needed.items()]
        result.seconds[cell] = None if None in costs else around + sum(cost for cost in costs if cost is not None)
    return result


def _around(runs: Iterable[FinishedRun]) -> float:
    """What a run takes beside training: starting, looking at the clips, reading dev and test.

    A run that found everything but its own network ready made tells it best, so the least is taken; one that was
    continued in the middle of its training tells nothing.
    """
    walls = ((run.wall_seconds, run.measured["seconds"].get(run.main, 0.0)) for run in runs)
    rest = [wall - trained for wall, trained in walls if wall is not None and wall > trained]
    return min(rest, default=0.0)


def _cost(kind: str, alike: str, taken: Mapping[tuple[str, str], list[float]]) -> float | None:
    if (kind, alike) in taken:
        return max(taken[kind, alike])  # a run that found the part ready made says what the part took all the same
    others = [second for (other, _), seconds in taken.items() if other == kind for second in seconds]
    return fmean(others) if others else None


def _parts(run: PlannedRun) -> dict[str, tuple[str, str]]:
    """What a run trains, by the name that its seconds go by: a hash without the seed, and one with it."""
    plain = run_content(run.config)
    data, seed = plain["data"], plain["run"]["seed"]
    if isinstance(run.config, IsolatedDistillConfig):
        return _parts_of_classes(run.config, plain)
    if not isinstance(run.config, DistillConfig):
        return {"network": _hashes(plain, seed)}
    return {
        "teacher": _hashes([data, plain["teacher"]], seed),
        "cache": _hashes(["cache", data, plain["teacher"]], seed),
        "baseline": _hashes([data, plain["student"]], seed),
        "student": _hashes(plain, seed),
    }


def _parts_of_classes(config: IsolatedDistillConfig, plain: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The same on isolated clips: every assistant depends on those in front of it."""
    data, seed, above = plain["data"], config.run.seed, [plain["data"], plain["teacher"], plain["distillation"]]
    chain = {
        f"assistant-{one.name}": _hashes([*above, plain["assistants"][: number + 1]], seed)
        for number, one in enumerate(config.assistants)
    }
    ends = {"teacher": [data, plain["teacher"]], "baseline": [data, plain["student"]], "student": plain}
    return {**{name: _hashes(what, seed) for name, what in ends.items()}, **chain}


def _hashes(what: Any, seed: int) -> tuple[str, str]:
    if isinstance(what, dict):
        what = {**what, "run": {key: value for key, value in what["run"].items() if key != "seed"}}
    return content_hash(what), content_hash([what, seed])
