"""``mocap evaluate picture``: whether the bodies lie where the clip shows people."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import complain, configure, note, say, show, starting, waiting
from mocap.cli.evaluate import figure, plain_table, share, write_json
from mocap.cli.options import BodyFile, Clip, Quiet, TakeFile, Verbose, examples, flowing
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from rich.table import Table

    from mocap.body import Body
    from mocap.evaluate import PersonAgreement, PictureReport, Pictures
    from mocap.masks import Segmenter
    from mocap.progress import Progress
    from mocap.take import Take


def evaluate_picture(
    take: TakeFile,
    video: Clip = None,
    avatars: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE",
            help="Everybody's avatars, as `mocap avatar create` makes them, or a video of them on "
            "a plain background, frame by frame as the clip and as large: measures how alike they "
            "and the clip are, too (PSNR, SSIM).",
        ),
    ] = None,
    person: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this person, such as person-2.")
    ] = None,
    every: Annotated[
        int, typer.Option(metavar="N", min=1, help="Look at every N-th frame only: quicker.")
    ] = 1,
    least: Annotated[
        float | None,
        typer.Option(
            metavar="IOU",
            min=0.0,
            max=1.0,
            help="Least mean IoU, clothes allowed for, of a body that lies on its person. 0.65 if "
            "not given: right takes have about 0.75 and more, bodies a twelfth of their height "
            "aside half of that.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Also write the figures of every frame."),
    ] = None,
    body: BodyFile = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Hold a take beside its own clip: do the bodies lie where the picture shows people?

    Needs no truth. In every frame each fitted body's silhouette, the parts hidden by others left
    out, is compared with a mask that the bodies had no part in: SAM 2's, where the take has them
    (`mocap masks --source sam2`), or else the pose detector's own. Masks by `mocap masks` as such
    are held to the bodies, and are not used: they would agree with a wrong take.

    IoU is what silhouette and mask share over what either has. Bodies are bare: the figure with
    clothes is that of the body made wider by the one thickness that suits the person best. What
    is in front of people (a tree, a table) lowers both. Where somebody cannot be made out, nothing
    is measured, so look at the share of frames as well; the worst frames are told, to be looked at.

    Ends with code 1 where a body does not lie on its person. Who could be made out in less than a
    quarter of their frames is not judged.
    """
    configure(verbose=verbose, quiet=quiet)
    read = {path.resolve() for path in (take, video, avatars) if path is not None}
    if json_file is not None and json_file.resolve() in read:
        raise typer.BadParameter("would be written over what is read", param_hint="--json")
    with starting():
        from mocap.body import load_body
        from mocap.evaluate import LEAST_IOU, compare_with_picture
        from mocap.masks import require_video
        from mocap.take import Take
    with waiting("reading"):
        found = Take.load(take)
        if person is not None and person not in found.people:
            raise MocapError(
                f"{take}: has nobody named {person}; there are "
                f"{', '.join(found.people) or 'no people at all'}"
            )
        clip = video or Path(found.video.path)
        require_video(found, clip)
        model = load_body(body)
        pictures, shown = (None, None) if avatars is None else _pictures(avatars, found, model)
    with StageProgress() as progress, _masks(found, progress) as masks:
        report = compare_with_picture(
            found,
            clip,
            model,
            masks,
            pictures=pictures,
            shown=shown,
            person=person,
            every=every,
            least=LEAST_IOU if least is None else least,
            progress=progress,
        )
    say(f"people in the picture by {report.masks}")
    show(_table(report.people))
    if shown is not None and (bare := [p.person for p in report.people if p.person not in shown]):
        say(f"{avatars}: has no avatar of {', '.join(bare)}, so none is measured of them")
    if json_file is not None:
        write_json(json_file, {"take": str(take), **report.as_json()})
        note(f"everything is in {json_file}")
    _conclude(take, report)


