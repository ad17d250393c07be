from __future__ import annotations

import pytest
import torch

from kd.losses.graph import PairwiseAdjacency, SideBySide, TemporalGraphs, ToeplitzAdjacency, over_valid_steps
from slr.types import Padded
from tests.reference import losses as reference


def features(*lengths: int, width: int = 5) -> Padded:
    return Padded.from_list([torch.randn(length, width) for length in lengths])


def modules() -> list[torch.nn.Module]:
    toeplitz = ToeplitzAdjacency(2, radius=2)
    torch.nn.init.normal_(toeplitz.offsets)
    return [PairwiseAdjacency(2, 5), toeplitz]


def both(nodes: Padded) -> torch.Tensor:
    """The nodes of two networks: those given, and others."""
    return torch.stack([nodes.values, nodes.values.flip(-1) - 1])


def relations_of(module: torch.nn.Module, nodes: Padded) -> torch.Tensor:
    return over_valid_steps(module(both(nodes)), nodes.mask)


def weights_of(module: PairwiseAdjacency, network: int) -> list[list[list[float]]]:
    query, key = module.query_key.weight[network].T.chunk(2)
    return [query.tolist(), key.tolist()]


def linear(layer: SideBySide, network: int) -> tuple[list[list[float]], list[float]]:
    return layer.weight[network].T.tolist(), layer.bias[network, 0].tolist()


def test_layers_side_by_side_are_layers_one_by_one():
    layer, rows = SideBySide(2, 4, 3), torch.randn(2, 5, 4)
    for network, (ours, given) in enumerate(zip(layer(rows), rows, strict=True)):
        weight, bias = linear(layer, network)
        torch.testing.assert_close(ours, torch.nn.functional.linear(given, torch.tensor(weight), torch.tensor(bias)))
    assert layer.weight.abs().max() <= 0.5


def test_pairwise_relations_are_those_of_the_loop():
    module, nodes = PairwiseAdjacency(2, 5), features(6, 3)
    for network, relations in enumerate(relations_of(module, nodes)):
        for ours, clip, length in zip(relations, both(nodes)[network], (6, 3), strict=True):
            expected = reference.pairwise_adjacency(clip[:length].tolist(), *weights_of(module, network))
            torch.testing.assert_close(ours[:length, :length], torch.tensor(expected))


def test_toeplitz_relations_are_those_of_the_loop():
    _, module = modules()
    nodes = features(7, 3, 1)
    for network, relations in enumerate(relations_of(module, nodes)):
        for ours, length in zip(relations, (7, 3, 1), strict=True):
            expected = reference.toeplitz_adjacency(length, module.offsets[network].tolist())
            torch.testing.assert_close(ours[:length, :length], torch.tensor(expected))


def test_learned_distances_start_with_equal_weights():
    relations = relations_of(ToeplitzAdjacency(2), features(4, 2))
    torch.testing.assert_close(relations[1, 0], torch.full((4, 4), 0.25))
    torch.testing.assert_close(relations[1, 1, :2, :2], torch.full((2, 2), 0.5))


@pytest.mark.parametrize("adjacency", ["P", "L", "P+L"])
def test_rows_sum_to_one_over_valid_steps_and_padding_is_zero(adjacency: str):
    nodes = features(6, 3, 0)
    graphs = TemporalGraphs((5, 7), width=4, adjacency=adjacency, radius=2)
    for relations in graphs.adjacency((nodes, features(6, 3, 0, width=7))):
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
    graphs = TemporalGraphs((5, 7), width=4, embedding_width=3, adjacency=adjacency, layers=layers, radius=2)
    for name, parameter in graphs.named_parameters():
        if name.endswith("offsets"):
            torch.nn.init.normal_(parameter)
    networks = (features(6, 2), features(6, 2, width=7))
    embeddings, relations = graphs(networks), graphs.adjacency(networks)
    for network, clips in enumerate(networks):
        ours = embeddings[network].split([6, 2])
        for clip, found, relation in zip(clips.unpad(), ours, relations[network], strict=True):
            expected, mean = embedded_by_the_loop(graphs, network, clip.tolist())
            torch.testing.assert_close(relation[: len(clip), : len(clip)], torch.tensor(mean), rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-3, atol=1e-4)


