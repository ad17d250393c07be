"""Looks at what was measured and says loudly when a training has not taken off."""

from __future__ import annotations

from dataclasses import dataclass


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
