"""Looks at what was measured and says loudly when a training has not taken off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Alarm:
    """Something a researcher should know now: a ``cause`` to tell alarms apart and a sentence with the remedy."""

    cause: str
    message: str


@dataclass(frozen=True)
class PlateauWatch:
    """CTC trainings either leave the blank behind or stay there: looked at once a share of the epochs is over.

    A network trained with CTC first learns to write blanks only (WER 1.0). It leaves this plateau within a few epochs,
    or not at all when the learning rate, the targets or the input are wrong.

    Attributes:
        max_wer: dev WER, as a share, above which a network has learned next to nothing.
        max_blank_rate: share of output steps whose best class is the blank, above which it writes next to nothing.
        after: share of the stage's epochs to wait for.
    """

    max_wer: float = 0.85
    max_blank_rate: float = 0.99
    after: float = 1 / 3

    def look(self, row: Mapping[str, Any], score: float | None, epochs: int) -> list[Alarm]:
        """The same from what is recorded of an epoch."""
        return self.alarms(epoch=row["epoch"], epochs=epochs, wer=score, blank_rate=row["blank_rate"])

    def alarms(self, *, epoch: int, epochs: int, wer: float | None, blank_rate: float | None) -> list[Alarm]:
        """What the measurements of an epoch call for.

        Args:
            epoch: epochs done.
            epochs: epochs of the stage.
            wer: dev WER as a share, None where it was not measured.
            blank_rate: share of blank output steps, None where it was not measured.
        """
        if epoch < self.after * epochs:
            return []
        alarms = []
        if wer is not None and wer > self.max_wer:
            alarms.append(
                Alarm(
                    "dev WER",
                    f"the dev WER is still {100 * wer:.1f} % after {epoch} of {epochs} epochs, and a network that "
                    f"learns is below {100 * self.max_wer:.0f} %: check learning rate and labels, or train longer",
                )
            )
        if blank_rate is not None and blank_rate > self.max_blank_rate:
            alarms.append(
                Alarm(
                    "blank rate",
                    f"{100 * blank_rate:.1f} % of the output steps are blank after {epoch} of {epochs} epochs, so the "
                    "network writes almost nothing: lower the learning rate or warm it up, or train longer",
                )
            )
        return alarms


@dataclass(frozen=True)
class GapWatch:
    """A classifier that knows its training clips much better than others learns them by heart.

    Its accuracy on training clips is that of the epoch, as it saw them: augmented, and with its dropout on. So the true
    gap is wider, and one that shows nevertheless is no accident.

    Attributes:
        widest: difference of the two top-1 accuracies, as shares, above which it is too wide.
        after: share of the stage's epochs to wait for.
    """

    widest: float = 0.3
    after: float = 1 / 3

    def look(self, row: Mapping[str, Any], score: float | None, epochs: int) -> list[Alarm]:
        """What an epoch calls for: nothing where the dev split was not looked at."""
        train = row.get("train_top1")
        if score is None or train is None or row["epoch"] < self.after * epochs or train - score <= self.widest:
            return []
        return [
            Alarm(
                "gap",
                f"{100 * train:.1f} % of the training clips are right after {row['epoch']} of {epochs} epochs and "
                f"{100 * score:.1f} % of dev: the network learns clips by heart, so augment more, raise dropout or "
                "weight decay, train for fewer epochs, or take a smaller network",
            )
        ]