def embedded_by_the_loop(graphs: TemporalGraphs, network: int, clip: list[list[float]]) -> tuple[list, list]:
    projection = graphs.inputs[network]
    weight, bias = projection.weight.tolist(), projection.bias.tolist()
    nodes = [reference.layer_norm(reference.linear(step, weight, bias)) for step in clip]
    terms = []
    if "P" in graphs.adjacencies:
        terms.append(reference.pairwise_adjacency(nodes, *weights_of(graphs.adjacencies["P"], network)))
    if "L" in graphs.adjacencies:
        terms.append(reference.toeplitz_adjacency(len(nodes), graphs.adjacencies["L"].offsets[network].tolist()))
    mean = [[sum(values) / len(values) for values in zip(*rows, strict=True)] for rows in zip(*terms, strict=True)]
    for layer in graphs.layers:
        nodes = reference.graph_layer(nodes, mean, *linear(layer, network))
    return [reference.unit(reference.linear(node, *linear(graphs.output, network))) for node in nodes], mean


def test_identity_relations_are_no_relations():
    graphs = TemporalGraphs((5, 7), width=4, embedding_width=3, adjacency="I", layers=2)
    networks = (features(6, 2, 0), features(6, 2, 0, width=7))
    for relations in graphs.adjacency(networks):
        assert torch.equal(relations[0], torch.eye(6))
        assert torch.equal(relations[1, :2, :2], torch.eye(2))
        assert relations.sum() == 8
    for network, clips in enumerate(networks):
        found = graphs(networks)[network].split([6, 2])
        for clip, ours in zip(clips.unpad(), found, strict=False):
            expected = [alone_by_the_loop(graphs, network, step) for step in clip.tolist()]
            torch.testing.assert_close(ours, torch.tensor(expected), rtol=1e-3, atol=1e-4)


def alone_by_the_loop(graphs: TemporalGraphs, network: int, step: list[float]) -> list[float]:
    """One step through the layers, with nothing that could come from another."""
    node = reference.layer_norm(
        reference.linear(step, graphs.inputs[network].weight.tolist(), graphs.inputs[network].bias.tolist())
    )
    for layer in graphs.layers:
        own = reference.linear(node, *linear(layer, network))
        node = reference.layer_norm([value + reference.gelu(more) for value, more in zip(node, own, strict=True)])
    return reference.unit(reference.linear(node, *linear(graphs.output, network)))


def test_with_the_identity_no_step_hears_of_another():
    step, others = torch.randn(1, 5), torch.randn(8, 5)
    found = {}
    for adjacency in ("I", "P", "L"):
        torch.manual_seed(3)
        graphs = TemporalGraphs((5,), width=4, embedding_width=3, adjacency=adjacency)
        clips = Padded.from_list([torch.cat([step, others[:3]]), torch.cat([step, others[3:]]), step])
        ours = graphs((clips,))[0][[0, 4, 10]]
        found[adjacency] = bool((ours - ours[:1]).abs().max() < 1e-5)
    assert found == {"I": True, "P": False, "L": False}


@pytest.mark.parametrize("adjacency", ["P", "L", "P+L", "I"])
def test_a_frozen_graph_is_random_and_does_not_learn(adjacency: str):
    torch.manual_seed(5)
    graphs = TemporalGraphs((5, 7), width=4, embedding_width=3, adjacency=adjacency, radius=2).frozen_at_random()
    assert all(len(parameter.unique()) > 1 for parameter in graphs.parameters())
    ours = features(6, 2)
    ours.values.requires_grad_()
    graphs((ours, features(6, 2, width=7)))[0].square().sum(dim=0)[0].backward()
    assert ours.values.grad.any()
    assert all(parameter.grad is None for parameter in graphs.parameters())


def test_what_one_graph_sees_and_learns_does_not_touch_the_other():
    graphs = TemporalGraphs((5, 5), width=4, embedding_width=3)
    ours, theirs, others = features(6, 2), features(6, 2), features(6, 2)
    torch.testing.assert_close(graphs((ours, theirs))[0], graphs((ours, others))[0])
    graphs((ours, theirs))[0].sum().backward()
    sided = [parameter for name, parameter in graphs.named_parameters() if not name.startswith("inputs")]
    assert all(not parameter.grad[1].any() for parameter in sided)
    assert graphs.inputs[1].weight.grad is None or not graphs.inputs[1].weight.grad.any()


def test_a_learned_distance_graph_does_not_know_where_in_the_clip_it_is():
    graphs = TemporalGraphs((5,), width=4, embedding_width=3, adjacency="L", radius=1)
    torch.nn.init.normal_(graphs.adjacencies["L"].offsets, std=3)
    constant = Padded(torch.randn(5).expand(1, 9, 5), torch.tensor([9]))
    embeddings = graphs((constant,))[0]
    # Steps with equal features hear equal neighbours: nothing in the embedding can tell the time.
    torch.testing.assert_close(embeddings, embeddings[:1].expand(9, -1))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [({"adjacency": "A"}, "adjacency is 'A'"), ({"layers": 0}, "layers is 0"), ({"radius": -1}, "radius is -1")],
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        TemporalGraphs((5, 5), **arguments)
