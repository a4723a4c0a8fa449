"""``mocap body skeleton`` and ``convert-skeleton``: keypoints of data sets, and files of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocap.cli.console import configure, note, say, starting
from mocap.cli.folders import writable_folder
from mocap.cli.options import SHORTEST, TALLEST, examples, flowing
from mocap.errors import MocapError
from mocap.files import read_json

if TYPE_CHECKING:
    from mocap.body import Body
    from mocap.take import Person, Take

#: Beyond this many deviations of shape nobody is.
_MOST_BETA = 20.0
_SETS = (
    "coco17, panoptic19 (or coco19: CMU Panoptic's order), body25 (or openpose25), h36m17, "
    "mediapipe33, smpl24 or smplx55"
)


def skeleton(
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The .json or .pkl to write, one skeleton.")
    ],
    keypoints: Annotated[
        str,
        typer.Option("--set", metavar="NAME", callback=lambda name: name.lower(), help=f"{_SETS}."),
    ],
    take: Annotated[
        Path | None,
        typer.Argument(
            metavar="TAKE", help="A take.h5: the skeleton in every frame, instead of one at rest."
        ),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Whose, where a take has several people: person-2."),
    ] = None,
    rest: Annotated[
        bool,
        typer.Option("--rest", metavar="", help="Of a take the person's shape alone, at rest."),
    ] = False,
    betas: Annotated[
        str | None,
        typer.Option(metavar="LIST", help='The shape, as many betas as are not 0: "0.5,-1.2".'),
    ] = None,
    shape: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The shape: a .json with a list of betas, or {betas: …}."
        ),
    ] = None,
    height: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            min=SHORTEST,
            max=TALLEST,
            help="The shape: the likeliest of this stature, in metres.",
        ),
    ] = None,
    body: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The SMPL-X-format .npz that shape and take belong to; if not given, the open "
            "body.",
        ),
    ] = None,
) -> None:
    """Regress the keypoints that a data set or a detector has from a shape, or from a take.

    Written are the set's names, parents, edges and mirror, and joints in metres, right-handed, +Y
    up, the floor at 0: (joints, 3) in a T-pose that faces +Z, or (frames, joints, 3) in a take's
    world, with its frames and times. Means and keypoints beside joints are those of the body.
    """
    configure()
    sources = {"TAKE": take, "--betas": betas, "--shape": shape, "--height": height}
    given = [name for name, value in sources.items() if value is not None]
    if len(given) > 1:
        raise typer.BadParameter(f"{given[1]} is a second shape beside {given[0]}; choose one")
    if take is None and (rest or person is not None):
        raise typer.BadParameter("--rest and --person are of a TAKE")
    with starting():
        from mocap.body import keypoint_set, load_body
        from mocap.datasets.skeleton_files import describing, write_skeleton
        from mocap.take import Take
    described = describing(keypoint_set(keypoints))
    found = None if take is None else Take.load(take)
    whose = None if found is None or take is None else _whose(take, found, person)
    model = load_body(body)
    if whose is None or rest:
        content = _at_rest(model, described["set"], _betas(model, whose, betas, shape, height))
    else:
        assert found is not None
        content = _over_time(model, described["set"], found, whose)
    facts = {"units": "m", "axes": "right-handed, +Y up, floor at y = 0", "body": model.name}
    with writable_folder(out.parent):
        write_skeleton(out, described | facts | {"body_sha256": model.sha256} | content)
    say(str(out))


def convert_skeleton(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A .pkl, .pickle or .json with joints in it.")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The .json or .pkl to write.")],
    keypoints: Annotated[
        str | None,
        typer.Option(
            "--set", metavar="NAME", help=f"Name joints that the file does not name: {_SETS}."
        ),
    ] = None,
) -> None:
    """Turn a skeleton's pickle into JSON, or JSON into a pickle, numbers to the last bit.

    A skeleton is a dictionary with joints, (joints, 3) or (frames, joints, 3), and perhaps names,
    parents, fps and more. Pickles are read without running what they say, and refused where they
    hold more than containers, numbers, text and arrays. NaN is null in JSON.
    """
    configure()
    with starting():
        from mocap.datasets.skeleton_files import describing, joints_of, read_skeleton
        from mocap.datasets.skeleton_files import write_skeleton as write
    content = read_skeleton(source)
    if keypoints is not None:
        from mocap.body import keypoint_set

        known = keypoint_set(keypoints)
        count = joints_of(content)[1].shape[-2]
        if count != len(known):
            raise MocapError(f"{source}: has {count} joints, {known.name} has {len(known)}")
        content = describing(known) | content
    elif content.get("names") is None:
        note("its joints have no names; --set gives them those of a known set")
    with writable_folder(target.parent):
        write(target, content)
    say(str(target))


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the body."""
    app.command(
        help=flowing(skeleton.__doc__),
        epilog=examples(
            "mocap body skeleton --set h36m17 --height 1.82 --out rest.json",
            'mocap body skeleton --set smpl24 --betas "0.5,-1.2" --out rest.pkl',
            "mocap body skeleton dance/take.h5 --person person-2 --set openpose25 --out dance.json",
        ),
    )(skeleton)
    app.command(
        "convert-skeleton",
        help=flowing(convert_skeleton.__doc__),
        epilog=examples(
            "mocap body convert-skeleton walk.pkl walk.json",
            "mocap body convert-skeleton dance.pkl dance.json --set coco17",
        ),
    )(convert_skeleton)


