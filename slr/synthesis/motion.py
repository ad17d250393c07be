"""From a sentence to a moving body: kinematics of simulated signing.

A sign is a stretch of states of both hands and the mouth. Between signs the state follows a minimum-jerk transition
whose length grows with the way to go, and the whole trajectory is smoothed in time, which gives the undershoot and
the anticipation of neighbouring signs that makes continuous signing hard (co-articulation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr.synthesis.hand import hand_points, unit
from slr.synthesis.phonology import HANDSHAPES, MOUTHS, MOVEMENTS, ORIENTATIONS, PLACES, Array, Sign
from slr.synthesis.signers import Signer

# Layout of a state vector: per hand position 3, direction 3, normal 3, flexion 5, spread 1; then mouth opening and
# width.
_HAND = 15
_STATE = 2 * _HAND + 2
_REST_POSITION = np.array([-0.75, 2.15, 0.35])
_UPPER_ARM, _FOREARM = 1.45, 1.35  # shoulder half-widths


@dataclass(frozen=True)
class Segment:
    """Frames ``start`` to ``end`` (exclusive) in which a gloss is signed, transitions left out."""

    gloss: str
    start: int
    end: int


@dataclass(frozen=True)
class Motion:
    """A signed sentence in three dimensions, lengths in shoulder half-widths.

    ``hands`` is ``[T, 2, 21, 3]``, right (dominant) hand first; ``palms`` ``[T, 2, 3]`` says where the palms look;
    ``arms`` ``[T, 2, 3, 3]`` holds shoulder, elbow and wrist, right first; ``head`` ``[T, 3]`` is the middle of the
    head; ``mouth`` ``[T, 2]`` its opening and width, 0 to 1.
    """

    hands: Array
    palms: Array
    arms: Array
    head: Array
    mouth: Array
    segments: tuple[Segment, ...]

    def __len__(self) -> int:
        return len(self.head)


def sign_sentence(
    signs: Sequence[Sign],
    signer: Signer,
    generator: np.random.Generator,
    *,
    durations: Sequence[int] | None = None,
    num_frames: int | None = None,
) -> Motion:
    """Sign a sentence.

    Args:
        signs: the signs in order.
        signer: who signs.
        generator: source of all variation between two performances.
        durations: frames of every sign; drawn from 6 to 10 at 25 frames per second times tempo when left out.
        num_frames: stretch the whole clip to exactly this many frames.
    """
    states, segments = _trajectory(signs, signer, generator, durations)
    if num_frames is not None:
        states, segments = _stretch(states, segments, num_frames)
    states = _smooth(states, generator.uniform(0.8, 1.2))
    return _embody(states, tuple(segments), signer, generator)


def minimum_jerk(steps: int) -> Array:
    """Weights of a minimum-jerk movement at ``steps`` points strictly between start and end [Flash & Hogan 1985]."""
    phase = np.arange(1, steps + 1) / (steps + 1)
    return 10 * phase**3 - 15 * phase**4 + 6 * phase**5


def _trajectory(
    signs: Sequence[Sign], signer: Signer, generator: np.random.Generator, durations: Sequence[int] | None
) -> tuple[Array, list[Segment]]:
    rest = _rest_state()
    pieces = [np.repeat(rest[None], generator.integers(2, 5), axis=0)]
    segments: list[Segment] = []
    length = len(pieces[0])
    for index, sign in enumerate(signs):
        frames = durations[index] if durations is not None else _duration(sign, signer, generator)
        performed = _perform(sign, signer, max(frames, 2), generator)
        bridge = _transition(pieces[-1][-1], performed[0], signer)
        start = length + len(bridge)
        segments.append(Segment(sign.gloss, start, start + len(performed)))
        pieces += [bridge, performed]
        length = start + len(performed)
    pieces += [_transition(pieces[-1][-1], rest, signer), np.repeat(rest[None], generator.integers(2, 5), axis=0)]
    return np.concatenate(pieces), segments


def _duration(sign: Sign, signer: Signer, generator: np.random.Generator) -> int:
    return max(4, round(generator.uniform(6.0, 10.0) * sign.tempo * signer.tempo))


def _rest_state() -> Array:
    right = np.concatenate([_REST_POSITION, (0.35, 0.93, 0.1), (0.3, 0.0, -0.95), (0.3,) * 5, (0.0,)])
    mouth = (MOUTHS["closed"].opening, MOUTHS["closed"].width)
    return np.concatenate([right, _mirror(right[None])[0], mouth])


def _mirror(hand: Array) -> Array:
    """The other hand doing the same, mirrored at the middle of the body."""
    mirrored = hand.copy()
    mirrored[:, [0, 3, 6]] *= -1
    return mirrored


def _perform(sign: Sign, signer: Signer, frames: int, generator: np.random.Generator) -> Array:
    """States ``[frames, 32]`` of one performance of a sign."""
    phase = np.linspace(0.0, 1.0, frames)
    phase = phase + generator.uniform(-0.12, 0.12) * np.sin(np.pi * phase)  # uneven speed
    dominant = _perform_hand(sign, signer, phase, generator)
    if sign.hands == "mirrored":
        other = _mirror(dominant)
    elif sign.hands == "base":
        other = np.repeat(_base_hand(dominant, generator)[None], frames, axis=0)
    else:
        other = np.repeat(_rest_state()[None, _HAND : 2 * _HAND], frames, axis=0)
    mouth = MOUTHS[sign.mouth]
    shape = np.clip(np.array([mouth.opening, mouth.width]) + generator.normal(0, 0.05, 2), 0, 1)
    return np.concatenate([dominant, other, np.repeat(shape[None], frames, axis=0)], axis=1)


def _perform_hand(sign: Sign, signer: Signer, phase: Array, generator: np.random.Generator) -> Array:
    movement, shape = MOVEMENTS[sign.movement], HANDSHAPES[sign.handshape]
    amplitude = signer.amplitude * generator.uniform(0.85, 1.15)
    place = np.array(PLACES[sign.place]) + signer.place_offset + generator.normal(0, (0.08, 0.08, 0.06))
    position = place + amplitude * movement.path(phase)
    direction, normal = (np.array(axis) for axis in ORIENTATIONS[sign.orientation])
    direction = direction / np.linalg.norm(direction) + signer.direction_offset + generator.normal(0, 0.10, 3)
    normals = _twisted(unit(direction), unit(normal), movement.twist(phase) if movement.twist else 0 * phase)
    flexion = np.array(shape.flexion) + np.abs(generator.normal(0, 0.05, 5))
    bend = movement.flexion(phase)[:, None] if movement.flexion else 0.0
    flexions = np.clip(flexion[None] + bend, 0, 1) * np.ones((len(phase), 1))
    spread = np.full((len(phase), 1), shape.spread)
    return np.concatenate([position, np.repeat(unit(direction)[None], len(phase), 0), normals, flexions, spread], 1)


def _twisted(direction: Array, normal: Array, angles: Array) -> Array:
    """The palm's normal, made orthogonal to the direction and turned about it by ``angles`` (radians)."""
    normal = unit(normal - direction * (normal @ direction))
    side = np.cross(direction, normal)
    return np.cos(angles)[:, None] * normal + np.sin(angles)[:, None] * side


