from __future__ import annotations

from slr.scoring import score
from workbench.analysis.examples import examples

REFERENCES = {clip: list(text) for clip, text in {"a": "ABCD", "b": "ABCD", "c": "AB", "d": "ABCDEF"}.items()}


def chosen(student: dict[str, str], baseline: dict[str, str] | None) -> list[tuple[str, str]]:
    reports = {
        role: score(REFERENCES, {clip: text.split() for clip, text in found.items()}, "raw")
        for role, found in (("baseline", baseline), ("student", student))
        if found is not None
    }
    found = examples(reports, "student", "baseline" if baseline is not None else None)
    return [(one.clip, one.why) for one in found]


def test_each_rule_takes_its_clip_and_none_is_taken_twice() -> None:
    student = {"a": "A B C D", "b": "A B X X", "c": "A X", "d": "X X X X X X"}
    baseline = {"a": "X X X D", "b": "A B C D", "c": "A X", "d": "X X X X X X"}
    assert chosen(student, baseline) == [
        ("a", "most gained"),
        ("b", "most lost"),
        ("c", "an error as usual"),
        ("d", "most errors"),
    ]


def test_no_gain_is_shown_where_there_is_none() -> None:
    perfect = {clip: " ".join(glosses) for clip, glosses in REFERENCES.items()}
    assert chosen(perfect, perfect) == [("d", "an error as usual"), ("a", "most errors")]
    assert chosen(perfect, None) == chosen(perfect, perfect)
