"""The clean-up of NTU RGB+D as the published scripts do it, in loops over lists: three steps, one after the other."""

from __future__ import annotations

import statistics

Joints = list[list[float]]  # [25][3]


def raw_bodies(text: str) -> tuple[dict[str, dict], int]:
    """Step 1: by body its joints by frame and its interval, in which later frames follow on the one before."""
    lines = iter(text.splitlines())
    bodies: dict[str, dict] = {}
    valid = -1
    for _ in range(int(next(lines))):
        people = int(next(lines))
        if people == 0:
            continue
        valid += 1
        for _ in range(people):
            body = next(lines).split()[0]
            joints = [[float(value) for value in next(lines).split()[:3]] for _ in range(int(next(lines)))]
            if body not in bodies:
                bodies[body] = {"joints": [joints], "interval": [valid], "true": [valid]}
            else:
                bodies[body]["joints"].append(joints)
                bodies[body]["interval"].append(bodies[body]["interval"][-1] + 1)
                bodies[body]["true"].append(valid)
    for told in bodies.values():
        told["motion"] = variance(told["joints"])
    return bodies, valid + 1


def variance(frames: list[Joints]) -> float:
    return sum(statistics.pvariance([joint[axis] for frame in frames for joint in frame]) for axis in range(3))


def is_upright(frame: Joints) -> bool:
    xs, ys = [joint[0] for joint in frame], [joint[1] for joint in frame]
    return max(xs) - min(xs) <= 0.8 * (max(ys) - min(ys))


def denoised(bodies: dict[str, dict], frames: int, interval: str) -> list[list[Joints]]:
    """Step 2: two tracks of joints by frame, zeros where nobody is."""
    nobody = [[0.0] * 3 for _ in range(25)]
    left = dict(bodies)
    several = len(left) > 1
    if several:
        long = {body: told for body, told in left.items() if len(told["interval"]) > 11}
        left = long or dict([max(left.items(), key=lambda pair: len(pair[1]["interval"]))])
        for body, told in list(left.items()):
            if len(left) == 1:
                break
            good = [frame for frame in told["joints"] if is_upright(frame)]
            if (len(told["joints"]) - len(good)) / len(told["joints"]) >= 0.69754:
                del left[body]
            elif len(good) < len(told["joints"]):
                told["motion"] = min(told["motion"], variance(good))
    order = sorted(left.values(), key=lambda told: -told["motion"])
    tracks = [[nobody for _ in range(frames)], [nobody for _ in range(frames)]]
    spans: list[tuple[int, int]] = []
    for number, told in enumerate(order):
        start, end = told[interval][0], told[interval][-1]
        if number == 0:
            place, spans = 0, [(start, end), (0, 0)]
        else:
            free = [p for p in (0, 1) if min(spans[p][1], end) - max(spans[p][0], start) <= 0]
            if not free:
                continue
            place = free[0]
            spans[place] = (min(spans[place][0], start), max(spans[place][1], end))
        for frame, joints in zip(told[interval], told["joints"], strict=True):
            tracks[place][frame] = joints
    clip = [list(pair) for pair in zip(*tracks, strict=True)]
    return [pair for pair in clip if pair != [nobody, nobody]] if several else clip


def centred(clip: list[list[Joints]], second: str) -> list[list[Joints]]:
    """Step 3: about joint 2 of actor 1 in its first frame; a missing second actor is zeros or a copy."""

    def absent(joints: Joints) -> bool:
        return all(value == 0 for joint in joints for value in joint)

    first = next((pair[0] for pair in clip if not absent(pair[0])), clip[0][0])
    moved = [
        [
            joints if absent(joints) else [[a - b for a, b in zip(joint, first[1], strict=True)] for joint in joints]
            for joints in pair
        ]
        for pair in clip
    ]
    if second == "copy" and all(absent(pair[1]) for pair in moved):
        return [[pair[0], pair[0]] for pair in moved]
    return moved


def two_persons(text: str, *, returning: str, second: str) -> list[list[Joints]]:
    bodies, frames = raw_bodies(text)
    return centred(denoised(bodies, frames, "interval" if returning == "slide" else "true"), second)
