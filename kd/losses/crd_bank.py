"""Contrast of whole clips against a memory of all clips: CRD as it was published."""

from __future__ import annotations

import json
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kd.losses.infonce import contrast_accuracy
from kd.losses.posteriors import check_temperature
from kd.losses.tap_loss import TapLoss
from kd.reduce import mean_over_clips
from slr.types import Batch, NetOutput

MOMENTUM = 0.5


class CRDBank(TapLoss):
    """Sum over clips of the noise-contrastive loss of both directions, divided by the number of clips.

    A clip is one instance: its feature is the mean over its valid steps. Each side keeps a bank of one row per training
    clip. The embedding ``v`` of a clip on one side is scored against rows ``b`` of the bank of the *other* side::

        s(v, b) = e^{v.b/t} / Z          Z: mean e^{v.b/t} of the first batch, times the rows N; then fixed
        L = -1/B sum_clips [ log s+/(s+ + K/N) + sum_{k=1..K} log (K/N)/(s_k + K/N) ],   both directions added

    where ``s+`` is the score of the clip's own row and ``s_k`` those of ``K`` rows drawn uniformly from the others
    (Tian et al. 2020, "Contrastive Representation Distillation", with the memory buffer; a noise distribution of
    ``1/N``). Rows carry no gradient; the embeddings of both sides do. Afterwards, in training, the clips' own rows move
    half way to the embeddings and return to unit length.

    A clip gets its row when training first meets its id. The draws depend only on ``seed`` and the number of batches so
    far. Banks, ids and counters are part of the state: a resumed run goes on with the same rows. With several processes
    each keeps its own banks. Clips without steps count for nothing, and so do, in evaluation, clips that have no row.

    Args:
        student_width: features of the student's tap.
        teacher_width: features of the teacher's tap.
        clips: number of training clips, the rows ``N``.
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
        width: width of the embeddings.
        temperature: ``t``, greater than 0.
        num_negatives: ``K``, drawn with replacement.
        seed: of the first rows and of the draws.
    """

    student_bank: Tensor
    teacher_bank: Tensor
    student_z: Tensor
    teacher_z: Tensor
    batches: Tensor

    def __init__(
        self,
        student_width: int,
        teacher_width: int,
        clips: int,
        tap: str = "conv",
        teacher_tap: str | None = None,
        width: int = 128,
        temperature: float = 0.07,
        num_negatives: int = 4096,
        seed: int = 0,
    ) -> None:
        super().__init__(tap, teacher_tap)
        check_temperature(temperature)
        if clips < 2 or num_negatives < 1:
            raise ValueError(
                f"clips is {clips} and num_negatives is {num_negatives}: a bank needs 2 clips and 1 negative or more"
            )
        self.temperature = temperature
        self.num_negatives = num_negatives
        self.seed = seed
        self.student_projection = nn.Linear(student_width, width)
        self.teacher_projection = nn.Linear(teacher_width, width)
        generator = torch.Generator().manual_seed(seed)
        bound = (3 / width) ** 0.5  # uniform on +-bound has variance 1/width: rows start at unit length on average
        for side in ("student", "teacher"):
            rows = torch.empty(clips, width).uniform_(-bound, bound, generator=generator)
            self.register_buffer(f"{side}_bank", rows)
            self.register_buffer(f"{side}_z", torch.zeros(()))  # 0: not yet fixed
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        self._rows: dict[str, int] = {}

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Loss of the clips of this batch; in training the banks then take them in.

        Raises:
            ValueError: in training, when more clips appear than the banks have rows.
        """
        assert teacher is not None
        ours, theirs = student.read(self.tap), teacher.read(self.teacher_tap)
        used = self._usable(batch, (ours.lengths > 0) & (theirs.lengths > 0))
        ids = [batch.ids[place] for place in used]
        ours_embedded = F.normalize(self.student_projection(ours.mean()[used]), dim=-1)  # [B, width]
        theirs_embedded = F.normalize(self.teacher_projection(theirs.mean()[used]), dim=-1)
        if not ids:
            return ours_embedded.sum() + theirs_embedded.sum()
        rows = torch.tensor([self._row_of(clip) for clip in ids])
        compared = self._draw(rows).to(ours_embedded.device)  # [B, 1 + K]
        there = self._contrast(ours_embedded, self.teacher_bank[compared], "student")
        back = self._contrast(theirs_embedded, self.student_bank[compared], "teacher")
        if self.training:
            self._store(ids, ours_embedded, theirs_embedded)
        return mean_over_clips(there + back)

    def meters(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> dict[str, float]:
        """``contrast_accuracy``: how often, on either side, the own row is nearer than all the rows drawn.

        Clips that have no row yet are left out: what stands in the one they will get is chance.
        """
        assert teacher is not None
        ours, theirs = student.read(self.tap), teacher.read(self.teacher_tap)
        there = (ours.lengths > 0) & (theirs.lengths > 0)
        used = [place for place in there.nonzero().flatten().tolist() if batch.ids[place] in self._rows]
        if not used:
            return {}
        rows = torch.tensor([self._rows[batch.ids[place]] for place in used])
        compared = self._draw(rows).to(there.device)
        own = torch.zeros(compared.shape, dtype=torch.bool, device=there.device)
        own[:, 0] = True
        sides = (
            (self.student_projection(ours.mean()[used]), self.teacher_bank),
            (self.teacher_projection(theirs.mean()[used]), self.student_bank),
        )
        scores = [torch.einsum("bd,bkd->bk", F.normalize(side, dim=-1), bank[compared]) for side, bank in sides]
        return contrast_accuracy(*((score, own, ~own) for score in scores))

    def _usable(self, batch: Batch, has_steps: Tensor) -> list[int]:
        """Places in the batch that take part, in the order of ids: a shuffled batch meets the same rows and draws."""
        places = [place for place, usable in enumerate(has_steps.tolist()) if usable]
        if not self.training:
            places = [place for place in places if batch.ids[place] in self._rows]
        return sorted(places, key=lambda place: batch.ids[place])

    def _row_of(self, clip: str) -> int:
        """Row of a clip, a new one when it has none."""
        if clip not in self._rows:
            if len(self._rows) == len(self.student_bank):
                raise ValueError(
                    f"clip {clip!r} is number {len(self._rows) + 1}, but the banks were made for "
                    f"clips: {len(self.student_bank)}; give the number of training clips"
                )
            self._rows[clip] = len(self._rows)
        return self._rows[clip]

    def _draw(self, rows: Tensor) -> Tensor:
        """Own row and ``K`` others of every clip, ``[B, 1 + K]``; on the CPU, so that every device draws alike."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + int(self.batches))
        others = torch.randint(len(self.student_bank) - 1, (len(rows), self.num_negatives), generator=generator)
        others += others >= rows[:, None]  # step over the own row
        return torch.cat([rows[:, None], others], dim=1)

    def _contrast(self, embeddings: Tensor, stored: Tensor, side: str) -> Tensor:
        """Noise-contrastive loss per clip, ``[B]``; ``stored`` is ``[B, 1 + K, width]``, the own row first."""
        log_scores = torch.einsum("bd,bkd->bk", embeddings, stored.to(embeddings.dtype)) / self.temperature
        log_scores = log_scores - self._log_z(side, log_scores)
        log_noise = torch.tensor(self.num_negatives / len(self.student_bank)).log().to(log_scores)
        # In logarithms: s/(s + c) is the logistic function of log s - log c, and c/(s + c) that of the opposite.
        own = F.logsigmoid(log_scores[:, 0] - log_noise)
        others = F.logsigmoid(log_noise - log_scores[:, 1:]).sum(dim=1)
        return -(own + others)

    def _log_z(self, side: str, log_scores: Tensor) -> Tensor:
        """Logarithm of the normaliser ``Z`` of one side, measured on the first batch and fixed in training."""
        fixed: Tensor = getattr(self, f"{side}_z")
        if bool(fixed > 0):
            return fixed.to(log_scores.dtype).log()
        measured = log_scores.detach().exp().mean() * len(self.student_bank)
        if self.training:
            fixed.copy_(measured)
        return measured.log()

    @torch.no_grad()
    def _store(self, ids: list[str], ours: Tensor, theirs: Tensor) -> None:
        """Move the rows of the clips half way to their embeddings; a clip that stands twice counts once."""
        first = {clip: place for place, clip in reversed(list(enumerate(ids)))}
        places = torch.tensor(list(first.values()), device=ours.device)
        rows = torch.tensor([self._rows[clip] for clip in first], device=ours.device)
        for bank, embeddings in ((self.student_bank, ours), (self.teacher_bank, theirs)):
            moved = MOMENTUM * bank[rows] + (1 - MOMENTUM) * embeddings[places].to(bank.dtype)
            bank[rows] = F.normalize(moved, dim=-1)
        self.batches += 1

    def get_extra_state(self) -> Tensor:
        """The ids of the rows as bytes of JSON, so that the state holds tensors alone."""
        text = json.dumps(list(self._rows), ensure_ascii=False)
        return torch.tensor(list(text.encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Any) -> None:
        """Read back what :meth:`get_extra_state` gave."""
        clips = json.loads(bytes(state.cpu().tolist()))
        self._rows = {clip: row for row, clip in enumerate(clips)}
