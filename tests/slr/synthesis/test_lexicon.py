"""Signs differ where they should, and only there."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations

import numpy as np
import pytest

from slr.synthesis import lexicon as module
from slr.synthesis.lexicon import Lexicon, invent_glosses, make_lexicon
from slr.synthesis.phonology import HANDSHAPES, MOUTHS, MOVEMENTS, ORIENTATIONS, PLACES, Sign

PAIRS = {"handshape": 5, "movement": 4, "mouth": 3}


def made(seed: int = 0, glosses: int = 50) -> Lexicon:
    return make_lexicon(glosses, PAIRS, np.random.default_rng(seed))


def differing(first: Sign, second: Sign) -> set[str]:
    one, other = asdict(first), asdict(second)
    return {parameter for parameter in one if one[parameter] != other[parameter]}


def few_signs(monkeypatch: pytest.MonkeyPatch, handshapes: int) -> None:
    """Leave a sign space of ``handshapes`` times three kinds of hands."""
    straight = [name for name, shape in HANDSHAPES.items() if sum(shape.flexion[1:]) <= 2]
    monkeypatch.setattr(module, "HANDSHAPES", {name: HANDSHAPES[name] for name in straight[:handshapes]})
    for inventory, name in (("PLACES", "chest"), ("MOVEMENTS", "hold"), ("ORIENTATIONS", "up-out")):
        monkeypatch.setattr(module, inventory, {name: getattr(module, inventory)[name]})


@pytest.mark.parametrize("seed", range(3))
def test_a_minimal_pair_differs_in_the_named_parameter_alone(seed: int) -> None:
    lexicon = made(seed)
    for first, second, parameter in lexicon.minimal_pairs:
        assert differing(lexicon.signs[first], lexicon.signs[second]) == {"gloss", parameter}
    named = [parameter for _, _, parameter in lexicon.minimal_pairs]
    assert {parameter: named.count(parameter) for parameter in PAIRS} == PAIRS


def test_no_gloss_is_in_two_pairs() -> None:
    paired = [gloss for first, second, _ in made().minimal_pairs for gloss in (first, second)]
    assert len(paired) == len(set(paired)) == 2 * sum(PAIRS.values())


@pytest.mark.parametrize("seed", range(3))
def test_base_signs_differ_in_two_things_that_the_hands_do(seed: int) -> None:
    lexicon = made(seed)
    second_members = {second for _, second, _ in lexicon.minimal_pairs}
    base = [sign for gloss, sign in lexicon.signs.items() if gloss not in second_members]
    assert len(base) == 50 - sum(PAIRS.values())
    for first, second in combinations(base, 2):
        assert len(differing(first, second) - {"gloss", "mouth", "tempo"}) >= 2


def test_all_signs_and_all_glosses_are_distinct() -> None:
    lexicon = made(glosses=200)
    assert len({(*sign.manual, sign.mouth) for sign in lexicon.signs.values()}) == 200
    assert all(sign.gloss == gloss for gloss, sign in lexicon.signs.items())
    assert lexicon.glosses == tuple(lexicon.signs)


def test_signs_are_made_of_the_inventories() -> None:
    for sign in made().signs.values():
        assert sign.handshape in HANDSHAPES
        assert sign.place in PLACES
        assert sign.movement in MOVEMENTS
        assert sign.orientation in ORIENTATIONS
        assert sign.mouth in MOUTHS
        assert 0.85 <= sign.tempo <= 1.2


@pytest.mark.parametrize("seed", range(3))
def test_no_fist_closes_and_no_passive_hand_floats_before_the_face(seed: int) -> None:
    for sign in made(seed, 200).signs.values():
        if sign.movement == "close":
            assert sum(HANDSHAPES[sign.handshape].flexion[1:]) <= 2
        elif sign.hands == "base":
            assert sign.place not in ("mouth", "cheek", "forehead")


def test_members_of_pairs_are_frequent_and_rare() -> None:
    lexicon = made(glosses=200)
    ranks = sorted(lexicon.glosses.index(second) for _, second, _ in lexicon.minimal_pairs)
    assert ranks[0] < 60
    assert ranks[-1] >= 140


def test_a_seed_makes_one_lexicon() -> None:
    assert made(4) == made(4)
    assert made(4) != made(5)


def test_given_glosses_are_kept() -> None:
    names = ["REGEN", "SONNE", "loc-NORD", "__ON__", "IX"]
    lexicon = make_lexicon(names, {"mouth": 2}, np.random.default_rng(0))
    assert sorted(lexicon.glosses) == sorted(names)
    assert {second for _, second, _ in lexicon.minimal_pairs} == {"__ON__", "IX"}


def test_invented_glosses_are_distinct_and_grow_longer() -> None:
    names = invent_glosses(2050, np.random.default_rng(0))
    assert len(set(names)) == 2050
    assert [len(name) for name in names] == [4] * 2000 + [6] * 50
    assert all(set(name[1::2]) <= set("AEIOU") and not set(name[::2]) & set("AEIOU") for name in names)


def test_more_pairs_than_glosses_to_pair_are_refused() -> None:
    assert len(make_lexicon(6, {"mouth": 3}, np.random.default_rng(0)).minimal_pairs) == 3
    with pytest.raises(ValueError, match="4 minimal pairs need 8 glosses, the lexicon has 7"):
        make_lexicon(7, {"mouth": 4}, np.random.default_rng(0))


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="minimal pairs in tempo: possible are handshape, movement, mouth"):
        make_lexicon(7, {"mouth": 1, "tempo": 1}, np.random.default_rng(0))


def test_a_crowded_space_is_filled_with_signs_one_parameter_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    few_signs(monkeypatch, handshapes=3)  # nine signs, of which three differ in both handshape and hands
    signs = make_lexicon(8, {}, np.random.default_rng(0)).signs.values()
    assert len({sign.manual for sign in signs}) == 8


def test_more_signs_than_the_space_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    few_signs(monkeypatch, handshapes=2)
    with pytest.raises(ValueError, match="no room in the sign space for 7 distinct signs: ask for fewer"):
        make_lexicon(7, {}, np.random.default_rng(0))


def test_a_pair_with_no_free_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOUTHS", {"closed": MOUTHS["closed"]})
    with pytest.raises(ValueError, match="no free mouth is left for a minimal pair of"):
        make_lexicon(4, {"mouth": 1}, np.random.default_rng(0))
