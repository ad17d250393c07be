"""Looks at the diagnostics of a distillation and says loudly when it pulls the student the wrong way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.watch import Alarm

# At 100 to 1 all other terms together turn the direction of a step by half a degree: they might as well not be there.
DROWNING = 100.0
# Gradients that have nothing to do with each other have a cosine within a few thousandths of 0, since they have a
# million places. A tenth of a step undone is more than that, and more than a batch differs from the next.
FIGHTING = -0.1
# A batch may be odd, and an epoch too: the first, or that in which CTC leaves its plateau of blanks.
PATIENCE = 3
# Two points of WER or of top-1: on a few hundred clips less may be chance.
WORSE = 0.02


@dataclass(frozen=True)
class PullWatch:
    """Whether a term drowns the others or fights CTC, and whether the teacher reads worse than the student.

    An alarm wants the same finding in ``patience`` diagnosed epochs in a row.

    Attributes:
        drowning: gradient norm of one term over the sum of all others', above which these change nothing.
        fighting: cosine with the gradient of CTC below which a term works against it.
        patience: diagnosed epochs.
        worse: difference of two word error rates, as shares, that is no chance.
    """

    drowning: float = DROWNING
    fighting: float = FIGHTING
    patience: int = PATIENCE
    worse: float = WORSE

    def alarms(self, rows: Sequence[Mapping[str, Any]]) -> list[Alarm]:
        """What the recorded ``rows`` of a stage call for, the newest last; those not diagnosed are passed over."""
        diagnosed = [row for row in rows if "diagnostics" in row][-self.patience :]
        if len(diagnosed) < self.patience:
            return []
        found = [row["diagnostics"] for row in diagnosed]
        epochs = _listed([row["epoch"] for row in diagnosed])
        return [*self._drowning(found, epochs), *self._fighting(found, epochs), *self._worse(found, epochs)]

    def _drowning(self, found: Sequence[Mapping[str, Any]], epochs: str) -> Iterator[Alarm]:
        for name in found[-1]["terms"]:
            ratio = min(_ratio(each["terms"], name) for each in found)
            if ratio > self.drowning:
                times = f"{ratio:.0f} times" if ratio < 1e6 else "over a million times"
                yield Alarm(
                    f"{name} drowns",
                    f"the loss {name!r} pulls at the student {times} as hard as all others together (epochs {epochs}), "
                    "so that these change nothing: lower its weight, or raise theirs",
                )

    def _fighting(self, found: Sequence[Mapping[str, Any]], epochs: str) -> Iterator[Alarm]:
        for name in found[-1]["terms"]:
            cosines = [each["terms"].get(name, {}).get("cosine") for each in found]
            if all(cosine is not None and cosine < self.fighting for cosine in cosines):
                yield Alarm(
                    f"{name} fights",
                    f"the loss {name!r} pulls against {supervision(found[-1])} (cosine of their gradients "
                    f"{_listed(cosines, '.2f')} in the epochs {epochs}): lower its weight, let it fade with "
                    "decay_start and decay_epochs, or make sure that teacher and student are shown the same frames",
                )

    def _worse(self, found: Sequence[Mapping[str, Any]], epochs: str) -> Iterator[Alarm]:
        tops = [(each.get("teacher", {}).get("top1"), each.get("student", {}).get("top1")) for each in found]
        if all(None not in pair and pair[1] - pair[0] > self.worse for pair in tops):
            teacher, student = (_listed([100 * pair[side] for pair in tops], ".1f") for side in (0, 1))
            yield Alarm(
                "worse teacher",
                f"the teacher knows fewer of the training clips than the student does (top-1 {teacher} % against "
                f"{student} % in the epochs {epochs}): take a better teacher, or let its losses fade with decay_start "
                "and decay_epochs",
            )
        wers = [(each.get("teacher", {}).get("wer"), each.get("student", {}).get("wer")) for each in found]
        if all(None not in pair and pair[0] - pair[1] > self.worse for pair in wers):
            teacher, student = (_listed([100 * pair[side] for pair in wers], ".1f") for side in (0, 1))
            yield Alarm(
                "worse teacher",
                f"the teacher reads the training clips worse than the student does (WER {teacher} % against {student} "
                f"% in the epochs {epochs}): take a better teacher, or let its losses fade with decay_start and "
                "decay_epochs",
            )


def supervision(diagnosed: Mapping[str, Any]) -> str:
    """What the supervised losses learn from, as diagnostics tell: CTC, or the labels of isolated clips."""
    return "the labels" if "top1" in diagnosed.get("student", {}) else "CTC"


def worse_on_dev(teacher: float, student: float, margin: float = WORSE) -> Alarm | None:
    """The alarm about a teacher whose dev WER, a share like that of the ``student`` alone, is the larger one."""
    if teacher - student <= margin:
        return None
    return Alarm(
        "worse teacher",
        f"the teacher is worse than the student alone on dev (WER {100 * teacher:.1f} % against {100 * student:.1f} "
        "%): it has nothing to teach as it is, so train it longer or take a better one",
    )


def _ratio(terms: Mapping[str, Mapping[str, float]], name: str) -> float:
    """How much harder one term pulls than all others together; 0 where that was not measured."""
    norms = {term: found["gradient"] for term, found in terms.items() if "gradient" in found}
    if name not in norms or len(norms) < 2 or norms[name] == 0:
        return 0.0
    others = sum(norm for term, norm in norms.items() if term != name)
    return norms[name] / others if others else float("inf")


def _listed(values: Sequence[float], style: str = "") -> str:
    return ", ".join(format(value, style) for value in values)
