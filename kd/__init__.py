"""Knowledge distillation: frozen and cached teachers, losses, objectives. Knows no network."""

from kd.cache import CachedClip, EntryError, TeacherCache, fill
from kd.ensemble import EnsembleTeacher
from kd.foreign import ForeignClip, ForeignTeacher
from kd.identity import clip_key, teacher_identity, weights_hash
from kd.objective import LossReport, Objective, RequiredTaps, Schedule, Term
from kd.teacher import CachedTeacher, FrozenTeacher, Teacher

__all__ = [
    "CachedClip",
    "CachedTeacher",
    "EnsembleTeacher",
    "EntryError",
    "ForeignClip",
    "ForeignTeacher",
    "FrozenTeacher",
    "LossReport",
    "Objective",
    "RequiredTaps",
    "Schedule",
    "Teacher",
    "TeacherCache",
    "Term",
    "clip_key",
    "fill",
    "teacher_identity",
    "weights_hash",
]
