"""Distil an RGB teacher into a skeleton student, and print whether it helped."""

from __future__ import annotations

import sys
from argparse import Namespace

from workbench.cli import command, configured, console, example_parser, override_words
from workbench.config import load_config
from workbench.distill import distill
from workbench.progress import make_progress
from workbench.schema import DistillConfig


def main(arguments: Namespace) -> None:
    """Run a configuration and print the run folder last."""
    config = load_config(arguments.config, override_words(arguments), schema=DistillConfig)
    print(distill(config, make_progress(), console(), fresh=arguments.fresh))


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/distill.py configs/stsg_to_stgt.yaml run.seed=1")
    sys.exit(command(main, configured(parser)))
