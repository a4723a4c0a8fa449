"""``mocap evaluate TAKE``: how good the motion in a take is."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocap.cli.console import complain, configure, note, say, show, starting, waiting
from mocap.cli.options import BodyFile, Quiet, TakeFile, examples, flowing
from mocap.errors import MocapError
from mocap.files import write_whole

if TYPE_CHECKING:
    from rich.table import Table

    from mocap.body import Body
    from mocap.evaluate import PersonAccuracy, PersonQuality, Report, TruthComparison
    from mocap.take import Take


def evaluate(
    take: TakeFile,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What to compare with: JSON of joint_names, points (frames, joints, 3) in metres "
            "or people, and cameras; or another take.h5. Without it, only what needs no truth "
            "is measured.",
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which of the truth's cameras the video is of. Found by the video's name if not "
            "given: cam01.mp4 is cam_01's.",
        ),
    ] = None,
    person: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this person, such as person-2.")
    ] = None,
    window: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.1,
            help="Length of the windows in which W- and WA-MPJPE align, besides the usual 100 "
            "frames.",
        ),
    ] = 5.0,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Also write everything measured as JSON."),
    ] = None,
    body: BodyFile = None,
    quiet: Quiet = False,
) -> None:
    """Measure the motion in a take: steadiness, feet, reprojection, and errors against a truth.

    Ends with code 1 where somebody's motion is none: frozen, missing, or with sides exchanged.

    `mocap evaluate picture` holds a take beside its clip, `mocap evaluate depth` measures the depth
    refiner.
    """
    configure(quiet=quiet)
    if truth is None and camera is not None:
        raise typer.BadParameter(
            "is a camera of the truth; give --truth too", param_hint="--camera"
        )
    if json_file is not None and json_file.resolve() in {
        path.resolve() for path in (take, truth) if path is not None
    }:
        raise typer.BadParameter("would be written over what is read", param_hint="--json")
    with starting():
        from mocap.body import load_body
        from mocap.evaluate import evaluate as measure
        from mocap.evaluate import load_truth
        from mocap.take import Take
    with waiting("measuring"):
        found = Take.load(take)
        if person is not None and person not in found.people:
            raise MocapError(
                f"{take}: has nobody named {person}; there are "
                f"{', '.join(found.people) or 'no people at all'}"
            )
        compared = None if truth is None else load_truth(truth)
        model = load_body(body)
        report = measure(found, compared, camera=camera, person=person, window=window, body=model)
    _show(report)
    _note_other_bodies(found, model)
    if json_file is not None:
        write_json(json_file, {"take": str(take), **report.as_json()})
        note(f"everything is in {json_file}")
    wrong = [f"{one.person}: {'; '.join(one.problems)}" for one in report.people if one.problems]
    if wrong:
        complain(f"{take}: no plausible motion of {', and of '.join(wrong)}")
        raise typer.Exit(1)


def add_to(app: typer.Typer, name: str) -> None:
    """Add the command to its group."""
    app.command(
        name,
        help=flowing(evaluate.__doc__),
        epilog=examples(
            "mocap evaluate clip-mocap/take.h5",
            "mocap evaluate cam01-mocap/take.h5 --truth truth.json --camera cam01",
            "mocap evaluate mine/take.h5 --truth theirs/take.h5 --json figures.json",
        ),
    )(evaluate)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write figures for other programs, wholly or not at all.

    Raises:
        MocapError: the file cannot be written.
    """
    text = json.dumps(content, indent=2, allow_nan=False)
    write_whole(path, text + "\n", remedy="choose another file with --json")


def figure(value: float, digits: int = 1) -> str:
    """A number for a table; a dash where there is none."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def of(record: object | None, name: str) -> float:
    """A record's figure, NaN where there is no record."""
    return float("nan") if record is None else float(getattr(record, name))


def share(value: float, digits: int = 0) -> str:
    """A share of 1 for a table."""
    return f"{value:.{digits}%}" if math.isfinite(value) else "–"


def plain_table(titles: Sequence[str]) -> "Table":
    """A table of numbers: the first column tells what they are of."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, title in enumerate(titles):
        table.add_column(title, justify="right" if position else "left")
    return table


def joint_table(columns: Mapping[str, Mapping[str, float]]) -> "Table":
    """Errors by joint, one column a title."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    table = plain_table(["joint (mm)", *columns])
    for name in names:
        values = [figure(column.get(name, float("nan"))) for column in columns.values()]
        table.add_row(name.replace("_", " "), *values)
    return table


def _show(report: "Report") -> None:
    rates = {round(one.fps, 2) for one in report.people}
    say(
        f"without truth, 12 limb joints, jitter and slide at "
        f"{', '.join(f'{rate:g}' for rate in sorted(rates))} frames/s"
    )
    show(_quality_table(report.people))
    if report.comparison is not None:
        say("")
        _show_comparison(report.comparison)


