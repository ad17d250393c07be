"""Skeleton graphs, joint by joint."""

from __future__ import annotations

from collections import deque

Matrix = list[list[float]]


def hop_distance(size: int, bones: list[tuple[int, int]]) -> Matrix:
    """Breadth-first search from every joint."""
    neighbours: list[set[int]] = [set() for _ in range(size)]
    for a, b in bones:
        neighbours[a].add(b)
        neighbours[b].add(a)
    distance = [[float("inf")] * size for _ in range(size)]
    for start in range(size):
        distance[start][start] = 0
        queue = deque([start])
        while queue:
            joint = queue.popleft()
            for other in neighbours[joint]:
                if distance[start][other] == float("inf"):
                    distance[start][other] = distance[start][joint] + 1
                    queue.append(other)
    return distance


def distance(size: int, bones: list[tuple[int, int]], max_hop: int) -> list[Matrix]:
    """A part per number of hops; a joint takes an equal share of everyone at most ``max_hop`` away."""
    hops = hop_distance(size, bones)
    parts = [[[0.0] * size for _ in range(size)] for _ in range(max_hop + 1)]
    for target in range(size):
        sources = [source for source in range(size) if hops[source][target] <= max_hop]
        for source in sources:
            parts[int(hops[source][target])][source][target] = 1 / len(sources)
    return parts


def spatial(size: int, bones: list[tuple[int, int]], centre: int, max_hop: int) -> list[Matrix]:
    """The spatial configuration of ST-GCN: the joint, then per hop its far neighbours and its near ones."""
    distance = hop_distance(size, bones)
    parent_of = {child: parent for parent, child in bones}

    def depth(joint: int) -> float:
        if distance[joint][centre] < float("inf"):
            return distance[joint][centre]
        steps = 0
        while joint in parent_of:
            joint, steps = parent_of[joint], steps + 1
        return steps

    parts = [[[0.0] * size for _ in range(size)] for _ in range(2 * max_hop + 1)]
    for target in range(size):
        sources = [source for source in range(size) if distance[source][target] <= max_hop]
        for source in sources:
            hop = int(distance[source][target])
            if hop == 0:
                part = 0
            elif depth(source) >= depth(target):
                part = 2 * hop - 1
            else:
                part = 2 * hop
            parts[part][source][target] = 1 / len(sources)
    return parts


def directed(size: int, bones: list[tuple[int, int]]) -> list[Matrix]:
    """The joint itself; its parent; an equal share of each of its children."""
    parts = [[[0.0] * size for _ in range(size)] for _ in range(3)]
    for target in range(size):
        parts[0][target][target] = 1
        children = [child for parent, child in bones if parent == target]
        for parent, child in bones:
            if child == target:
                parts[1][parent][target] = 1
        for child in children:
            parts[2][child][target] = 1 / len(children)
    return parts
