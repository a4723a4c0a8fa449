"""``mocap avatar mesh``: a closed surface of an avatar, at rest or in every frame of a motion."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import conclude, configure, say, starting
from mocap.cli.options import BodyFile, Quiet, Renderer, examples, flowing, one_of
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.avatar import Gaussians

_KINDS = ("ply", "obj", "glb")


def mesh(
    avatar: Annotated[
        Path, typer.Argument(metavar="AVATAR", help="An avatar: a splat (.ply) of one person.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE|DIR",
            help="The mesh: .ply, .obj or .glb. With --motion, the folder of a mesh a frame.",
        ),
    ],
    motion: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="In every frame of this: a take.h5, BVH, AMASS .npz, AIST++ .pkl, DeepMimic "
            ".txt, SMPL keypoints .npy and more. At rest, in T-pose, if not given.",
        ),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Whose motion of a take; its own by name if not given."),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", callback=one_of(*_KINDS), help="Of frames: ply, obj or glb."
        ),
    ] = "ply",
    fps: Annotated[
        float | None,
        typer.Option(metavar="N", min=1, max=500, help="Of a motion file that does not tell it."),
    ] = None,
    every: Annotated[
        int, typer.Option(metavar="N", min=1, help="Every N-th frame of the motion only.")
    ] = 1,
    cameras: Annotated[
        int,
        typer.Option(
            metavar="N", min=4, max=200, help="Depth maps that a mesh is fused from (4 to 200)."
        ),
    ] = 24,
    resolution: Annotated[
        float,
        typer.Option(metavar="MM", min=2, max=50, help="Width of a voxel, millimetres (2 to 50)."),
    ] = 5.0,
    body: BodyFile = None,
    device: Renderer = "cpu",
    quiet: Quiet = False,
) -> None:
    """Make a closed mesh with colours of an avatar, or one of every frame of a motion.

    Depth maps from all around are fused to signed distances, and these to a surface without holes.
    A run that was stopped goes on where it was when it is started again.
    """
    configure(quiet=quiet)
    started = time.monotonic()
    _require_sound(avatar, out, motion, {"--person": person, "--fps": fps})
    with starting():
        from mocap.avatar import mesh_of, unfinished_folder, write_mesh, write_mesh_sequence
        from mocap.cli.avatar_jobs import avatar_of, body_on, performance
        from mocap.cli.folders import writable_folder
    with writable_folder(out.parent), StageProgress() as progress:
        model = body_on(body, device)
        found = avatar_of(avatar, model)
        metres = resolution / 1000
        if motion is None:
            made = mesh_of(found.gaussians, cameras=cameras, resolution=metres, progress=progress)
            write_mesh(made, out)
            say(f"{out}: {len(made.vertices)} vertices ({time.monotonic() - started:.0f} s)")
            return
        played = performance([found], motion, model, progress, person=person, fps=fps)
        (act,) = played.acts
        frames = [int(frame) for frame in act.frames[::every]]

        def gaussians_of(frame: int) -> "Gaussians":
            posed = act.at(frame)
            assert posed is not None
            return posed

        with _told_of(unfinished_folder(out)):
            write_mesh_sequence(
                frames,
                gaussians_of,
                out,
                source=act.fingerprint(),
                kind=kind,
                cameras=cameras,
                resolution=metres,
                progress=progress,
            )
    say(f"{out}: {len(frames)} meshes ({time.monotonic() - started:.0f} s)")


def _require_sound(
    avatar: Path, out: Path, motion: Path | None, moving: Mapping[str, object]
) -> None:
    """Refuse names and options that do not go together, before anything is computed."""
    if motion is None:
        if out.suffix.lower().removeprefix(".") not in _KINDS:
            raise MocapError(f"{out}: a mesh's name ends in .ply, .obj or .glb")
        if out.is_dir():
            raise MocapError(f"{out}: is a folder; name a file of the mesh")
        if out.exists() and avatar.exists() and out.samefile(avatar):
            raise MocapError(f"{out}: is the avatar itself; give the mesh another name")
        for option, given in moving.items():
            if given is not None:
                raise MocapError(f"{option} is for a --motion")
    if avatar.is_dir():
        names = ", ".join(sorted(path.name for path in avatar.glob("*.ply"))) or "none"
        raise MocapError(f"{avatar}: is a folder; name one of the avatars in it: {names}")
    with starting():
        from mocap.avatar import binding_file
        from mocap.cli.folders import require_name
    require_name(out, "a folder of the meshes' own")
    if motion is None and out.suffix.lower() == ".ply" and binding_file(out).exists():
        raise MocapError(
            f"{out}: is an avatar, which {binding_file(out).name} beside it binds; give the mesh "
            "another name"
        )


@contextmanager
def _told_of(unfinished: Path) -> Iterator[None]:
    """Who stops a sequence is told where it is, and how it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        if unfinished.exists():
            conclude(
                f"stopped; what was finished is in {unfinished}, and the same command goes on "
                "from it"
            )
        raise


def add_to(app: typer.Typer) -> None:
    """Add the command to its group."""
    app.command(
        help=flowing(mesh.__doc__),
        epilog=examples(
            "mocap avatar mesh clip-mocap/avatars/person-1.ply --out person-1.glb",
            "mocap avatar mesh clip-mocap/avatars/person-1.ply --motion clip-mocap/take.h5 "
            "--format obj --every 5 --out meshes",
        ),
    )(mesh)
