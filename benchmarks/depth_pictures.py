"""Pictures of refined depth, for eyes: what was seen, and the skeletons from the side.

    python benchmarks/depth_pictures.py renders --motions DIR --out renders.png
    python benchmarks/depth_pictures.py take TAKE VIDEO --out take.png [--person person-1]

A column an instant: the picture with the 2D points; then, seen level from the side (the camera is
on the left), the detector's 3D and the refined one, and, of renders, the truth in grey behind both.
Left limbs are blue, right ones orange; the disc at a refined wrist or ankle is its uncertainty.
Renders are of test performers, if the motions have any, new shapes and cameras.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

from mocap.assets import fetch
from mocap.body import load_body
from mocap.datasets.synthetic import Studio, cast, film, perform, read_library
from mocap.datasets.synthetic.cameras import random_shot
from mocap.depth import DepthRefiner
from mocap.geometry import viewing_rays
from mocap.keypoints import Detection, MediaPipePose, PointDetector
from mocap.skeletons import COCO_17, COCO_OF_MEDIAPIPE, SKELETONS, point_map
from mocap.take import Take
from mocap.video import open_video

mpl.use("Agg")
import matplotlib.pyplot as plt

OF_MEDIAPIPE = list(COCO_OF_MEDIAPIPE)
HIPS = list(COCO_17.indices("left_hip", "right_hip"))
SIDES = {"left": "tab:blue", "right": "tab:orange"}
#: Points whose uncertainty is drawn.
ENDS = COCO_17.indices("left_wrist", "right_wrist", "left_ankle", "right_ankle")
#: Half the width and height of a cell, metres.
REACH = 1.15


@dataclass(frozen=True)
class Instant:
    """What a column shows.

    Attributes:
        title: above it.
        picture: (H, W, 3).
        xy: (17, 2) in that picture, pixels.
        raw: (17, 3) metres, facing axes.
        refined: (17, 3).
        sigma: (17,) metres.
        elevation: of the camera, radians: what is level.
        truth: (17, 3) if it is known.
    """

    title: str
    picture: np.ndarray
    xy: np.ndarray
    raw: np.ndarray
    refined: np.ndarray
    sigma: np.ndarray
    elevation: float
    truth: np.ndarray | None = None


class Watched:
    """A detector that remembers the pictures it was shown and what it saw in them."""

    def __init__(self, detector: PointDetector) -> None:
        self._detector = detector
        self.skeleton, self.name = detector.skeleton, detector.name
        self.shown: list[tuple[np.ndarray, list[Detection]]] = []

    def detect(self, image: np.ndarray) -> list[Detection]:
        """As the detector's own."""
        found = list(self._detector.detect(image))
        self.shown.append((image.copy(), found))
        return found

    def close(self) -> None:
        """Close the detector."""
        self._detector.close()


def of_renders(motions: list[Path], count: int, seed: int) -> Iterator[Instant]:
    """The middles of test performances."""
    body, refiner = load_body(), DepthRefiner.load(mirrored=True)
    library = read_library(motions, body)
    library = [motion for motion in library if motion.split == "test"] or library
    watched = Watched(MediaPipePose(fetch("pose_landmarker"), most=1))
    studio = Studio.of(body, watched)
    rng = np.random.default_rng(seed)
    done = 0
    while done < count:
        motion = perform(library, 24, 15.0, rng)
        actor = cast(studio, motion, rng)
        points = actor.points.reshape(-1, 3)
        reach = float(np.linalg.norm(points - points.mean(0), axis=1).max())
        shot = random_shot(points.mean(0).astype(float), min(reach, 1.6), rng)
        watched.shown.clear()
        pairs = film(studio, actor, shot, 15.0, rng, name=motion.name, split="test")
        # Where a frame was out of sight, what was shown is not in step with the pairs.
        if pairs is None or len(pairs) < 12 or len(watched.shown) != len(actor.points):
            continue
        said = refiner.refine_track(
            pairs.pose_2d, pairs.corrupted, pairs.visibility, pairs.time - pairs.time[0]
        )
        row = len(pairs) // 2
        picture, found = watched.shown[round(float(pairs.time[row]) * 15)]
        view = (
            f"from {np.rad2deg(pairs.azimuth[row]):.0f}°, {np.rad2deg(pairs.elevation[row]):.0f}°"
        )
        yield Instant(
            f"{motion.performer}\n{view}",
            picture,
            found[0].xy[OF_MEDIAPIPE],
            pairs.corrupted[row],
            said.xyz[row],
            said.sigma[row],
            float(pairs.elevation[row]),
            pairs.ground_truth[row],
        )
        done += 1
    studio.close()


