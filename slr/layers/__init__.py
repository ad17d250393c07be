"""Masked pieces that teachers and students share. Each works on a clip as if it were alone."""

from slr.layers.attention import AttentionBlock, RelativeBias, SelfAttention
from slr.layers.class_tail import ClassTail
from slr.layers.context import BiLSTM, NoContext, TransformerContext, named_context
from slr.layers.head import GlossHead
from slr.layers.norm import MaskedBatchNorm, RMSNorm
from slr.layers.pooling import JointPooling
from slr.layers.rotary import RotaryAttention, RotaryBlock, RotaryContext
from slr.layers.stc import STCAttention
from slr.layers.tail import RecogniserTail
from slr.layers.task import Task, check_task
from slr.layers.temporal_conv import TemporalConv
from slr.layers.valid import ValidSteps, gather_valid, scatter_valid

__all__ = [
    "AttentionBlock",
    "BiLSTM",
    "ClassTail",
    "GlossHead",
    "JointPooling",
    "MaskedBatchNorm",
    "NoContext",
    "RMSNorm",
    "RecogniserTail",
    "RelativeBias",
    "RotaryAttention",
    "RotaryBlock",
    "RotaryContext",
    "STCAttention",
    "SelfAttention",
    "Task",
    "TemporalConv",
    "TransformerContext",
    "ValidSteps",
    "check_task",
    "gather_valid",
    "named_context",
    "scatter_valid",
]
