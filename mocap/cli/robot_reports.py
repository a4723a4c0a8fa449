"""What `mocap retarget` says at its end: a table of robots, what fails, and the files."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from mocap.cli.console import note, say, show

if TYPE_CHECKING:
    from mocap.cli.robot_jobs import Outcome
    from mocap.retarget import RobotReport


def tell(outcomes: Sequence["Outcome"], of_failures: Callable[[str], None]) -> bool:
    """Say what came of the clips; returns whether all reports pass."""
    several = len(outcomes) > 1
    for told in dict.fromkeys(told for outcome in outcomes for told in outcome.notes):
        note(told)
    rows = []
    for outcome in outcomes:
        for person, report in outcome.reports:
            name = f"{outcome.job.out.name}/{person}" if several else person
            rows.append((name, report))
    if not rows:
        return True
    say("")
    show(_table(rows))
    say("")
    for name, report in rows:
        if stance := report.stance:
            say(f"{name}: {stance}")
    for name, report in rows:
        for reason in report.reasons:
            of_failures(f"{name} fails: {reason}")
    say("")
    for outcome in outcomes:
        for path in outcome.files:
            say(str(path))
    return all(report.passed for _, report in rows)


def _table(rows: list[tuple[str, "RobotReport"]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("person")
    for title in (
        "frames",
        "bones off",
        "pelvis off",
        "slide",
        "in floor",
        "in itself",
        "of speed",
    ):
        table.add_column(title, justify="right")
    table.add_column("report")
    for name, report in rows:
        figures = report.figures
        if "tracking" not in figures:
            table.add_row(name, str(figures["frames"]["count"]), *["–"] * 6, "fails")
            continue
        slide, deep = figures["feet"]["slide_max_mm"], figures["ground"]["penetration_max_mm"]
        table.add_row(
            name,
            str(figures["frames"]["count"]),
            f"{figures['tracking']['segments_mean_deg']:.1f}°",
            f"{figures['tracking']['pelvis_mean_mm']:.0f} mm",
            "–" if slide is None else f"{slide:.1f} mm",
            "–" if deep is None else f"{deep:.1f} mm",
            f"{figures['self_collision']['frames']} frames",
            f"{figures['joints']['speed_of_limit']:.0%}",
            "passes" if report.passed else "fails",
        )
    return table