def _base_hand(dominant: Array, generator: np.random.Generator) -> Array:
    """A passive flat hand, palm up, just below and beside the middle of the dominant hand's way."""
    position = dominant[:, :3].mean(axis=0) + (0.35, 0.50, -0.05) + generator.normal(0, 0.04, 3)
    return np.concatenate([position, unit(np.array([-1.0, -0.15, 0.25])), (0.0, -0.98, 0.2), (0.1,) * 5, (0.0,)])


def _transition(start: Array, end: Array, signer: Signer) -> Array:
    way = max(np.linalg.norm(end[:3] - start[:3]), np.linalg.norm(end[_HAND : _HAND + 3] - start[_HAND : _HAND + 3]))
    frames = int(np.clip(round((1.5 + 1.7 * way) * signer.tempo), 2, 7))
    weight = minimum_jerk(frames)[:, None]
    return (1 - weight) * start + weight * end


def _stretch(states: Array, segments: list[Segment], num_frames: int) -> tuple[Array, list[Segment]]:
    source = np.linspace(0, len(states) - 1, num_frames)
    low = np.floor(source).astype(int)
    high = np.minimum(low + 1, len(states) - 1)
    share = (source - low)[:, None]
    factor = (num_frames - 1) / max(len(states) - 1, 1)

    def stretched(segment: Segment) -> Segment:
        start = round(segment.start * factor)
        return Segment(segment.gloss, start, max(round(segment.end * factor), start + 1))

    return (1 - share) * states[low] + share * states[high], [stretched(segment) for segment in segments]


