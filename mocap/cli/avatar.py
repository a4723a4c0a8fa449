"""``mocap avatar``: people as 3D Gaussians, made from their clip and moved by any motion."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli import avatar_binding, avatar_mesh, avatar_refining
from mocap.cli.console import configure, note, say, starting
from mocap.cli.options import (
    BodyFile,
    Clip,
    People,
    Quiet,
    Renderer,
    TakeFile,
    each_once,
    examples,
    flowing,
    number_between,
    picture_size,
    sides,
)
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.avatar import Created

_commands = typer.Typer(
    help="People as 3D Gaussians: made from their clip, moved by any motion, seen from anywhere.",
    no_args_is_help=True,
)


def create(
    take: TakeFile,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the avatars go: ID.ply (a splat that any viewer opens) and ID.binding.npz "
            "a person. The take's folder, in `avatars`, if not given.",
        ),
    ] = None,
    person: People = None,
    gaussians: Annotated[
        int,
        typer.Option(
            metavar="N", min=500, max=500_000, help="Gaussians of each person (500 to 500,000)."
        ),
    ] = 20_000,
    looks: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=500, help="Pictures of each person to make them from, at most."
        ),
    ] = 24,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            metavar="",
            help="Replace people from elsewhere, whom `mocap avatar bind` has put there.",
        ),
    ] = False,
    video: Clip = None,
    body: BodyFile = None,
    device: Renderer = "cpu",
    quiet: Quiet = False,
) -> None:
    """Make an avatar of each person of a take, from the take's own clip.

    Gaussians are spread over the fitted body and take their colours from the frames that together
    show most of the person; what no frame shows is made up from the other side, or from around it.
    The figures are of frames that the avatar was not made from.

    Each is kept once it is made. A take without masks gets them first, as `mocap masks` does, and
    keeps them.
    """
    configure(quiet=quiet)
    started = time.monotonic()
    with starting():
        from mocap.avatar import CreationConfig
        from mocap.cli.avatar_jobs import body_on, masked
        from mocap.cli.avatar_making import chosen_people, make_avatars, require_made_of_clips
        from mocap.cli.folders import writable_folder
    folder = out or take.parent / "avatars"
    with StageProgress() as progress:
        model = body_on(body, device)
        whole, clip = masked(take, video, model, progress)
        files = {name: folder / f"{name}.ply" for name in chosen_people(whole, person)}
        if not force:
            require_made_of_clips(files.values())
        config = CreationConfig(gaussians=gaussians, looks=looks)
        with writable_folder(folder):
            made = make_avatars(whole, clip, files, model, config, progress=progress)
    say("")
    for name, one in made.items():
        say(f"{whole.people[name].label}: {_described(one)}")
    for path in files.values():
        say(str(path))
    note(f"({time.monotonic() - started:.0f} s)")
    say(f"  move them:  mocap avatar animate {folder} --motion {take} --out avatars.mp4")


def animate(
    avatars: Annotated[
        list[Path],
        typer.Argument(
            metavar="AVATAR...",
            callback=each_once,
            help="Avatars: splats (.ply), folders of them, or other files that `mocap avatar bind` "
            "reads. What has no binding is bound to the body first: a person in T- or A-pose.",
        ),
    ],
    motion: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Who moves how: a take.h5, whose people move the avatars of the same names; or "
            "the motion of one person: BVH, AMASS .npz, AIST++ .pkl, DeepMimic .txt, SMPL "
            "keypoints .npy and more.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The film to write, an .mp4.")],
    camera: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="orbit: goes round them in a studio. original: the take's own, in the clip's "
            "pictures. Or a calibration file with a place in the world, FILE or FILE:NAME.",
        ),
    ] = "orbit",
    person: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Whose motion of a take, for a single avatar."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            callback=picture_size,
            help="Of the picture, pixels, 16 to 4096 (odd ones get one more). If not given, "
            "960x720 for orbit, and for a calibration file its own, shrunk to 960 along the longer "
            "side. For original always the clip's.",
        ),
    ] = None,
    turns: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            callback=number_between(-100, 100),
            help="How often orbit goes round (-100 to 100); once if not given.",
        ),
    ] = None,
    background: Annotated[
        str,
        typer.Option(
            metavar="NAME|COLOUR",
            help="studio (a floor with shadows), clip (its own pictures, for original), or a "
            "colour: black, white, grey, #20c040. Studio for orbit and files, clip for original, "
            "if not given.",
        ),
    ] = "",
    fps: Annotated[
        float | None,
        typer.Option(metavar="N", min=1, max=500, help="Of a motion file that does not tell it."),
    ] = None,
    video: Clip = None,
    body: BodyFile = None,
    device: Renderer = "cpu",
    quiet: Quiet = False,
) -> None:
    """Film avatars: their own motion or any other, from anywhere.

    Motion of somebody larger or smaller is scaled with the legs, so that feet which rest still do.
    """
    configure(quiet=quiet)
    started = time.monotonic()
    for option, given, only in (("--size", size, False), ("--turns", turns, True)):
        if given is not None and (camera == "original" or (only and camera != "orbit")):
            raise MocapError(f"{option} is not for --camera {camera}; leave it out")
    with starting():
        from mocap.video import require_film_name

        require_film_name(out)
        from mocap.cli.avatar_films import Shot, shoot
    shot = Shot(
        avatars=tuple(avatars),
        motion=motion,
        out=out,
        camera=camera,
        person=person,
        size=None if size is None else sides(size),
        turns=turns,
        background=background,
        fps=fps,
        video=video,
        body=body,
        device=device,
    )
    with StageProgress() as progress:
        frames = shoot(shot, progress)
    say(f"{out}: {frames} frames ({time.monotonic() - started:.0f} s)")


def _described(one: "Created") -> str:
    text = f"{len(one.avatar)} Gaussians from {one.looks} pictures, {one.seen:.0%} of them seen"
    if one.alike is None:
        return text
    return f"{text}; other pictures: {one.alike.psnr:.1f} dB, overlap {one.alike.overlap:.2f}"


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    _commands.command(
        help=flowing(create.__doc__),
        epilog=examples(
            "mocap avatar create clip-mocap/take.h5",
            "mocap avatar create clip-mocap/take.h5 --person person-2 --gaussians 50000 --out anna",
        ),
    )(create)
    _commands.command(
        help=flowing(animate.__doc__),
        epilog=examples(
            "mocap avatar animate clip-mocap/avatars --motion clip-mocap/take.h5 --out round.mp4",
            "mocap avatar animate clip-mocap/avatars --motion clip-mocap/take.h5 --camera original "
            "--out over.mp4",
            "mocap avatar animate clip-mocap/avatars/person-2.ply --motion dance.bvh --out d.mp4",
        ),
    )(animate)
    avatar_binding.add_to(_commands)
    avatar_refining.add_to(_commands)
    avatar_mesh.add_to(_commands)
    app.add_typer(_commands, name="avatar")
