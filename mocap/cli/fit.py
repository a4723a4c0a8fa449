"""``mocap fit``: the fit anew, on what was detected before."""

import shlex
import time

import typer

from mocap.cli.console import configure, note, say, show, waiting
from mocap.cli.options import BodyFile, Height, Quiet, TakeFile, Verbose, examples, flowing
from mocap.cli.progress import StageProgress


def fit(
    take: TakeFile,
    height: Height = None,
    body: BodyFile = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Fit the body again, with another height or body, without looking for people again.

    Rewrites the take, and the BVH files beside it if there are any.
    """
    configure(verbose=verbose, quiet=quiet)
    started = time.monotonic()
    with waiting("starting"):
        from mocap.body import load_body
        from mocap.cli.extraction import OVERLAY, write_motions
        from mocap.cli.folders import writable_folder
        from mocap.cli.resume import as_detected
        from mocap.cli.tables import people_table
        from mocap.fitting import FitConfig
        from mocap.fitting import fit as fit_take
        from mocap.take import Take

        earlier = Take.load(take)
        model = load_body(body)
    folder = take.parent
    with writable_folder(folder), StageProgress() as progress:
        fitted = fit_take(as_detected(earlier), model, FitConfig(height=height), progress)
        fitted.save(take)
        had_motions = any((folder / f"{name}.bvh").exists() for name in earlier.people)
        files = write_motions(fitted, folder, earlier) if had_motions else None
    say("")
    show(people_table(fitted, files))
    say("")
    say(f"{take} is fitted anew ({time.monotonic() - started:.1f} s)")
    if (folder / OVERLAY).exists():
        again = ["mocap", "extract", earlier.video.path, "--out", str(folder)]
        again += [] if height is None else ["--height", str(height)]
        again += [] if body is None else ["--body", str(body)]
        note(f"{folder / OVERLAY} shows the earlier fit; this renews it: {shlex.join(again)}")


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(fit.__doc__),
        epilog=examples(
            "mocap fit clip-mocap/take.h5 --height 1.68",
            "mocap fit clip-mocap/take.h5 --body SMPLX_NEUTRAL.npz",
        ),
    )(fit)
