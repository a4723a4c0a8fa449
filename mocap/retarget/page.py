"""A robot's report as a page for browsers, which fetches nothing but a film that lies beside it."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from mocap.errors import RetargetError
from mocap.files import write_whole
from mocap.retarget.checks import CHECKS
from mocap.retarget.report import RobotReport
from mocap.retarget.robot import Robot
from mocap.retarget.trajectory import Trajectory

#: What is drawn over time.
_SERIES = {
    "bones_off_deg": "bones off, mean, degrees",
    "speed_of_limit": "quickest joint, of what it may",
    "lowest_mm": "lowest point, mm over the ground",
    "self_collision": "in itself",
}
_WIDE, _HIGH, _LEFT, _BAR = 760, 110, 60, 16
#: Names of joints take this much room beside their bars.
_NAMES = 230
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color: #1c2330; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.passes { background: #d8f3dc; } .fails { background: #ffd6d6; }
.verdict { padding: .5rem .8rem; border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; } td, th { padding: .2rem .6rem; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr { border-bottom: 1px solid #e3e6ec; } svg { max-width: 100%; } video { max-width: 100%; }
svg text { font: 11px system-ui, sans-serif; fill: #5b6475; } .note { color: #5b6475; }
@media (prefers-color-scheme: dark) {
  body { color: #e8ebf0; background: #14171c; } .passes { background: #1d4d2b; }
  .fails { background: #5c2323; } tr { border-color: #303641; } svg text, .note { fill: #9aa4b5; }
  .note { color: #9aa4b5; } }
"""


def write_page(
    report: RobotReport,
    trajectory: Trajectory,
    robot: Robot,
    path: str | Path,
    *,
    film: str | None = None,
) -> Path:
    """Write the report of a trajectory as an HTML page.

    Args:
        report: what was measured.
        trajectory: the motion.
        robot: that moves.
        path: the page, ``.html``.
        film: name of a film beside the page, to show in it.

    Raises:
        RetargetError: it cannot be written.
    """
    page = Element("html", lang="en")
    head, body = SubElement(page, "head"), SubElement(page, "body")
    title = f"{trajectory.person} on {robot.name}"
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width")
    _text(head, "title", title)
    _text(head, "style", _STYLE)
    _text(body, "h1", title)
    _text(
        body,
        "p",
        f"{len(trajectory)} frames, {trajectory.fps:g} a second, "
        f"{len(trajectory.joint_names)} joints",
        "note",
    )
    if report.stance:
        _text(body, "p", report.stance, "note")
    if report.passed:
        _text(body, "p", "Passes: every figure is within its limit.", "verdict passes")
    for reason in report.reasons:
        _text(body, "p", f"Fails: {reason}", "verdict fails")
    if film is not None:
        SubElement(body, "video", src=quote(film), controls="", loop="", muted="")
    _figures(body, report)
    _over_time(body, report, trajectory.fps)
    _joints(body, trajectory, robot)
    indent(page)
    content = b"<!DOCTYPE html>\n" + tostring(page, "utf-8", method="html")
    return write_whole(path, content, error=RetargetError)


def _figures(body: Element, report: RobotReport) -> None:
    _text(body, "h2", "Figures and limits")
    table = SubElement(body, "table")
    row = SubElement(table, "tr")
    for name, kind in (("", ""), ("measured", "number"), ("limit", "number")):
        _text(row, "th", name, kind)
    for check in CHECKS:
        value = check.value(report.figures)
        row = SubElement(table, "tr", {"class": "" if check.passes(value) else "fails"})
        _text(row, "td", check.words)
        _text(row, "td", "–" if value is None else check.told(value), "number")
        _text(row, "td", check.bound(), "number")


def _over_time(body: Element, report: RobotReport, fps: float) -> None:
    if not report.series:
        return
    _text(body, "h2", "Over time")
    for name, words in _SERIES.items():
        values = report.series[name]
        if np.isfinite(values).all() and values.any():
            _chart(body, values, words, fps)


def _chart(body: Element, values: np.ndarray, words: str, fps: float) -> None:
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 1e-9)
    svg = SubElement(body, "svg", viewBox=f"0 0 {_WIDE} {_HIGH}", role="img")
    _text(svg, "title", words)
    left, right, top, bottom = _LEFT, _WIDE - 10, 22, _HIGH - 18
    across = np.linspace(left, right, len(values))
    down = bottom - (values - low) / (high - low) * (bottom - top)
    level = bottom + low / (high - low) * (bottom - top)
    _line(svg, (left, level, right, level), "#b8c0cc")
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    SubElement(
        svg,
        "polyline",
        {"points": points, "fill": "none", "stroke": "#2f6fde", "stroke-width": "1.5"},
    )
    _label(svg, left, 13, words)
    for value, y in ((high, top + 4), (low, bottom)):
        _label(svg, left - 6, y, f"{value:.3g}", "end")
    _label(svg, left, _HIGH - 3, "0 s")
    _label(svg, right, _HIGH - 3, f"{(len(values) - 1) / fps:.2f} s", "end")


def _joints(body: Element, trajectory: Trajectory, robot: Robot) -> None:
    """What joints use of what they may: where they were, between their limits."""
    limited = np.flatnonzero(np.isfinite(robot.low) & np.isfinite(robot.high))
    joints = trajectory.joint_position
    if not len(limited) or not np.isfinite(joints).all():
        return
    _text(body, "h2", "Joints between their limits")
    high = _BAR * len(limited) + 4
    svg = SubElement(body, "svg", viewBox=f"0 0 {_WIDE} {high}", role="img")
    for row, joint in enumerate(limited):
        low, room = robot.low[joint], max(robot.high[joint] - robot.low[joint], 1e-9)
        used = (np.array([joints[:, joint].min(), joints[:, joint].max()]) - low) / room
        start, end = _NAMES + np.clip(used, 0.0, 1.0) * (_WIDE - _NAMES - 10)
        y = _BAR * row + _BAR // 2
        _label(svg, _NAMES - 8, y + 4, robot.joints[joint], "end")
        _line(svg, (_NAMES, y, _WIDE - 10, y), "#dfe3ea", 8)
        at_limit = used[0] < 1e-3 or used[1] > 1.0 - 1e-3
        _line(svg, (start, y, max(end, start + 1), y), "#e07b39" if at_limit else "#2f6fde", 8)
    _text(body, "p", "Orange: a limit was reached.", "note")


def _line(svg: Element, ends: Sequence[float], colour: str, width: float = 1.0) -> None:
    places = dict(zip(("x1", "y1", "x2", "y2"), (f"{end:.1f}" for end in ends), strict=True))
    SubElement(svg, "line", {**places, "stroke": colour, "stroke-width": f"{width:g}"})


def _label(svg: Element, x: float, y: float, words: str, anchor: str = "start") -> None:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    SubElement(svg, "text", place).text = words


def _text(above: Element, kind: str, words: str, style: str = "") -> None:
    SubElement(above, kind, {"class": style} if style else {}).text = words
