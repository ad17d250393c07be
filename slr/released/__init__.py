"""Weights that other people trained, read safely and completely.

:func:`read_released` takes the tensors out of a file, :func:`fill` puts them into a network of ours. In between stands
a mapping, a :class:`ReleasedLayout`, which lies beside the network that reads it. The network's class lists its
mappings in ``released``, by the name that ``scripts/prepare.py weights --layout NAME`` knows them by::

    # students/st_gcn_released.py
    ST_GCN = ReleasedLayout(
        about="ST-GCN (Yan et al., AAAI 2018)",
        arguments={"task": "class", "channels": (64, 64, 128)},
        skeleton="ntu-25",
        class_tensors=("head.weight", "head.bias"),
        places={
            "blocks.{n}.graph.parts": "A",
            "blocks.{n}.conv.weight": transposed("st_gcn_networks.{n}.gcn.conv.weight", 1, 0),
            "blocks.{n}.norm.norm.{kind}": "st_gcn_networks.{n}.tcn.0.{kind}",
            "layers.{n}.{rest}": "l{n+1}.{rest}",
            "branches.{kind}": joined(f"tcn.branches.{b}.{{kind}}" for b in range(4)),
            "head.{kind}": "fcn.{kind}",
        },
    )

    # students/st_gcn.py
    class STGCN(nn.Module):
        released: ClassVar[Mapping[str, ReleasedLayout]] = {"st-gcn": ST_GCN}

What a mapping says, and what is checked:

* **Ours on the left**, the names of ``state_dict()``; so a graph that a release stores has to be a parameter or a
  persistent buffer of ours. The first pattern that fits a name counts. ``{word}`` stands for one part between dots and
  ``{rest}`` for any number of them; on the right they mean what they matched on the left, and ``{n+1}`` the number one
  higher.
* **Released on the right**: a name, or a :class:`Source` that joins (:func:`joined`, :func:`stacked`) or rearranges
  (:func:`transposed`, :func:`reshaped`, :func:`rearranged`) tensors. Elements are moved, never changed, dropped or
  repeated. Axes of size 1 come and go by themselves: a 1 x 1 convolution may fill a matrix.
* **Complete or refused.** Every tensor of ours has to be filled, every released one placed or listed in ``left_out``,
  every shape right; else the names are given and nothing is changed. One released tensor may fill
  several of ours. Where ours uses one tensor twice, the released ones must agree.
* **Counters** (``num_batches_tracked``) are never listed: each belongs to the ``running_mean`` beside it and is wanted
  and refused with that. Ours all get the largest, since one norm of ours may stand for several.
* **Classes.** ``class_tensors`` (ours, first axis the classes) tell how many there are. Another number is refused
  unless ``new_classes`` says that the classifier is to be trained anew; it then keeps its values, and that is said.

``arguments`` build the published network, and ``scripts/prepare.py weights`` adds ``num_classes`` from the file and
``layout`` from ``skeleton`` or the command line.
"""

from slr.released.container import read_released
from slr.released.fill import class_count, fill
from slr.released.layout import ReleasedLayout
from slr.released.numpy_dict import read_numpy_dict
from slr.released.source import Source, joined, rearranged, reshaped, stacked, taken, transposed

__all__ = [
    "ReleasedLayout",
    "Source",
    "class_count",
    "fill",
    "joined",
    "read_numpy_dict",
    "read_released",
    "rearranged",
    "reshaped",
    "stacked",
    "taken",
    "transposed",
]
