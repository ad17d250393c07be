"""Image networks of torchvision, with or without their published weights."""

from __future__ import annotations

import torchvision
from torch import nn


def image_network(name: str, weights: str | None = None) -> nn.Module:
    """torchvision's network called ``name``; ``weights`` (``"DEFAULT"``) are downloaded on first use.

    Raises:
        ValueError: when torchvision has no such network or weights, or the weights cannot be fetched.
    """
    try:
        return torchvision.models.get_model(name, weights=weights)
    except (ValueError, KeyError) as error:
        raise ValueError(f"torchvision has no image network {name!r} with weights {weights!r}: {error}") from error
    except OSError as error:
        raise ValueError(
            f"the published weights {weights!r} of {name!r} could not be fetched ({error}): put them into torch's hub "
            "folder, or set weights: null to train from scratch"
        ) from error
