"""Distil a teacher into a skeleton student, on sentences or on isolated clips, and print whether it helped."""

from __future__ import annotations

import sys
from argparse import Namespace

from workbench.cli import command, configured, console, example_parser, override_words
from workbench.distill import distill
from workbench.isolated.distill import distill_isolated
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.progress import make_progress
from workbench.settings import load_distillation


def main(arguments: Namespace) -> None:
    """Run a configuration and print the run folder last."""
    config = load_distillation(arguments.config, override_words(arguments))
    if isinstance(config, IsolatedDistillConfig):
        print(distill_isolated(config, make_progress(), console(), fresh=arguments.fresh))
    else:
        print(distill(config, make_progress(), console(), fresh=arguments.fresh))


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/distill.py configs/stsg_to_stgt.yaml run.seed=1")
    sys.exit(command(main, configured(parser)))
