"""Make what runs need: corpora, simulated, stitched or stored, teachers of others, a language model of glosses."""

from __future__ import annotations

import sys

from workbench.cli import command, example_parser
from workbench.isolated_command import add_isolated_corpora
from workbench.outputs_command import add_teacher_outputs
from workbench.prepare_command import add_language_model, add_made_corpora
from workbench.weights_command import add_weights

if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/prepare.py synthetic --profile tiny --out data/synthetic")
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    for add in (add_made_corpora, add_isolated_corpora, add_language_model, add_teacher_outputs, add_weights):
        add(commands)
    sys.exit(command(lambda asked: asked.work(asked), parser, subcommands=True))
