"""Train one network without a teacher: an RGB teacher, a baseline."""

from __future__ import annotations

import sys
from argparse import Namespace

from workbench.cli import command, configured, console, example_parser, override_words
from workbench.config import load_config
from workbench.progress import make_progress
from workbench.schema import TrainConfig
from workbench.single import train_alone


def main(arguments: Namespace) -> None:
    """Run a configuration and print the run folder last."""
    config = load_config(arguments.config, override_words(arguments), schema=TrainConfig)
    print(train_alone(config, make_progress(), console(), fresh=arguments.fresh))


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/train.py configs/train_stsg.yaml")
    sys.exit(command(main, configured(parser)))
