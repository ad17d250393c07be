"""Train one network without a teacher: an RGB teacher, a baseline, a classifier of isolated clips."""

from __future__ import annotations

import sys
from argparse import Namespace

from workbench.cli import command, configured, console, example_parser, override_words
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.isolated.single import train_isolated
from workbench.progress import make_progress
from workbench.settings import load_alone
from workbench.single import train_alone


def main(arguments: Namespace) -> None:
    """Run a configuration and print the run folder last."""
    config = load_alone(arguments.config, override_words(arguments))
    if isinstance(config, IsolatedTrainConfig):
        print(train_isolated(config, make_progress(), console(), fresh=arguments.fresh))
    else:
        print(train_alone(config, make_progress(), console(), fresh=arguments.fresh))


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/train.py configs/train_stsg.yaml")
    sys.exit(command(main, configured(parser)))
