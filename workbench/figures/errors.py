"""Where the errors are: rates by group with their intervals, and the glosses taken for each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from workbench.analysis.breakdown import FEWEST_CLIPS, Breakdown, ConfusedPair, Rate
from workbench.figures.style import WIDTH, Look, grid, looks, plain, save, styled

_SPREAD = 0.5  # of the place of a group, over which its networks stand side by side
_SHOWN = 15


@styled
def draw_breakdowns(breakdowns: Sequence[Breakdown], titles: Mapping[str, str], title: str, folder: Path) -> list[Path]:
    """A panel per breakdown, every rate with its 95 % interval, as ``errors.png`` and ``errors.svg``."""
    figure, panels = grid(len(breakdowns), 1, (WIDTH, 0.6 + 1.75 * len(breakdowns)))
    styles = looks(titles)
    for axes, breakdown in zip(panels, breakdowns, strict=True):
        for place, (role, look) in enumerate(styles.items()):
            shift = _SPREAD * ((place + 0.5) / len(styles) - 0.5)
            _points(axes, [group.rates[role] for group in breakdown.groups], shift, look, titles[role])
        names = [
            f"{plain(one.label)}\n{one.clips} clip{'s' * (one.clips != 1)}, {one.glosses} gl."
            for one in breakdown.groups
        ]
        axes.set_xticks(range(len(names)), names)
        axes.set(ylabel=f"{breakdown.rate} in %", ylim=(0, None), xlim=(-0.6, len(names) - 0.4))
        axes.set_title(f"by {breakdown.title}", loc="left")
        axes.grid(axis="x", visible=False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.suptitle(plain(title))
    panels[-1].set_xlabel(f"lines: 95 % interval by bootstrap over clips, where there are {FEWEST_CLIPS} at least")
    return save(figure, folder, "errors")


def _points(axes: Axes, rates: Sequence[Rate | None], shift: float, look: Look, label: str) -> None:
    known = [(place + shift, rate) for place, rate in enumerate(rates) if rate is not None]
    places = [place for place, _ in known]
    values = [100 * rate.value for _, rate in known]
    axes.plot(places, values, look.marker, color=look.colour, markersize=4, label=label, clip_on=False)
    for place, rate in known:
        if rate.low is not None and rate.high is not None:
            axes.plot([place, place], [100 * rate.low, 100 * rate.high], color=look.colour, linewidth=1, clip_on=False)


@styled
def draw_confusions(pairs: Sequence[ConfusedPair], titles: Mapping[str, str], title: str, folder: Path) -> list[Path]:
    """The most frequent substitutions and how often each network made them; nothing where there is none."""
    pairs = pairs[:_SHOWN]
    if not pairs:
        return []
    figure, (axes,) = grid(1, 1, (WIDTH, 1.1 + 0.24 * len(pairs)))
    for place, (role, look) in enumerate(looks(titles).items()):
        heights = [row + _SPREAD * ((place + 0.5) / len(titles) - 0.5) for row in range(len(pairs))]
        counts = [pair.times[role] for pair in pairs]
        axes.plot(counts, heights, look.marker, color=look.colour, markersize=4, label=titles[role], clip_on=False)
    most = max(count for pair in pairs for count in pair.times.values())
    axes.set_yticks(range(len(pairs)), [plain(f"{pair.reference} as {pair.hypothesis}") for pair in pairs])
    axes.set(xlabel="times", xlim=(0, most), ylim=(len(pairs) - 0.5, -0.5))
    axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    axes.set_title("one gloss taken for another", loc="left")
    axes.legend(loc="lower right")
    figure.suptitle(plain(title))
    return save(figure, folder, "confusions")
