"""Options that several commands share, and how examples are laid out in their help."""

import inspect
import math
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

#: Statures of adults, metres; the body's shape has no others.
SHORTEST, TALLEST = 1.2, 2.4
#: Sides of pictures, pixels, and digits that are read of one.
_SHORTEST_SIDE, _LONGEST_SIDE, _DIGITS = 16, 4096, 9


class RobotFormat(StrEnum):
    """The formats that robots' motion can be written in."""

    MOCAP = "mocap"
    GMR = "gmr"
    UNITREE = "unitree"
    SOMA = "soma"
    BEYONDMIMIC = "beyondmimic"
    MJLAB = "mjlab"
    HOLOSOMA = "holosoma"
    MUJOCO = "mujoco"


def examples(*lines: str) -> str:
    """Commands for the end of a help text, one a line."""
    return "\n".join(["[bold]Examples[/bold]", *(f"  {line}" for line in lines)])


def flowing(text: str | None) -> str:
    """A docstring as help text: paragraphs in lines as long as the terminal is wide."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def one_of(*names: str) -> Callable[[str], str]:
    """A callback for options that take one of these names, and refuse others."""

    def check(name: str) -> str:
        if name not in names:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(names)}")
        return name

    return check


def each_once(paths: list[Path]) -> list[Path]:
    """A callback for options that take several paths, and none of them twice."""
    known: set[Path] = set()
    for path in paths:
        if path.resolve() in known:
            raise typer.BadParameter(f"{path} is given twice")
        known.add(path.resolve())
    return paths


def number_between(least: float, most: float) -> Callable[[float | None], float | None]:
    """A callback for options that take a number between two; None passes."""

    def check(number: float | None) -> float | None:
        if number is not None and math.isnan(number):
            raise typer.BadParameter(f"{number} is no number")
        if number is not None and not least <= number <= most:
            raise typer.BadParameter(f"{number:g} is not from {least:g} to {most:g}")
        return number

    return check


def picture_size(text: str | None) -> str | None:
    """A callback for options that take a picture's size, such as 960x720; None passes."""
    if text is not None and not all(_SHORTEST_SIDE <= one <= _LONGEST_SIDE for one in sides(text)):
        raise typer.BadParameter(
            f"{text!r} is no size such as 960x720, from {_SHORTEST_SIDE} to {_LONGEST_SIDE}"
        )
    return text


def sides(size: str) -> tuple[int, int]:
    """Width and height of a size such as 960x720; zeros for what is none."""
    width, _, height = size.lower().partition("x")
    if not all(side.isdecimal() and len(side) <= _DIGITS for side in (width, height)):
        return 0, 0
    return int(width), int(height)


TakeFile = Annotated[
    Path,
    typer.Argument(metavar="TAKE", help="A take.h5 that `mocap extract` or `mocap import` made."),
]
People = Annotated[
    list[str] | None,
    typer.Option(metavar="ID", help="Only this person, such as person-2; may be repeated."),
]
Clip = Annotated[
    Path | None,
    typer.Option("--video", metavar="FILE", help="Where the clip is now, if it was moved."),
]
Height = Annotated[
    float | None,
    typer.Option(
        metavar="M",
        min=SHORTEST,
        max=TALLEST,
        help="Stature of the people in the clip, in metres (1.2 to 2.4). It fixes the scale of "
        "everything; without it an adult of average build is assumed.",
    ),
]
BodyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="An SMPL-X-format .npz to fit, such as your licensed SMPLX_NEUTRAL.npz. The open "
        "body that comes with the program if not given.",
    ),
]
FieldOfView = Annotated[
    float | None,
    typer.Option(
        metavar="DEG",
        min=10,
        max=170,
        help="The camera's field of view along the longer side of the picture, in degrees "
        "(10 to 170). If not given, what the file's metadata tell, or else 60: a phone's main "
        "lens.",
    ),
]
CameraFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE[:NAME]",
        help="The camera's calibration, lens distortion included: Pose2Sim or anipose .toml, "
        "OpenCV .yaml or .xml, Qualisys .qca.txt, .json and more. With several cameras in it, "
        "the one called NAME, or as the video is.",
    ),
]
NoRefineDepth = Annotated[
    bool,
    typer.Option(
        "--no-refine-depth",
        metavar="",
        help="Take depths as the detector sees them, without what is learned of its errors.",
    ),
]
LookOnce = Annotated[
    bool,
    typer.Option(
        "--look-once",
        metavar="",
        help="Look at everybody but once a frame, and not also in the mirror image, which is "
        "averaged with it: quicker, and farther from the truth.",
    ),
]
Device = Annotated[
    str,
    typer.Option(metavar="NAME", callback=one_of("auto", "cpu", "cuda"), help="auto, cpu or cuda."),
]
Renderer = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        callback=one_of("auto", "cpu", "cuda"),
        help="Where Gaussians are rendered: cpu; cuda, by gsplat on an NVIDIA GPU, which has been "
        "written but never run on one; auto, cuda where there is one.",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", metavar="", help="Say more: decisions, and who was dropped and why."
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", metavar="", help="Say nothing but results and errors.")
]
