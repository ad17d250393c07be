"""Connectionist temporal classification: decoding, forced alignment, pseudo-labels and times."""

from slr.ctc.alignment import ForcedAlignment, feasible, forced_alignment, required_steps
from slr.ctc.backends import CtcdecodeDecoder, FlashlightDecoder
from slr.ctc.beam import BeamDecoder
from slr.ctc.decoders import BACKENDS, decoder_by_name
from slr.ctc.greedy import GreedyDecoder
from slr.ctc.hypotheses import Decoder, Decoding, Hypothesis
from slr.ctc.label_set import LabelledClip, LabelSet
from slr.ctc.language_model import LanguageModel, NgramModel
from slr.ctc.pseudo_labels import PseudoLabelAccuracy, StepCount, dense_labels, pseudo_label_accuracy
from slr.ctc.stream import BeamStream, StreamReading
from slr.ctc.times import GlossTimes, step_times

__all__ = [
    "BACKENDS",
    "BeamDecoder",
    "BeamStream",
    "CtcdecodeDecoder",
    "Decoder",
    "Decoding",
    "FlashlightDecoder",
    "ForcedAlignment",
    "GlossTimes",
    "GreedyDecoder",
    "Hypothesis",
    "LabelSet",
    "LabelledClip",
    "LanguageModel",
    "NgramModel",
    "PseudoLabelAccuracy",
    "StepCount",
    "StreamReading",
    "decoder_by_name",
    "dense_labels",
    "feasible",
    "forced_alignment",
    "pseudo_label_accuracy",
    "required_steps",
    "step_times",
]
