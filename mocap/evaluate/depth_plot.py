"""Errors around the person as a polar plot: raw and refined, by where the camera stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mocap.errors import MocapError
from mocap.evaluate.depth import DepthReport
from mocap.files import writing_whole

if TYPE_CHECKING:
    from matplotlib.projections.polar import PolarAxes

_RAW: dict[str, Any] = {"facecolor": "none", "edgecolor": "#c44e52", "linewidth": 1.6}
_REFINED: dict[str, Any] = {"facecolor": "#7a98c9", "edgecolor": "white", "linewidth": 0.8}


def write_depth_plot(report: DepthReport, path: Path) -> Path:
    """Draw errors over azimuth, 0 (in front of the person) on top, their left to the left.

    From left to right: the poses' errors (mm), the camera direction's (degrees), and the poses' by
    elevation. Azimuths with few samples are dotted.

    Raises:
        MocapError: matplotlib is missing, or the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MocapError(
            f"{path}: a plot needs matplotlib, which is not installed; pip install matplotlib"
        ) from error
    figure = Figure(figsize=(12, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right, side = figure.subplot_mosaic(
        [["poses", "camera", "elevation"]],
        per_subplot_kw={("poses", "camera"): {"projection": "polar"}},
        width_ratios=[4, 4, 2],
    ).values()
    _polar(left, report, "mpjpe_mm", "MPJPE (mm)\n")
    _polar(
        right,
        report,
        "camera_median_degrees",
        "direction to the camera, median (°)\n(raw: as the torso tells it)",
    )
    _by_elevation(side, report)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2)
    few = "" if all(one.enough for one in report.azimuths) else " (dotted: few samples)"
    samples = f"{report.overall.raw.samples} samples"
    figure.suptitle(f"{samples} by where the camera stands about the person{few}")
    try:
        with writing_whole(path) as temporary:
            figure.savefig(temporary, dpi=130, format=path.suffix[1:] or None)
    except (OSError, ValueError) as error:
        raise MocapError(
            f"{path}: cannot be written ({error}); choose another file, such as plot.png"
        ) from error
    return path


def _polar(axes: PolarAxes | Any, report: DepthReport, what: str, title: str) -> None:
    low = np.deg2rad([one.azimuth[0] for one in report.azimuths if one.azimuth])
    width = 2 * np.pi / len(low)
    # matplotlib's angles grow to the left of the top: the person's own left, seen from above.
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(1)
    # Outlines over areas: whichever is longer, both can be seen.
    for name, style in (("refined", _REFINED), ("raw", _RAW)):
        records = [getattr(one, name) for one in report.azimuths]
        if records[0] is None:
            continue
        values = np.nan_to_num([getattr(record, what) for record in records])
        bars = axes.bar(low + 0.5 * width, values, width=width, label=name, **style)
        for bar, one in zip(bars, report.azimuths, strict=True):
            if not one.enough:
                bar.set_hatch("..")
    axes.set_rlabel_position(15)
    axes.tick_params(axis="y", labelsize="small", labelcolor="dimgray")
    axes.set_xticks(np.deg2rad(np.arange(0, 360, 30)))
    marks = {0: "front", 90: "left", 180: "behind", 270: "right"}
    axes.set_xticklabels([marks.get(a, f"{(a + 180) % 360 - 180}°") for a in range(0, 360, 30)])
    axes.set_title(title)


def _by_elevation(axes: Any, report: DepthReport) -> None:
    names = [
        f"{one.elevation[0]}…{one.elevation[1]}°" for one in report.elevations if one.elevation
    ]
    rows = np.arange(len(names))
    for name, style in (("refined", _REFINED), ("raw", _RAW)):
        records = [getattr(one, name) for one in report.elevations]
        if records[0] is not None:
            values = np.nan_to_num([record.mpjpe_mm for record in records])
            axes.barh(rows, values, height=0.8, **style)
    axes.set_yticks(rows, names)
    axes.set_title("MPJPE (mm)\nby elevation")
    for where in ("top", "right"):
        axes.spines[where].set_visible(False)
