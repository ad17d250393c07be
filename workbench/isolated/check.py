"""Before a long run on isolated clips: does the configuration fit, is the corpus sound?"""

from __future__ import annotations

from rich.console import Console

from slr.data.isolated import inspect_isolated
from workbench.findings import told
from workbench.isolated.distill_preflight import check_isolated_distillation
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.preflight import check_isolated
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.making import Making
from workbench.progress import Progress


def check_isolated_run(
    config: IsolatedTrainConfig | IsolatedDistillConfig, progress: Progress, console: Console
) -> bool:
    """Check a configuration and its corpus; whether a run may start.

    Raises:
        ValueError: when parts of the configuration do not fit, or the corpus cannot be opened at all.
    """
    place = IsolatedPlace.open(config.run, config.data, config.evaluate, progress)
    if isinstance(config, IsolatedDistillConfig):
        check_isolated_distillation(config, place)
        console.print(f"{config.run.name}: the networks can be built, and clips go through them and the losses")
    else:
        check_isolated(config, place)
        console.print(f"{config.run.name}: the network can be built, and clips go through pipeline, network and losses")
    return check_isolated_corpus(place, console)


def check_isolated_corpus(place: IsolatedPlace, console: Console) -> bool:
    """Look at every clip of a corpus; whether a run may start."""
    with Making(place.progress, "checking") as looking:
        findings = inspect_isolated(place.corpus, progress=looking)
    return told(findings, place.corpus.name, console)
