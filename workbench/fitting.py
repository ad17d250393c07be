"""Does a teacher that was trained elsewhere fit the data of this run?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slr.vocabulary import Vocabulary
from workbench.checkpoint import NetworkCard
from workbench.faults import Place, dotted, shown


def check_teacher_fits(
    checkpoint: Path, card: NetworkCard, vocabulary: Vocabulary, described: Mapping[str, Any]
) -> None:
    """Refuse a teacher that writes other glosses, or was trained on clips prepared in another way.

    Args:
        checkpoint: where it was read from.
        card: what stands beside its weights.
        vocabulary: of this run.
        described: how this run prepares the teacher's input, as :meth:`slr.data.SignDataset.describe` says.

    Raises:
        ValueError: naming the first gloss or setting that differs.
    """
    if card.glosses != vocabulary.glosses:
        difference = gloss_difference(card.glosses, vocabulary.glosses)
        raise ValueError(
            f"the teacher {checkpoint} writes {len(card.glosses)} glosses and this corpus has "
            f"{len(vocabulary.glosses)}, {difference}: train a teacher on the same vocabulary"
        )
    # Of released weights no more is known than their layout says.
    for place, trained, now in differences(card.preprocessing, described, stated=bool(card.released)):
        raise ValueError(
            f"the teacher {checkpoint} was trained on clips with {place} {trained}, and this configuration prepares "
            f"them with {now}: give data the teacher's settings, or train a teacher on these"
        )


def gloss_difference(trained: tuple[str, ...], here: tuple[str, ...]) -> str:
    """A clause about the first gloss in which the vocabularies of a trained network and of a corpus differ."""
    lacks, more = sorted(set(here) - set(trained)), sorted(set(trained) - set(here))
    if lacks:
        return f"{lacks[0]!r} among those it lacks"
    return f"{more[0]!r} among those only it has" if more else "the same ones in another order"


def differences(
    trained: Mapping[str, Any], here: Mapping[str, Any], *, stated: bool = False
) -> Iterator[tuple[str, str, str]]:
    """Every place where two descriptions of a preprocessing differ, with both values as they are shown.

    With ``stated`` only what ``trained`` states is compared.
    """
    yield from _differences(dict(trained), json.loads(json.dumps(here)), (), stated)  # tuples as lists, as on a card


def warnings_of_reading(run: Path, card: NetworkCard, described: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for every way in which a network of a run is shown clips otherwise than it was trained on them."""
    for where, trained, now in differences(card.preprocessing, described, stated=bool(card.released)):
        yield f"{run} was trained on clips with {where} {trained}, and is shown them with {now}"


def _differences(trained: Any, here: Any, place: Place, stated: bool) -> Iterator[tuple[str, str, str]]:
    if isinstance(trained, Mapping) and isinstance(here, Mapping):
        for key in dict.fromkeys(trained if stated else (*trained, *here)):
            yield from _differences(trained.get(key), here.get(key), (*place, key), stated)
    elif _components(trained) and _components(here) and len(trained) == len(here):
        for number, (one, other) in enumerate(zip(trained, here, strict=True)):
            yield from _differences(one, other, (*place, number), stated)
    elif trained != here:
        yield dotted(place), shown(trained), shown(here)


def _components(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, Mapping) for part in value)
