from __future__ import annotations

import pytest
import torch

from kd.losses.graph import PairwiseAdjacency, TemporalGraph, ToeplitzAdjacency, over_valid_steps
from slr.types import Padded
from tests.reference import losses as reference


def features(*lengths: int, width: int = 5) -> Padded:
    return Padded.from_list([torch.randn(length, width) for length in lengths])


def modules() -> list[torch.nn.Module]:
    toeplitz = ToeplitzAdjacency(radius=2)
    torch.nn.init.normal_(toeplitz.offsets)
    return [PairwiseAdjacency(5), toeplitz]


def relations_of(module: torch.nn.Module, nodes: Padded) -> torch.Tensor:
    return over_valid_steps(module(nodes.values), nodes.mask)


def weights_of(module: PairwiseAdjacency) -> list[list[list[float]]]:
    query, key = module.query_key.weight.chunk(2)
    return [query.tolist(), key.tolist()]


def test_pairwise_relations_are_those_of_the_loop():
    module, nodes = PairwiseAdjacency(5), features(6, 3)
    for ours, clip in zip(relations_of(module, nodes), nodes.unpad(), strict=True):
        expected = reference.pairwise_adjacency(clip.tolist(), *weights_of(module))
        torch.testing.assert_close(ours[: len(clip), : len(clip)], torch.tensor(expected))


def test_toeplitz_relations_are_those_of_the_loop():
    _, module = modules()
    nodes = features(7, 3, 1)
    for ours, length in zip(relations_of(module, nodes), (7, 3, 1), strict=True):
        expected = reference.toeplitz_adjacency(length, module.offsets.tolist())
        torch.testing.assert_close(ours[:length, :length], torch.tensor(expected))


def test_learned_distances_start_with_equal_weights():
    relations = relations_of(ToeplitzAdjacency(), features(4, 2))
    torch.testing.assert_close(relations[0], torch.full((4, 4), 0.25))
    torch.testing.assert_close(relations[1, :2, :2], torch.full((2, 2), 0.5))


@pytest.mark.parametrize("adjacency", ["P", "L", "P+L"])
def test_rows_sum_to_one_over_valid_steps_and_padding_is_zero(adjacency: str):
    nodes = features(6, 3, 0)
    relations = TemporalGraph(5, width=4, adjacency=adjacency, radius=2).adjacency(nodes)
    torch.testing.assert_close(relations.sum(dim=-1), nodes.mask.float())
    assert not relations.transpose(1, 2)[~nodes.mask].any()
    assert (relations[nodes.mask[:, :, None] & nodes.mask[:, None, :]] > 0).all()


@pytest.mark.parametrize("index", [0, 1])
def test_a_clip_without_steps_leaves_gradients_finite(index: int):
    module = modules()[index]
    relations_of(module, features(4, 0)).square().sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in module.parameters())


@pytest.mark.parametrize("adjacency", ["P", "L", "P+L"])
@pytest.mark.parametrize("layers", [1, 2])
def test_embeddings_are_those_of_the_loop(adjacency: str, layers: int):
    graph = TemporalGraph(5, width=4, embedding_width=3, adjacency=adjacency, layers=layers, radius=2)
    for name, parameter in graph.named_parameters():
        if name.endswith("offsets"):
            torch.nn.init.normal_(parameter)
    clips = features(6, 2)
    embeddings, relations = graph(clips), graph.adjacency(clips)
    projection = graph.input[0]
    for clip, ours, found in zip(clips.unpad(), embeddings.unpad(), relations, strict=True):
        nodes = [
            reference.layer_norm(reference.linear(step, projection.weight.tolist(), projection.bias.tolist()))
            for step in clip.tolist()
        ]
        terms = []
        if "P" in adjacency:
            terms.append(reference.pairwise_adjacency(nodes, *weights_of(graph.adjacencies["P"])))
        if "L" in adjacency:
            terms.append(reference.toeplitz_adjacency(len(nodes), graph.adjacencies["L"].offsets.tolist()))
        mean = [[sum(values) / len(values) for values in zip(*rows, strict=True)] for rows in zip(*terms, strict=True)]
        torch.testing.assert_close(found[: len(clip), : len(clip)], torch.tensor(mean), rtol=1e-4, atol=1e-5)
        for layer in graph.layers:
            nodes = reference.graph_layer(nodes, mean, layer.weight.tolist(), layer.bias.tolist())
        out = [
            reference.unit(reference.linear(node, graph.output.weight.tolist(), graph.output.bias.tolist()))
            for node in nodes
        ]
        torch.testing.assert_close(ours, torch.tensor(out), rtol=1e-3, atol=1e-4)


def test_a_learned_distance_graph_does_not_know_where_in_the_clip_it_is():
    graph = TemporalGraph(5, width=4, embedding_width=3, adjacency="L", radius=1)
    torch.nn.init.normal_(graph.adjacencies["L"].offsets, std=3)
    constant = Padded(torch.randn(5).expand(1, 9, 5), torch.tensor([9]))
    embeddings = graph(constant).values[0]
    # Steps with equal features hear equal neighbours: nothing in the embedding can tell the time.
    torch.testing.assert_close(embeddings, embeddings[:1].expand(9, -1))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [({"adjacency": "A"}, "adjacency is 'A'"), ({"layers": 0}, "layers is 0"), ({"radius": -1}, "radius is -1")],
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        TemporalGraph(5, **arguments)
