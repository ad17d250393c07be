"""Evaluate a network of a finished run on dev or test; one on isolated clips on train, too."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from slr.ctc import BACKENDS
from slr.scoring import PROTOCOLS
from workbench.cli import command, console, example_parser
from workbench.evaluate import DECODING, Question
from workbench.evaluate_command import evaluate_run
from workbench.progress import make_progress


def main(arguments: Namespace) -> None:
    """Recognise, score, and print the file of hypotheses, or of scores, last."""
    asked = vars(arguments)
    decoding = [f"evaluate.{key}={json.dumps(asked[key])}" for key in DECODING if asked[key] is not None]
    question = Question(**{key: asked[key] for key in Question.__dataclass_fields__})
    print(evaluate_run(arguments.run, question, [*arguments.words, *decoding], make_progress(), console()))


if __name__ == "__main__":
    parser = example_parser(
        __doc__,
        "python scripts/evaluate.py runs/stsg_to_stgt --split test --decoder greedy\n"
        "  python scripts/evaluate.py runs/stsg_to_stgt --against runs/stsg_to_stgt:baseline --segments out --eaf\n"
        "  python scripts/evaluate.py runs/nw_ucla_light_dke_gcn evaluate.views=10 --split test",
    )
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key of the run, such as data.root")
    parser.add_argument("--split", choices=("dev", "test", "train"), default="dev")
    parser.add_argument(
        "--network", dest="role", metavar="NETWORK",
        help="teacher, baseline, student, network, teacher-NAME or assistant-NAME; default: what the run was for",
    )  # fmt: skip
    parser.add_argument("--decoder", choices=("greedy", "beam"))
    parser.add_argument("--beam-width", type=int)
    parser.add_argument("--n-best", type=int, help="hypotheses per clip in the segments")
    parser.add_argument("--backend", choices=BACKENDS, help="whose beam search")
    parser.add_argument("--language-model", metavar="FILE", help="ARPA file, see prepare.py language-model")
    parser.add_argument("--language-weight", type=float)
    parser.add_argument("--insertion-bonus", type=float)
    parser.add_argument("--protocol", choices=sorted(PROTOCOLS))
    parser.add_argument("--against", metavar="RUN[:NETWORK]", help="compare with another network on the same clips")
    parser.add_argument(
        "--segments", type=Path, metavar="DIR", help="where glosses lie, aligned and recognised: CTM, JSON"
    )
    parser.add_argument("--eaf", action="store_true", help="and a file for ELAN per clip")
    parser.add_argument("--media", metavar="PATH", help="video of a clip for ELAN, such as 'videos/{clip}.mp4'")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="accuracies against these pseudo-labels")
    parser.add_argument(
        "--write-labels", type=Path, metavar="FILE", help="keep the pseudo-labels that this network gives"
    )
    sys.exit(command(main, parser))
