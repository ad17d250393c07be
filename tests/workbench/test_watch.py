from __future__ import annotations

import pytest

from workbench.watch import PlateauWatch


@pytest.mark.parametrize(
    ("epoch", "wer", "blank_rate", "causes"),
    [
        (9, 1.0, 1.0, []),  # before a third of 30 epochs
        (10, 1.0, 1.0, ["dev WER", "blank rate"]),
        (10, 0.851, 0.5, ["dev WER"]),
        (10, 0.85, 0.99, []),
        (30, 0.2, 0.995, ["blank rate"]),
        (30, None, None, []),
        (30, None, 1.0, ["blank rate"]),
    ],
)
def test_an_alarm_is_given_from_a_third_of_the_epochs_on(
    epoch: int, wer: float | None, blank_rate: float | None, causes: list[str]
) -> None:
    alarms = PlateauWatch().alarms(epoch=epoch, epochs=30, wer=wer, blank_rate=blank_rate)
    assert [alarm.cause for alarm in alarms] == causes


def test_an_alarm_says_what_was_measured_and_what_to_do() -> None:
    wer, blank = PlateauWatch().alarms(epoch=4, epochs=10, wer=0.973, blank_rate=1.0)
    assert "the dev WER is still 97.3 % after 4 of 10 epochs" in wer.message
    assert "below 85 %: check learning rate and labels, or train longer" in wer.message
    assert "100.0 % of the output steps are blank after 4 of 10 epochs" in blank.message


def test_the_limits_can_be_chosen() -> None:
    watch = PlateauWatch(max_wer=0.5, after=0.5)
    assert not watch.alarms(epoch=4, epochs=10, wer=0.6, blank_rate=None)
    assert watch.alarms(epoch=5, epochs=10, wer=0.6, blank_rate=None)
