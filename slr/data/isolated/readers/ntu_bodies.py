"""From everybody whom a Kinect followed to two persons: the clean-up of NTU RGB+D that skeleton networks share.

The steps are those of the scripts that came with SGN (Zhang et al., CVPR 2020) and went into CTR-GCN and its
descendants; their thresholds are theirs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slr.data.isolated.readers.ntu_file import JOINTS, Bodies, Body

RETURNING = ("keep", "slide")
SECOND = ("zeros", "copy")
ORIGIN = 1  # the middle of the spine
_SHORT = 11  # frames; a body that is seen no longer is none
_WIDE = 0.8  # width over height above which a frame shows no upright body
_MOSTLY = 0.69754  # share of such frames from which on a body is none

Tracks = NDArray[np.float64]


def two_persons(clip: Bodies, *, returning: str = "keep", second: str = "zeros") -> Tracks:
    """Both persons of a clip ``[T, 2, 25, 3]`` in metres about the middle of the first one's spine, zeros where absent.

    Of several bodies those are dropped that are seen for at most 11 frames, or that are wider than 0.8 times their
    height in at least 69.754 % of their frames, as a chair is; one always stays. Of those left the one that moves most
    begins the first person, and the others, by falling motion, go on with the first person where they do not overlap
    it in time, or else with the second. Frames in which nobody is left are taken out.

    Args:
        clip: what the sensor saw; somebody at least.
        returning: a body that vanishes and returns does so when it did (``keep``), or its later frames slide back to
            where it vanished (``slide``), which is what the published scripts make of it.
        second: a second person who is not there at all is ``zeros`` (NTU RGB+D 60) or a ``copy`` of the first (120).
    """
    assert clip.bodies, "a clip without bodies has no persons"
    bodies = [_slid(body) for body in clip.bodies] if returning == "slide" else list(clip.bodies)
    if len(bodies) > 1:
        bodies = _upright(_lasting(bodies))
    tracks = _tracks(bodies, clip.frames)
    if len(clip.bodies) > 1:
        tracks = tracks[tracks.any(axis=(1, 2, 3))]
    tracks = _centred(tracks)
    if second == "copy" and not tracks[:, 1].any():
        tracks[:, 1] = tracks[:, 0]
    return tracks


def motion(joints: NDArray[np.float64]) -> float:
    """How much a body moves: the variances of x, y and z over all joints and frames together, summed."""
    return float(joints.reshape(-1, 3).var(axis=0).sum())


def _slid(body: Body) -> Body:
    return Body(body.id, body.frames[0] + np.arange(len(body.frames)), body.joints)


def _lasting(bodies: list[Body]) -> list[Body]:
    """Those seen for longer than 11 frames, or the one that is seen longest."""
    return [body for body in bodies if len(body.frames) > _SHORT] or [max(bodies, key=lambda body: len(body.frames))]


def _upright(bodies: list[Body]) -> list[Body]:
    """Those that stand upright often enough, the one that moves most first."""
    left = len(bodies)
    kept: list[tuple[float, Body]] = []
    for body in bodies:
        moved = motion(body.joints)
        if left > 1:
            spread = body.joints[..., :2].max(axis=1) - body.joints[..., :2].min(axis=1)  # [n, 2]
            good: NDArray[np.bool_] = np.less_equal(spread[:, 0], _WIDE * spread[:, 1])
            if 1 - good.mean() >= _MOSTLY:
                left -= 1
                continue
            if not good.all():
                moved = min(moved, motion(body.joints[good]))
        kept.append((moved, body))
    return [body for _, body in sorted(kept, key=lambda pair: -pair[0])]


def _tracks(bodies: list[Body], frames: int) -> Tracks:
    tracks = np.zeros((frames, 2, JOINTS, 3))
    spans = [(int(bodies[0].frames[0]), int(bodies[0].frames[-1])), (0, 0)]
    tracks[bodies[0].frames, 0] = bodies[0].joints
    for body in bodies[1:]:
        start, end = int(body.frames[0]), int(body.frames[-1])
        for person, (first, last) in enumerate(spans):
            if min(last, end) - max(first, start) <= 0:  # one frame in common counts as none, as it was published
                tracks[body.frames, person] = body.joints
                spans[person] = (min(first, start), max(last, end))
                break
    return tracks


def _centred(tracks: Tracks) -> Tracks:
    """About the middle of the spine of the first person, in the first frame that shows this person."""
    there = np.asarray(tracks.any(axis=(2, 3)))  # [T, 2]
    first = int(there[:, 0].argmax())
    return np.where(there[..., None, None], tracks - tracks[first, 0, ORIGIN], 0.0)