def add_to(app: typer.Typer, name: str) -> None:
    """Add the command to its group."""
    app.command(
        name,
        help=flowing(evaluate_picture.__doc__),
        epilog=examples(
            "mocap evaluate picture clip-mocap/take.h5",
            "mocap evaluate picture clip-mocap/take.h5 --every 5 --json figures.json",
            "mocap evaluate picture clip-mocap/take.h5 --avatars clip-mocap/avatars",
        ),
    )(evaluate_picture)


def _pictures(avatars: Path, take: "Take", body: "Body") -> "tuple[Pictures, Sequence[str] | None]":
    """What avatars look like in the clip's frames, and whose they are, if it can be told.

    Raises:
        MocapError: they are not there, damaged, or of somebody else; the video does not fit.
    """
    from mocap.cli.avatar_jobs import pictures_of
    from mocap.evaluate import RenderedVideo

    if avatars.is_dir() or avatars.suffix.lower() == ".ply":
        return pictures_of(avatars, take, body)
    return RenderedVideo(avatars, take), None


@contextmanager
def _masks(take: "Take", progress: "Progress") -> "Iterator[Segmenter]":
    """The take's masks if its bodies had no part in them, else the pose detector's.

    Raises:
        AssetError: the detector's model cannot be had.
    """
    from mocap.assets import fetch
    from mocap.masks import PictureSegmenter, StoredMasks, independent_masks

    if independent_masks(take):
        with closing(StoredMasks(take)) as stored:
            yield stored
    else:
        with closing(PictureSegmenter(fetch("pose_landmarker", progress=progress))) as segmenter:
            yield segmenter


def _table(people: Sequence["PersonAgreement"]) -> "Table":
    table = plain_table(["", *(one.person for one in people)])
    rows: dict[str, list[str]] = {
        "on the person": [_verdict(one) for one in people],
        "frames, of them with a mask": [
            f"{one.frames}, {share(one.judged_share)}" for one in people
        ],
        "mask IoU, mean": [figure(one.iou, 3) for one in people],
        "mask IoU, median": [figure(one.median_iou, 3) for one in people],
        "mask IoU with clothes, mean": [figure(one.clothed_iou, 3) for one in people],
        "clothes (mm)": [figure(one.clothes_mm, 0) for one in people],
        "outlines apart (px)": [figure(one.outline_px) for one in people],
        "outlines apart (% of height)": [
            figure(100 * one.outline_share_of_height, 2) for one in people
        ],
        "worst frames (IoU)": [_worst(one) for one in people],
    }
    if any(one.avatar_iou == one.avatar_iou for one in people):
        rows["avatar, PSNR (dB)"] = [figure(one.psnr_db) for one in people]
        rows["avatar, SSIM"] = [figure(one.ssim, 3) for one in people]
        rows["avatar, mask IoU"] = [figure(one.avatar_iou, 3) for one in people]
    for title, values in rows.items():
        table.add_row(title, *values)
    return table


def _verdict(one: "PersonAgreement") -> str:
    return {True: "yes", False: "NO", None: "cannot be told"}[one.agrees]


def _worst(one: "PersonAgreement") -> str:
    ious = {each.frame: each.iou for each in one.each}
    return ", ".join(f"{frame} ({figure(ious[frame], 2)})" for frame in one.worst) or "–"


def _conclude(take: Path, report: "PictureReport") -> None:
    """The verdict in a line; code 1 where somebody's body is elsewhere."""
    wrong = [one.person for one in report.people if one.agrees is False]
    untold = [one.person for one in report.people if one.agrees is None]
    if wrong:
        complain(f"{take}: the bodies of {', '.join(wrong)} do not lie on the people in the clip")
        raise typer.Exit(1)
    right = [one.person for one in report.people if one.agrees]
    said = []
    if right:
        verb = "lies" if len(right) == 1 else "lie"
        said.append(f"{', '.join(right)} {verb} on the people in the clip")
    if untold:
        said.append(f"of {', '.join(untold)} too little can be made out to tell")
    say("; ".join(said))
