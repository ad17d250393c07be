"""Where glosses lie in the clips of a split, as files: CTM, JSON and, for each clip, ELAN."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr.scoring import Transcript, write_ctm, write_elan
from workbench.aligner import Aligner
from workbench.disk import saying_when_full, write_text
from workbench.recognise import Reading, Recognition, readable
from workbench.workplace import Workplace

_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


@dataclass(frozen=True)
class Segments:
    """What is known about the glosses of a split.

    ``about`` says where it comes from, as plain JSON values; ``others`` are what further networks read in the same
    clips, by name.
    """

    about: Mapping[str, Any]
    split: str
    recognition: Recognition
    aligner: Aligner
    others: Mapping[str, Recognition]

    def write(self, folder: Path, place: Workplace, *, eaf: bool = False, media: str | None = None) -> list[Path]:
        """Write ``reference.ctm``, ``hypothesis.ctm``, ``segments.json`` and, where asked, ``eaf/CLIP.eaf``.

        ``reference.ctm`` holds the transcripts by forced alignment; a clip that could not be aligned is not in it.
        ``media`` is the path of a clip's video, with ``{clip}`` for its id.

        Raises:
            ValueError: when two clips would share a file, or a gloss cannot be written.
            NoRoomError: when there is no room in ``folder``.
        """
        names = self._eaf_names() if eaf else {}
        written = [folder / "reference.ctm", folder / "hypothesis.ctm", folder / "segments.json"]
        with saying_when_full(folder):
            write_ctm(written[0], {clip: readable(reading.transcript) for clip, reading in self._aligned().items()})
            self.recognition.write(written[1])
            write_text(written[2], _json_text(self._as_json(place)) + "\n")
            signers = {clip.id: clip.signer for clip in place.corpus.clips(self.split)}
            for clip, name in names.items():
                path = folder / "eaf" / name
                video = media.replace("{clip}", clip) if media is not None else None
                write_elan(path, dict(self._tiers(clip, signers[clip])), media=video)
                written.append(path)
        return written

    def _aligned(self) -> dict[str, Reading]:
        readings = self.aligner.readings
        return {clip: readings[clip] for clip in self.recognition.references if clip in readings}

    def _tiers(self, clip: str, signer: str) -> Iterator[tuple[str, Transcript]]:
        sources = {"reference": self._aligned().get(clip), "hypothesis": self.recognition.readings[clip][0]}
        sources |= {name: other.readings[clip][0] for name, other in self.others.items()}
        for name, reading in sources.items():
            if reading is not None:
                found = reading.transcript
                yield name, Transcript(found.glosses, signer, found.times, found.confidences)

    def _eaf_names(self) -> dict[str, str]:
        names = {clip: _NOT_IN_NAMES.sub("_", clip) + ".eaf" for clip in self.recognition.references}
        first: dict[str, str] = {}
        for clip, name in names.items():
            other = first.setdefault(name.lower(), clip)  # some file systems do not tell capitals apart
            if other != clip:
                raise ValueError(f"clips {other!r} and {clip!r} would share the file {name}: give one another id")
        return names

    def _as_json(self, place: Workplace) -> dict[str, Any]:
        aligned = self._aligned()
        clips = [
            {
                "clip": clip.id,
                "signer": clip.signer,
                "frames": place.corpus.num_frames(clip),
                "reference": " ".join(clip.glosses),
                "not_in_vocabulary": [gloss for gloss in clip.glosses if gloss not in place.vocabulary],
                "alignment": _reading(aligned[clip.id]) if clip.id in aligned else None,
                "hypotheses": [_reading(reading) for reading in self.recognition.readings[clip.id]],
                "others": {name: _reading(other.readings[clip.id][0]) for name, other in self.others.items()},
            }
            for clip in place.corpus.clips(self.split)
        ]
        return {**self.about, "left_out": dict(sorted(self.aligner.left_out.items())), "clips": clips}


def _reading(reading: Reading) -> dict[str, Any]:
    """Times in seconds and in source frames, counted from 0; ends are the start of the first frame after a gloss."""
    transcript = reading.transcript
    assert transcript.times is not None
    assert transcript.confidences is not None
    columns = zip(transcript.glosses, transcript.times, reading.frames, transcript.confidences, strict=True)
    segments = [
        {
            "gloss": gloss,
            "start": round(start, 6),
            "end": round(end, 6),
            "start_frame": first,
            "end_frame": stop,
            "confidence": round(confidence, 6),
        }
        for gloss, (start, end), (first, stop), confidence in columns
    ]
    return {"log_probability": round(reading.log_probability, 6), "segments": segments}


def _json_text(value: Any, indent: str = "") -> str:
    """JSON in which whatever holds plain values alone stands on one line."""
    inner = indent + " "
    if isinstance(value, dict) and any(isinstance(child, dict | list) for child in value.values()):
        rows = [f"{json.dumps(key, ensure_ascii=False)}: {_json_text(child, inner)}" for key, child in value.items()]
    elif isinstance(value, list) and any(isinstance(child, dict | list) for child in value):
        rows = [_json_text(child, inner) for child in value]
    else:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return opening + "\n" + ",\n".join(inner + row for row in rows) + f"\n{indent}{closing}"