def _quality_table(people: Sequence["PersonQuality"]) -> "Table":
    table = plain_table(["", *(one.person for one in people)])
    rows: dict[str, list[str]] = {}

    def add(title: str, value: str) -> None:
        rows.setdefault(title, []).append(value)

    for one in people:
        add("plausible motion", "yes" if one.plausible else "NO")
        add("frames, of them seen", f"{one.frames}, {one.observed_share:.0%}")
        raw, fit, feet, shown = one.detector, one.fit, one.feet, one.reprojection
        add("jitter, detector (10 m/s³)", figure(of(raw, "jitter_10m_per_s3")))
        add("jitter, fit (10 m/s³)", figure(of(fit, "jitter_10m_per_s3")))
        add("jitter, fit in the world (10 m/s³)", figure(one.world_jitter_10m_per_s3))
        add("bone variation, detector (%)", figure(of(raw, "bone_variation_percent"), 2))
        add("bone variation, fit (%)", figure(of(fit, "bone_variation_percent"), 2))
        add("reprojection (px)", figure(of(shown, "mean_px")))
        add("reprojection (% of height)", figure(100 * of(shown, "mean_share_of_height"), 2))
        add("contacts told by", feet.contact_source if feet else "–")
        add("foot slide in contact (mm/frame)", figure(of(feet, "foot_slide_mm_per_frame"), 2))
        add("contact to ground, mean (mm)", figure(of(feet, "contact_height_mean_mm")))
        add("contact to ground, 95 % (mm)", figure(of(feet, "contact_height_p95_mm")))
        add("contact to ground, max (mm)", figure(of(feet, "contact_height_max_mm")))
        add("sunk, deepest (mm)", figure(of(feet, "penetration_deepest_mm")))
        add("sunk, mean (mm)", figure(of(feet, "penetration_mean_mm"), 2))
        add("frames sunk over 1 cm", share(feet.penetration_share) if feet else "–")
    for title, values in rows.items():
        table.add_row(title, *values)
    return table


def _show_comparison(found: "TruthComparison") -> None:
    camera = found.camera or "unknown, so nothing is compared in its axes"
    say(f"against {found.truth}, camera {camera}; up from {found.up_source}")
    if math.isfinite(found.tilt_error_degrees):
        say(f"tilt of up {found.tilt_error_degrees:.1f}°")
    for one in found.people:
        say("")
        _show_accuracy(one)
    if found.missed:
        say(f"nobody matches {', '.join(found.missed)} of the truth")
    say("")
    if found.identities is not None:
        say(
            f"identities: {found.identities.switches} switches, "
            f"{share(found.identities.matched_share)} of the truth's appearances matched"
        )
    if (group := found.group) is not None:
        say(
            f"{group.people} people under one alignment: W-MPJPE "
            f"{figure(group.shared_w_mpjpe_mm)} mm, WA-MPJPE {figure(group.shared_wa_mpjpe_mm)} mm "
            f"(windows of {group.window_frames} frames); distance between people off by "
            f"{figure(group.root_distance_error_mm)} mm"
        )


def _show_accuracy(one: "PersonAccuracy") -> None:
    kinds = {
        "detector": one.detector,
        "detector, turned": one.detector_turned,
        "depth refined": one.refined,
        "fit": one.fit,
    }
    told = {name: kind for name, kind in kinds.items() if kind is not None}
    table = plain_table([f"{one.person} against {one.truth}", *told])
    for title, name, digits in (
        ("frames compared", "frames", 0),
        ("MPJPE camera axes (mm)", "mpjpe_camera_axes_mm", 1),
        ("MPJPE world up to heading (mm)", "mpjpe_world_up_to_heading_mm", 1),
        ("PA-MPJPE (mm)", "pa_mpjpe_mm", 1),
        ("elbows and knees (°)", "bend_mean_degrees", 1),
    ):
        table.add_row(title, *(figure(getattr(kind, name), digits) for kind in told.values()))
    table.add_row("frames with sides exchanged", *(share(k.swapped_share) for k in told.values()))
    for world in one.world:
        blank = [""] * (len(told) - 1)
        for name, value in (("W", world.w_mpjpe_mm), ("WA", world.wa_mpjpe_mm)):
            title = f"{name}-MPJPE, windows of {world.window_frames} frames (mm)"
            table.add_row(title, *blank, figure(value))
    if math.isfinite(one.rotation_mean_degrees):
        blank = [""] * (len(told) - 1)
        table.add_row("local rotations (°)", *blank, figure(one.rotation_mean_degrees))
    show(table)
    say("")
    columns = {}
    for name, kind in told.items():
        if math.isfinite(kind.mpjpe_camera_axes_mm):
            columns[f"{name} camera"] = {k: v.camera_axes_mm for k, v in kind.joints.items()}
    for name, kind in told.items():
        if name != "detector, turned":
            columns[f"{name} PA"] = {k: v.procrustes_mm for k, v in kind.joints.items()}
    show(joint_table(columns))


def _note_other_bodies(take: "Take", body: "Body") -> None:
    others = {
        person.body.model
        for person in take.people.values()
        if person.body is not None and person.body.model_sha256 != body.sha256
    }
    if others:
        note(
            f"feet are not measured: the motion is of another body ({', '.join(sorted(others))}); "
            "name its file with --body"
        )