def _smooth(states: Array, width: float) -> Array:
    """Gaussian smoothing in time with a standard deviation of ``width`` frames, ends held."""
    reach = 4
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(states, ((reach, reach), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=0)  # [T, state, kernel]
    return windows @ kernel


def _embody(states: Array, segments: tuple[Segment, ...], signer: Signer, generator: np.random.Generator) -> Motion:
    frames = len(states)
    sway = _sway(frames, signer.sway, generator)
    hands, palms = [], []
    for side, right in ((0, True), (1, False)):
        state = states[:, side * _HAND : (side + 1) * _HAND]
        direction = unit(state[:, 3:6])
        normal = state[:, 6:9]
        normal = unit(normal - direction * np.sum(normal * direction, axis=1, keepdims=True))
        points = hand_points(
            state[:, :3] + 0.5 * sway, direction, normal, np.clip(state[:, 9:14], 0, 1), np.clip(state[:, 14], 0, 1),
            right=right, size=signer.hand,
        )  # fmt: skip
        hands.append(points)
        palms.append(normal)
    shoulders = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]) * signer.shoulder + sway[:, None]
    arms = np.stack(
        [_arm(shoulders[:, side], hands[side][:, 0], outward) for side, outward in ((0, -1.0), (1, 1.0))], 1
    )
    head = np.array([0.0, -1.12 * signer.head, 0.15]) + 1.3 * sway
    mouth = np.clip(states[:, 2 * _HAND :], 0, 1)
    return Motion(np.stack(hands, 1), np.stack(palms, 1), arms, head, mouth, segments)


def _sway(frames: int, size: float, generator: np.random.Generator) -> Array:
    """Slow swaying of the upper body, ``[frames, 3]``: a random walk, smoothed to about a second."""
    steps = generator.normal(0, 1, (frames + 50, 3))
    kernel = np.hanning(25)
    slow = np.stack([np.convolve(steps[:, axis], kernel, mode="same") for axis in range(3)], 1)[25 : frames + 25]
    return size * slow / np.sqrt(np.sum(kernel**2)) * (1.0, 0.4, 0.6)


def _arm(shoulder: Array, wrist: Array, outward: float) -> Array:
    """Shoulder, elbow and wrist ``[T, 3, 3]``: two bones, the elbow hanging down and ``outward``."""
    reach = wrist - shoulder
    distance = np.linalg.norm(reach, axis=1, keepdims=True)
    axis = reach / np.maximum(distance, 1e-9)
    stretch = np.maximum(distance / (0.98 * (_UPPER_ARM + _FOREARM)), 1.0)  # a far hand stretches the arm
    upper, lower = _UPPER_ARM * stretch, _FOREARM * stretch
    along = np.clip((distance**2 + upper**2 - lower**2) / np.maximum(2 * distance, 1e-9), -upper, upper)
    hint = np.array([0.7 * outward, 1.0, -0.4])
    aside = unit(hint - axis * (axis @ hint)[:, None])
    elbow = shoulder + along * axis + np.sqrt(np.maximum(upper**2 - along**2, 0)) * aside
    return np.stack([shoulder, elbow, wrist], axis=1)
