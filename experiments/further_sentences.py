"""WER of the networks of a run on 960 sentences that nobody chose or trained anything by: material for tuning.

They are the training sentences that the simulated profile ``medium`` has beyond ``small``, with the same glosses and
signers. The dev split of ``small`` has 120 sentences, too few to tell two recipes apart, and test is for reporting. The
corpus is made on first use. For example::

    python experiments/further_sentences.py runs/stsg_to_stgt
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import cast

from slr.ctc import Decoder
from slr.synthesis import PROFILES
from slr.types import Network
from workbench.assemble import evaluation_batches, make_decoder
from workbench.checkpoint import load_network
from workbench.progress import make_progress
from workbench.recognise import recognise
from workbench.result import ROLES
from workbench.settings import load_either
from workbench.workplace import Workplace

SEEN = PROFILES["small"].sentences["train"]


def wer_beyond(place: Workplace, checkpoint: Path, decoder: Decoder) -> float:
    """WER in percent of a network on the training sentences after the first ``SEEN``."""
    network, card = load_network(checkpoint)
    if card.glosses != place.vocabulary.glosses:
        raise ValueError(f"{checkpoint} writes other glosses than {place.corpus.name} has: it was trained elsewhere")
    dataset = place.dataset("train", {cast(Network, network).input_stream})
    del dataset.clips[:SEEN]
    batches = evaluation_batches(dataset, place.frames_per_batch, place.data)
    recognition = recognise(network.to(place.precision.device), dataset, batches, decoder, place.precision)
    return 100 * recognition.score(place.data.protocol).wer


def main() -> None:
    """Print one line per network of every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="+", type=Path, help="folder of a finished run on the profile small")
    parser.add_argument("--root", help="where the simulated corpora lie, if not where the run found them")
    asked = parser.parse_args()
    for run in asked.run:
        words = ["data.corpus.profile=medium", *([f"data.root={asked.root}"] if asked.root else [])]
        config = load_either(run / "config.yaml", words)
        place = Workplace.open(config.run, config.data, config.evaluate, make_progress())
        decoder = make_decoder(config.evaluate, place.vocabulary)
        for role in (*ROLES, "network"):
            if (run / f"{role}.safetensors").is_file():
                print(f"{run.name}  {ROLES.get(role, role):18}  {wer_beyond(place, run / role, decoder):.1f} %")


if __name__ == "__main__":
    main()
