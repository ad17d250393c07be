"""What a distillation on isolated clips found: ``result.json``, and the table that says whether it helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from slr.scoring import compare_classifiers, gap_closed_of_classes
from workbench.config import config_hash
from workbench.isolated.accuracy_table import comparison_sentence
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.measure import SELECTED_ON
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.result import SPLITS, ClassifierResult, render_classifiers
from workbench.pull_report import alarms_of, summary_of
from workbench.result import ROLES, gap_entry, share_of_gap

Results = Mapping[str, ClassifierResult]


def distillation_result(
    config: IsolatedDistillConfig,
    place: IsolatedPlace,
    networks: Results,
    measured: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The content of ``result.json``."""
    warned = [] if measured["worse_teacher"] is None else [_warning(measured["worse_teacher"])]
    return {
        "name": config.run.name,
        "config_hash": config_hash(config),
        "seed": config.run.seed,
        "task": "class",
        "corpus": place.corpus.name,
        "stream": config.data.stream,
        "views": config.evaluate.views,
        "average": config.evaluate.average,
        **{role: networks[role].as_dict() for role in ROLES},
        **_family("teachers", "teacher-", networks),
        **_family("assistants", "assistant-", networks),
        "gap_closed": gap_as_dict(networks),
        "selected_on": SELECTED_ON if place.has("dev") else None,
        "best_epoch": networks["student"].best_epoch,
        "seconds": measured["seconds"],
        "diagnostics": summary_of(row for row in rows if row["network"] == "student"),
        "warnings": [*warned, *alarms_of(rows)],
    }


def _family(name: str, prefix: str, networks: Results) -> dict[str, Any]:
    found = {role.removeprefix(prefix): one.as_dict() for role, one in networks.items() if role.startswith(prefix)}
    return {name: found} if found else {}


def _warning(message: str) -> dict[str, Any]:
    return {"network": "teacher", "stage": None, "epoch": None, "message": message}


def gap_as_dict(networks: Results) -> dict[str, Any]:
    """The entry ``gap_closed``, in shares of top-1 accuracy: gains always, shares of a gap that is no chance.

    ``p_value`` is that of McNemar's exact test of the student distilled against the student alone, on test.
    """
    entry: dict[str, Any] = {}
    for split in SPLITS:
        reports = [networks[role].reports.get(split) for role in ("baseline", "student", "teacher")]
        baseline, student, teacher = reports
        if baseline is None or student is None:
            entry |= gap_entry(split, None, None, None)
            continue
        closed = None if teacher is None else gap_closed_of_classes(baseline, student, teacher)
        gap = None if teacher is None else teacher.per_instance() - baseline.per_instance()
        entry |= gap_entry(split, student.per_instance() - baseline.per_instance(), gap, closed)
        if split == "test":
            entry["p_value"] = compare_classifiers(baseline, student).p_value
    return entry


def render_isolated_distillation(result: Mapping[str, Any], networks: Results) -> RenderableType:
    """The table of a run, and below it the sentences that say whether distillation helped."""
    table = render_classifiers(result, {_shown(role): networks[role] for role in _in_order(networks)})
    return Group(table, *(Text(line) for line in _verdict(result, networks)))


def _in_order(networks: Results) -> list[str]:
    """Teachers, the whole one last, then assistants, the student alone and the student distilled."""
    members = [role for role in networks if role.startswith("teacher-")]
    assistants = [role for role in networks if role.startswith("assistant-")]
    return [*members, "teacher", *assistants, "baseline", "student"]


def _shown(role: str) -> str:
    return ROLES.get(role, role.replace("-", " ", 1))


def _verdict(result: Mapping[str, Any], networks: Results) -> list[str]:
    baseline, student = (networks[role].reports.get("test") for role in ("baseline", "student"))
    if baseline is None or student is None:
        return ["There is no test part, so nothing can be said about whether distillation helped."]
    comparison = compare_classifiers(baseline, student)
    return [
        comparison_sentence("the student distilled", "the student alone", comparison),
        share_of_gap(result["gap_closed"]),
    ]
