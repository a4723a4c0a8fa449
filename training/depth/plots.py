"""Pictures of a run: its losses and figures over the epochs."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mocap.files import writing_whole

_LOG = logging.getLogger(__name__)
#: Titles of the panels, and the figures in each; what starts with ``raw_`` is a line to beat.
_FIGURES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("MPJPE (mm)", ("val_mpjpe_mm", "raw_mpjpe_mm")),
    ("PA-MPJPE (mm)", ("val_pa_mpjpe_mm", "raw_pa_mpjpe_mm")),
    ("error along the viewing axis (mm)", ("val_depth_mm", "raw_depth_mm")),
    (
        "direction to the camera (°)",
        ("val_camera_median_degrees", "val_camera_p90_degrees", "raw_camera_median_degrees"),
    ),
    ("wrong signs of depth", ("val_wrong_arms", "val_wrong_thighs", "val_wrong_shanks")),
    ("errors within sigma", ("val_within_one_sigma", "val_within_two_sigma")),
)
#: Epochs below which each is marked.
_FEW = 5
_NO_LOSS = ("epoch", "seconds", "lr", "val_", "raw_")


def write_plots(rows: Sequence[Mapping[str, float]], folder: Path) -> list[Path]:
    """Draw ``losses.png`` and ``metrics.png``; nothing, with a warning, without matplotlib."""
    if not rows:
        return []
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        _LOG.warning("%s: no plots are drawn: matplotlib is not installed", folder)
        return []
    losses = [(name, (name,)) for name in rows[-1] if not name.startswith(_NO_LOSS)]
    losses.append(("learning rate", ("lr",)))
    written = []
    for name, panels in (("losses", losses), ("metrics", list(_FIGURES))):
        figure = Figure(figsize=(12, 3 * ((len(panels) + 2) // 3)), layout="constrained")
        FigureCanvasAgg(figure)
        grid = list(figure.subplots((len(panels) + 2) // 3, 3, squeeze=False).flat)
        for axes, panel in zip(grid, panels, strict=False):
            _draw(axes, rows, *panel)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        written.append(folder / f"{name}.png")
        with writing_whole(written[-1]) as temporary:
            figure.savefig(temporary, dpi=110, format="png")
    return written


def _draw(axes: Any, rows: Sequence[Mapping[str, float]], title: str, names: Sequence[str]) -> None:
    epochs = [row["epoch"] for row in rows]
    for name in names:
        values = [row.get(name, float("nan")) for row in rows]
        style = {"color": "gray", "linestyle": "--"} if name.startswith("raw_") else {}
        # A line of one epoch, or between two that are unknown, has no length.
        marker = "o" if len(epochs) < _FEW else None
        axes.plot(epochs, values, label=name.removeprefix("val_"), marker=marker, **style)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.3)
    if len(names) > 1:
        axes.legend(fontsize="small")
