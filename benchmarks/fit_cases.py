"""What the benchmarks of the fit are run on: a real clip of four cameras, and made-up dances.

Both come as keypoints that nobody has fitted yet, with the truth beside them.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mocap.body import Body
from mocap.cli.resume import as_detected
from mocap.datasets.detections import DETECTOR, Noise
from mocap.datasets.scenes import dancers
from mocap.evaluate import Truth, load_truth
from mocap.evaluate.feet import sole_points
from mocap.evaluate.truth import OWN_CAMERA, truth_of_take
from mocap.geometry import Camera, rotation_between
from mocap.take import Take

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
#: A detector that is worse in everything.
HARD = replace(DETECTOR, pixels=0.012, metres=0.04, depth_share=0.3)
#: Where in the dance, from where (degrees), and how badly seen; from 105 degrees people hide
#: each other.
DANCES: tuple[tuple[float, float, Noise], ...] = (
    (2.0, 20.0, DETECTOR),
    (10.0, 0.0, HARD),
    (18.0, 105.0, DETECTOR),
    (25.0, -60.0, HARD),
)


@dataclass(frozen=True)
class Case:
    """Keypoints and what is known of who made them.

    Attributes:
        name: of the case.
        detected: the take before its fit.
        truth: points or motion, and cameras.
        camera: which of the truth's the video is of.
        soles: (F, 4, 3) true foot points by person, in a world whose floor is y = 0; empty where
            nobody knows them.
        uncured: the take with sides as the detector told them.
    """

    name: str
    detected: Take
    truth: Truth
    camera: str
    soles: dict[str, np.ndarray] = field(default_factory=dict)
    uncured: Take | None = None

    @property
    def true_camera(self) -> Camera:
        """In a world with +Y up."""
        camera = self.truth.cameras[self.camera].camera
        assert self.truth.up is not None
        turn = rotation_between(self.truth.up, np.array([0.0, 1.0, 0.0]))
        return replace(camera, R=camera.R @ turn.T, source="given", gravity_given=True)


def four_cameras(folder: Path, truth: Path | None = None) -> list[Case]:
    """The real clip, one case a camera, out of a folder of `mocap benchmark`, run if it was not.

    Args:
        folder: of takes.
        truth: to be used instead of what the cameras see together.
    """
    if not all((folder / name / "take.h5").exists() for name in CAMERAS):
        subprocess.run([sys.executable, "-m", "mocap", "benchmark", "--out", folder], check=True)
    known = load_truth(truth or folder / "truth.json")
    return [
        Case(
            name,
            as_detected(Take.load(folder / name / "take.h5")),
            known,
            next(one for one in known.cameras if one.replace("_", "") == name),
            uncured=Take.load(folder / name / "detector.h5"),
        )
        for name in CAMERAS
    ]


def dances(
    folder: Path, body: Body, seconds: float, which: Sequence[tuple[float, float, Noise]] = DANCES
) -> Iterator[Case]:
    """Three dancers before a camera that was never there, one case after the other.

    Args:
        folder: of the dancers' BVH files.
        body: whose motion the dance becomes.
        seconds: of each.
        which: starts, directions and noises.
    """
    for number, (start, azimuth, noise) in enumerate(which):
        detected, true = dancers(
            folder, body, seconds=seconds, start=start, noise=noise, azimuth=azimuth, seed=number
        )
        soles = {name: sole_points(person, body) for name, person in true.people.items()}
        yield Case(
            f"{start:g} s, {azimuth:g}°{', hard' if noise is HARD else ''}",
            detected,
            truth_of_take(true, "dance"),
            OWN_CAMERA,
            {name: points for name, points in soles.items() if points is not None},
        )
