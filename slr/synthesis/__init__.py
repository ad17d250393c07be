"""Corpora that can be made anywhere: simulated signing, and recorded signs stitched into sentences."""

from slr.synthesis.corpora import simulated_corpus, spliced_boston104, spliced_sfinge3d, stitched_corpus
from slr.synthesis.corpus import SimulatedClips, SimulatedSpec
from slr.synthesis.estimator import KEYPOINT_LEVELS, KeypointLevel
from slr.synthesis.folder import write_corpus
from slr.synthesis.profiles import PROFILES, Profile
from slr.synthesis.rendered_signs import RenderedSigns
from slr.synthesis.stitch import StitchedClips, StitchSpec

__all__ = [
    "KEYPOINT_LEVELS",
    "PROFILES",
    "KeypointLevel",
    "Profile",
    "RenderedSigns",
    "SimulatedClips",
    "SimulatedSpec",
    "StitchSpec",
    "StitchedClips",
    "simulated_corpus",
    "spliced_boston104",
    "spliced_sfinge3d",
    "stitched_corpus",
    "write_corpus",
]
