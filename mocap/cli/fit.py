"""``mocap fit``: the fit anew, on what was detected before."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mocap.cli.console import configure, note, say, show, starting, waiting
from mocap.cli.options import (
    BodyFile,
    CameraFile,
    FieldOfView,
    Height,
    NoRefineDepth,
    Quiet,
    TakeFile,
    Verbose,
    examples,
    flowing,
)
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.progress import Progress
    from mocap.take import Take


def fit(
    take: TakeFile,
    height: Height = None,
    fov: FieldOfView = None,
    camera: CameraFile = None,
    body: BodyFile = None,
    no_refine_depth: NoRefineDepth = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Fit the body again, with another height, camera or body, without looking for people again.

    Camera and height stay as they were if none is given; depths are put right if they have not
    been. Rewrites the take, and the BVH files and the overlay beside it if there are any.
    """
    configure(verbose=verbose, quiet=quiet)
    if fov is not None and camera is not None:
        raise typer.BadParameter("is in the calibration already", param_hint="--fov")
    started = time.monotonic()
    with starting():
        from mocap.body import load_body
        from mocap.cli.extraction import OVERLAY, put_depth_right, write_motions
        from mocap.cli.folders import writable_folder
        from mocap.cli.tables import people_table
        from mocap.fitting import FitConfig
        from mocap.fitting import fit as fit_take
        from mocap.pipeline import ExtractConfig
        from mocap.take import Take
    with waiting("reading"):
        earlier = Take.load(take)
        if earlier.camera.source == "none":
            raise MocapError(
                f"{take}: was imported from a file that tells no camera: there are no pictures to "
                "fit it to again; it can be exported"
            )
        detected = _detected(earlier, fov, camera)
        model = load_body(body)
    folder = take.parent
    with writable_folder(folder), StageProgress() as progress:
        if height is None and (height := _earlier_height(earlier)) is not None:
            note(f"the height stays {height} m, as before")
        depth = ExtractConfig(refine_depth=not no_refine_depth)
        detected = put_depth_right(detected, depth, progress)
        fitted = fit_take(detected, model, FitConfig(height=height), progress)
        fitted.save(take)
        had_motions = any((folder / f"{name}.bvh").exists() for name in earlier.people)
        files = write_motions(fitted, folder, earlier) if had_motions else None
        overlay = folder / OVERLAY
        drawn = overlay.exists() and _drawn_again(fitted, overlay, progress)
    say("")
    show(people_table(fitted, files))
    say("")
    say(f"{take} is fitted anew ({time.monotonic() - started:.1f} s)")
    if overlay.exists() and not drawn:
        note(f"{overlay} shows the earlier fit: {fitted.video.path} is not there any more")


def _earlier_height(earlier: "Take") -> float | None:
    """The height that the take was fitted with before."""
    for stage in earlier.provenance:
        if stage.name == "fitting":
            return stage.parameters.get("height")
    return None


def _drawn_again(take: "Take", overlay: Path, progress: "Progress") -> bool:
    """Whether the overlay could be drawn anew: the video must be where it was, and the same."""
    from mocap.video import hash_source
    from mocap.view import write_overlay

    video = Path(take.video.path)
    if not video.exists() or hash_source(video) != take.video.sha256:
        return False
    write_overlay(take, video, overlay, progress=progress)
    return True


def _detected(earlier: "Take", fov: float | None, camera: str | None) -> "Take":
    """The take before its fit, seen through the camera that is asked for, if one is."""
    from mocap.cli.extraction import chosen_camera
    from mocap.cli.resume import as_detected
    from mocap.pipeline import ExtractConfig, with_camera

    detected = as_detected(earlier)
    if fov is None and camera is None:
        return detected
    given = None if camera is None else chosen_camera(camera, Path(earlier.video.path).stem)
    angle = None if fov is None else math.radians(fov)
    return with_camera(detected, ExtractConfig(field_of_view=angle, camera=given))


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(fit.__doc__),
        epilog=examples(
            "mocap fit clip-mocap/take.h5 --height 1.68",
            "mocap fit clip-mocap/take.h5 --camera calib.toml:cam01",
            "mocap fit clip-mocap/take.h5 --body SMPLX_NEUTRAL.npz",
        ),
    )(fit)
