"""Figures of a run as PNG and SVG: readable in print, in black and white, and by colour-blind people."""

from workbench.figures.class_confusions import draw_class_confusions
from workbench.figures.curves import ACCURACY_CURVES, WER_CURVES, draw_curves, draw_losses, draw_training
from workbench.figures.style import FOLDER

__all__ = [
    "ACCURACY_CURVES",
    "FOLDER",
    "WER_CURVES",
    "draw_class_confusions",
    "draw_curves",
    "draw_losses",
    "draw_training",
]
