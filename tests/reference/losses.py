"""Losses in plain loops over lists of numbers; a clip is a list of steps, a step is a list of numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from tests.reference.infonce import dot, unit

Step = Sequence[float]
Clip = Sequence[Step]


def softmax(scores: Step) -> list[float]:
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    return [power / sum(powers) for power in powers]


def reads_as(path: Sequence[int]) -> list[int]:
    """Merge repeats, then drop blanks."""
    merged = [label for label, _ in itertools.groupby(path)]
    return [label for label in merged if label != 0]


def ctc(clips: Sequence[Clip], glosses: Sequence[Sequence[int]]) -> float:
    """Every path of every clip is written out."""
    total = 0.0
    for clip, wanted in zip(clips, glosses, strict=True):
        posteriors = [softmax(step) for step in clip]
        probability = 0.0
        for path in itertools.product(range(len(clip[0])), repeat=len(clip)):
            if reads_as(path) == list(wanted):
                probability += math.prod(step[label] for step, label in zip(posteriors, path, strict=True))
        total += -math.log(probability)
    return total / len(clips)


def kl(teacher: Step, student: Step, temperature: float) -> float:
    p = softmax([score / temperature for score in teacher])
    q = softmax([score / temperature for score in student])
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def frame_kl(
    student: Sequence[Clip], teacher: Sequence[Clip], temperature: float, blank: str, symmetric_n: int = 1
) -> float:
    total, weight_sum = 0.0, 0.0
    for ours, theirs in zip(student, teacher, strict=True):
        spikes = [t for t, step in enumerate(theirs) if max(step) > step[0]]
        for t in range(len(ours)):
            weight = 1.0
            if blank == "eliminate":
                weight = float(t in spikes)
            if blank == "symmetric_n":
                weight = float(any(abs(t - spike) <= symmetric_n for spike in spikes))
            if blank == "reweight":
                weight = 1 - softmax(theirs[t])[0]
            first = 1 if blank == "drop" else 0
            total += weight * temperature**2 * kl(theirs[t][first:], ours[t][first:], temperature)
            weight_sum += weight
    return total / weight_sum if weight_sum else 0.0


def resampled(clip: Clip, steps: int) -> list[list[float]]:
    """Linear interpolation; first meets first and last meets last, a single step meets the middle."""
    out = []
    for t in range(steps):
        position = t * (len(clip) - 1) / (steps - 1) if steps > 1 else (len(clip) - 1) / 2
        low = min(int(position), len(clip) - 1)
        high = min(low + 1, len(clip) - 1)
        share = position - low
        out.append([(1 - share) * a + share * b for a, b in zip(clip[low], clip[high], strict=True)])
    return out


def pseudo_label(scores: Step) -> int:
    """Best class other than the blank."""
    return max(range(1, len(scores)), key=lambda label: scores[label])


def keypoint_error(predicted: Sequence[Clip], keypoints: Sequence[Sequence[Sequence[Step]]]) -> float:
    """``predicted`` steps list x0, y0, x1, y1, ...; ``keypoints`` steps list (x, y, confidence) per joint."""
    errors = []
    for ours, wanted in zip(predicted, keypoints, strict=True):
        for step, joints in zip(ours, wanted, strict=True):
            for joint, (x, y, confidence) in enumerate(joints):
                if confidence > 0:
                    errors += [abs(step[2 * joint] - x), abs(step[2 * joint + 1] - y)]
    return sum(errors) / len(errors) if errors else 0.0


def linear(vector: Step, weight: Sequence[Step], bias: Step) -> list[float]:
    return [dot(row, vector) + offset for row, offset in zip(weight, bias, strict=True)]


def layer_norm(vector: Step) -> list[float]:
    mean = sum(vector) / len(vector)
    variance = sum((value - mean) ** 2 for value in vector) / len(vector)
    return [(value - mean) / math.sqrt(variance + 1e-5) for value in vector]


def gelu(value: float) -> float:
    return value * 0.5 * (1 + math.erf(value / math.sqrt(2)))


def pairwise_adjacency(nodes: Clip, query: Sequence[Step], key: Sequence[Step]) -> list[list[float]]:
    zeros = [0.0] * len(query)
    queries = [linear(node, query, zeros) for node in nodes]
    keys = [linear(node, key, zeros) for node in nodes]
    return [softmax([dot(q, k) / math.sqrt(len(q)) for k in keys]) for q in queries]


def toeplitz_adjacency(steps: int, offsets: Step) -> list[list[float]]:
    radius = len(offsets) // 2
    return [softmax([offsets[max(-radius, min(radius, j - i)) + radius] for j in range(steps)]) for i in range(steps)]


def graph_layer(nodes: Clip, adjacency: Sequence[Step], weight: Sequence[Step], bias: Step) -> list[list[float]]:
    """LN(x_i + GELU(sum_j A_ij (W x_j + b)))."""
    moved = [linear(node, weight, bias) for node in nodes]
    out = []
    for i, node in enumerate(nodes):
        heard = [sum(adjacency[i][j] * moved[j][d] for j in range(len(nodes))) for d in range(len(node))]
        out.append(layer_norm([value + gelu(message) for value, message in zip(node, heard, strict=True)]))
    return out


def bank_contrast(embedding: Step, own: Step, others: Sequence[Step], z: float, rows: int, temperature: float) -> float:
    """Noise-contrastive loss of one clip against its own row and ``others`` of a bank of ``rows`` rows."""
    noise = len(others) / rows
    scores = [math.exp(dot(embedding, row) / temperature) / z for row in [own, *others]]
    loss = -math.log(scores[0] / (scores[0] + noise))
    for score in scores[1:]:
        loss -= math.log(noise / (score + noise))
    return loss


def moved_row(row: Step, embedding: Step) -> list[float]:
    return unit([0.5 * old + 0.5 * new for old, new in zip(row, embedding, strict=True)])