def of_take(path: Path, video: Path, name: str, count: int) -> Iterator[Instant]:
    """Instants of a person of a take, evenly over their time."""
    loaded = Take.load(path)
    person, up = loaded.people[name], loaded.camera.R[0] @ [0.0, 1.0, 0.0]
    flat, deep, refined = person.keypoints2d, person.keypoints3d, person.refined3d
    if flat is None or deep is None or refined is None:
        raise SystemExit(f"{path}: {name} has no refined depths; extract again")
    xy = point_map(SKELETONS[flat.skeleton], COCO_17)(flat.xy)
    raw = point_map(SKELETONS[deep.skeleton], COCO_17)(deep.xyz)
    seen = np.flatnonzero(np.isfinite(refined.xyz).all((1, 2)) & np.isfinite(xy).all((1, 2)))
    rows = seen[np.linspace(0, len(seen) - 1, count).round().astype(int)]
    wanted = {int(person.frames[row]): row for row in rows}
    with open_video(video) as source:
        for frame in source:
            row = wanted.get(frame.index)
            if row is None:
                continue
            low, high = xy[row].min(0), xy[row].max(0)
            side = 0.65 * float((high - low).max())
            corner = np.maximum((low + high) / 2 - side, 0).astype(int)
            end = ((low + high) / 2 + side).astype(int)
            view = [np.rad2deg(float(part[row])) for part in (refined.azimuth, refined.elevation)]
            yield Instant(
                f"frame {frame.index}\nfrom {view[0]:.0f}°, {view[1]:.0f}°",
                frame.image[corner[1] : end[1], corner[0] : end[0]].copy(),
                xy[row] - corner,
                raw[row],
                refined.xyz[row],
                refined.sigma[row],
                _elevation(xy[row, HIPS].mean(0), loaded.camera.K[0], up),
            )


def _elevation(hips: np.ndarray, K: np.ndarray, up: np.ndarray) -> float:
    """Of a camera, by what its fitted world says is up, camera axes."""
    return float(np.arcsin(-viewing_rays(hips, K) @ up))


def _levelled(points: np.ndarray, elevation: float) -> np.ndarray:
    """(17, 2) points of facing axes from the side: away from the camera along the ground, down."""
    y, z = points[:, 1], points[:, 2]
    cosine, sine = np.cos(elevation), np.sin(elevation)
    return np.stack([cosine * z - sine * y, cosine * y + sine * z], -1)


def draw(instants: list[Instant]) -> plt.Figure:
    """A column an instant."""
    figure, panels = plt.subplots(
        3, len(instants), figsize=(2.3 * len(instants), 7.6), squeeze=False, layout="constrained"
    )
    for column, one in zip(panels.T, instants, strict=True):
        column[0].imshow(one.picture)
        _skeleton(column[0], one.xy, 1.0)
        column[0].set_title(one.title, fontsize=8)
        column[0].set_axis_off()
        for panel, points in ((column[1], one.raw), (column[2], one.refined)):
            if one.truth is not None:
                _skeleton(panel, _levelled(one.truth, one.elevation), 4.0, colour="0.8")
            _skeleton(panel, _levelled(points, one.elevation), 1.6)
            panel.set(xlim=(-REACH, REACH), ylim=(REACH, -REACH), aspect="equal")
            panel.set_xticks([])
            panel.set_yticks([])
        for end, place in zip(ENDS, _levelled(one.refined, one.elevation)[list(ENDS)], strict=True):
            disc = plt.Circle(tuple(place), one.sigma[end], alpha=0.15, color="tab:red")
            column[2].add_patch(disc)
    for panel, name in zip(panels[1:, 0], ("detector", "refined"), strict=True):
        panel.set_ylabel(name)
    return figure


def _skeleton(panel: plt.Axes, points: np.ndarray, width: float, colour: str | None = None) -> None:
    """Bones of COCO's 17 points, (17, 2)."""
    for start, end in COCO_17.edges:
        names = COCO_17.names[start], COCO_17.names[end]
        side = {name.split("_")[0] for name in names}
        own = SIDES.get(side.pop(), "0.3") if len(side) == 1 else "0.3"
        panel.plot(*points[[start, end]].T, color=colour or own, lw=width, solid_capstyle="round")


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    renders = kinds.add_parser("renders")
    renders.add_argument("--motions", type=Path, nargs="+", required=True)
    renders.add_argument("--seed", type=int, default=0)
    take = kinds.add_parser("take")
    take.add_argument("take", type=Path)
    take.add_argument("video", type=Path)
    take.add_argument("--person", default="person-1")
    for one in (renders, take):
        one.add_argument("--out", type=Path, required=True)
        one.add_argument("--count", type=int, default=10, help="instants")
    given = parser.parse_args()
    if given.kind == "renders":
        instants = of_renders(given.motions, given.count, given.seed)
    else:
        instants = of_take(given.take, given.video, given.person, given.count)
    draw(list(instants)).savefig(given.out, dpi=110)
    print(given.out)


if __name__ == "__main__":
    main()