def _whose(path: Path, take: "Take", person: str | None) -> "Person":
    """The person of a take whose skeleton is wanted, fitted."""
    fitted = [name for name, one in take.people.items() if one.body is not None]
    if not fitted:
        raise MocapError(f"{path}: holds no fitted motion; `mocap fit {path}` fits it")
    if person is None and len(fitted) > 1:
        raise MocapError(f"{path}: has {', '.join(fitted)}; choose one of them with --person")
    if person is not None and person not in fitted:
        raise MocapError(f"{path}: has nobody fitted named {person}; there are {', '.join(fitted)}")
    return take.people[person or fitted[0]]


def _betas(
    body: "Body",
    person: "Person | None",
    text: str | None,
    file: Path | None,
    height: float | None,
) -> list[float]:
    """The shape asked for: a person's, that of an option, or the mean."""
    if person is not None:
        assert person.body is not None
        if person.body.model_sha256 != body.sha256:
            raise MocapError(
                f"person {person.id}: was fitted with the body {person.body.model}, not with "
                f"{body.name}; name the file it was fitted with by --body"
            )
        return [float(beta) for beta in person.body.betas]
    if height is not None:
        return [float(beta) for beta in body.betas_for_height(height)]
    if text is not None:
        return _numbers(text.split(","), "--betas")
    if file is not None:
        return _numbers(_read_shape(file), str(file))
    return [0.0] * body.num_betas


def _read_shape(file: Path) -> Any:
    content = read_json(file)
    return content.get("betas") if isinstance(content, dict) else content


def _numbers(values: Any, source: str) -> list[float]:
    from math import isfinite

    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        numbers = []
    if not numbers or not all(map(isfinite, numbers)):
        raise MocapError(f"{source}: betas are numbers such as 0.5,-1.2,0,1")
    if max(map(abs, numbers)) > _MOST_BETA:
        raise MocapError(f"{source}: nobody has betas beyond ±{_MOST_BETA:g}; most are within ±3")
    return numbers


def _at_rest(body: "Body", keypoints: str, betas: list[float]) -> dict[str, Any]:
    import torch

    from mocap.body import BodyPose, regress

    pose = BodyPose(betas=torch.tensor(betas, dtype=body.template.dtype))
    with torch.no_grad():
        joints = regress(body, pose, keypoints)[0]
        floor = body.rest_vertices(pose.betas)[0, :, 1].min()
    joints[:, 1] -= floor
    return {"pose": "T-pose, faces +Z", "betas": betas, "joints": joints.double().numpy()}


def _over_time(body: "Body", keypoints: str, take: "Take", person: "Person") -> dict[str, Any]:
    import torch

    from mocap.body import regress

    with torch.no_grad():
        joints = regress(body, person.body, keypoints).double().numpy()
    return {
        "person": person.id,
        "fps": float(take.video.fps),
        "frames": person.frames,
        "times": take.times(person),
        "joints": joints,
    }
