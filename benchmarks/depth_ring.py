"""What the camera predictor makes of a studio's fixed ring of cameras, and what knowing it gives.

A replica of AIST++'s rig: nine cameras that stay where they are, and performers who face the first
of them more or less. Where the camera stands is asked in *world* axes, in which the answer can
only be one of nine; in the person's *own* axes, as elsewhere, the rig tells nothing.

    python benchmarks/depth_ring.py --motions motions/ --out ring --spread 7 [--json FILE]

Performances are turned so that their mean heading is c01's, give or take ``--spread`` degrees, and
stand some decimetres beside the stage's middle; who turns or walks about is left out. In a genuine
dance of AIST++ headings deviate by 7 degrees. Pictures are rendered and seen by the real detector;
whole performers are held out. What is finished stays in the folder and is not repeated.
"""

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from mocap.assets import fetch
from mocap.body import load_body
from mocap.datasets.aistpp import VIEWS
from mocap.datasets.aistpp.rig import make_rig
from mocap.datasets.pairs import SPLITS, Pairs, PairStore, write_npz
from mocap.datasets.pairs.views import heading_axes, headings
from mocap.datasets.synthetic import library, perform
from mocap.datasets.synthetic.cameras import Shot
from mocap.datasets.synthetic.film import Actor, Studio, cast, film
from mocap.depth import DepthRefiner, NetworkConfig
from mocap.errors import MocapError
from mocap.evaluate.depth_errors import direction_errors, torso_directions, turn
from mocap.geometry import view_angles
from mocap.keypoints import MediaPipePose
from mocap.skeletons import MEDIAPIPE_33
from mocap.training.depth import Augmentations, LossWeights, TrainConfig, refined_poses, train
from mocap.training.depth.config import WINDOWS

SIZE = (1920, 1080)
#: Deviation of the standing point from the stage's middle, metres each way.
STANDING = 0.15
#: Performances whose heading or place deviates more are no dancer's on a spot: radians, metres.
MOST_TURN, MOST_WAY = np.deg2rad(20.0), 0.3
#: Headings within this face c01, and half of what is between cameras, radians.
FACING, HALFWAY = np.deg2rad(10.0), np.deg2rad(22.5)
#: The usual network, whose camera is read before joints are looked at: these are kept small.
CAMERA = replace(WINDOWS, width=16, layers=1, hidden=1, temporal="pose", elevation=False)
#: Two titles and the figures of the table.
FLOOR, SNAPPED = "rig: the right camera named", "world axes, windows, nearest camera"
COLUMNS = ("poses", "median", "90 %", "azimuth", "elevation", "other cam.", "facing")
_HIPS = MEDIAPIPE_33.indices("left_hip", "right_hip")


def mean_angle(angles: Float[np.ndarray, " frames"]) -> float:
    """The mean of directions, radians."""
    return float(np.angle(np.exp(1j * angles).mean()))


def on_a_spot(motion: library.Motion) -> bool:
    """Whether somebody keeps the heading and the place, more or less."""
    across = Rotation.from_rotvec(motion.rotations[:, 0]).as_matrix()[:, :, 0]
    heading = headings(np.stack([across, -across], 1))
    turned = np.sqrt(np.mean(turn(heading - mean_angle(heading)) ** 2))
    way = np.linalg.norm(np.std(motion.transl[:, [0, 2]], axis=0))
    return bool(turned < MOST_TURN and way < MOST_WAY)


def on_stage(actor: Actor, spread: float, rng: np.random.Generator) -> Actor:
    """The same performance facing c01, more or less, about the stage's middle."""
    hips = actor.points[:, _HIPS].astype(float)
    yaw = rng.normal(0, spread) - mean_angle(headings(hips))
    turned = Rotation.from_euler("y", yaw).as_matrix()
    beside = (rng.normal(0, STANDING, 3) - hips.mean((0, 1)) @ turned.T) * [1.0, 0.0, 1.0]
    return replace(
        actor,
        vertices=(actor.vertices @ turned.T + beside).astype(np.float32),
        normals=(actor.normals @ turned.T).astype(np.float32),
        points=(actor.points @ turned.T + beside).astype(np.float32),
    )


def filmed(studio: Studio, motions: Sequence[library.Motion], key: str, given: Namespace) -> Pairs:
    """One performance before all nine cameras, each a sequence that has its view in its name."""
    split, number = key.split("-")
    rig = make_rig(SIZE, np.random.default_rng(given.seed))
    rng = np.random.default_rng([given.seed, SPLITS.index(split), int(number)])
    own = [motion for motion in motions if motion.split == split]
    for _ in range(1000):
        motion = perform(own, given.frames, given.fps, rng)
        if len(motion) == given.frames and on_a_spot(motion):
            break
    else:
        raise MocapError(f"no motion for {split} stays on a spot for {given.frames} frames")
    actor = on_stage(cast(studio, motion, rng), np.deg2rad(given.spread), rng)
    parts = []
    for view, camera in rig.items():
        # As a pinhole, which is what the renderer draws.
        shot, name = Shot(replace(camera, distortion=None), SIZE), f"{key}/{view} {motion.name}"
        parts.append(film(studio, actor, shot, given.fps, rng, name=name, split=split))
    return Pairs.concatenate(part for part in parts if part is not None)


def make_pairs(given: Namespace) -> Pairs:
    """All pairs: those that are missing are made first."""
    told = {name: getattr(given, name) for name in ("seed", "spread", "frames", "fps")}
    store = PairStore.make(given.out / "pairs", "ring", {"version": "1", **told})
    counts = dict(zip(SPLITS, given.performances, strict=True))
    wanted = [f"{split}-{number:04d}" for split in counts for number in range(counts[split])]
    missing = [key for key in wanted if key not in store.stored_keys()]
    if missing:
        body, kept = load_body(), given.library or given.out / "motions.npz"
        if not kept.exists():
            library.save_library(library.read_library(given.motions, body), kept)
        motions = library.load_library(kept)
        studio = Studio.of(body, MediaPipePose(fetch("pose_landmarker"), most=1))
        began = time.perf_counter()
        with store.writing():
            for done, key in enumerate(missing, start=1):
                store.write(key, filmed(studio, motions, key, given))
                left = (time.perf_counter() - began) / done * (len(missing) - done)
                print(f"filmed {done}/{len(missing)} performances, {left:.0f} s left", flush=True)
        studio.close()
    return Pairs.concatenate(store.read(key) for key in wanted)


def in_world(pairs: Pairs) -> Pairs:
    """The same pairs with the camera's place in world axes instead of the person's."""
    assert pairs.heading is not None
    place = np.einsum("fji,fj->fi", heading_axes(pairs.heading), pairs.camera_relative)
    azimuth, elevation = view_angles(place)
    return replace(pairs, camera_relative=place, azimuth=azimuth, elevation=elevation)


def seen_by(pairs: Pairs, views: Sequence[str]) -> Bool[np.ndarray, " frames"]:
    """Which frames are of these cameras."""
    return np.array([name.split("/")[1][:3] in views for name in pairs.sequences])[pairs.sequence]


def trained(name: str, pairs: Pairs, network: NetworkConfig, given: Namespace) -> DepthRefiner:
    """A refiner that learns from these pairs, or has."""
    out, data = given.out / name, given.out / f"{name}.npz"
    if not data.exists():
        write_npz(pairs.of_split("train", "val"), data)
    # A mirror would show what is seen by cameras that are left out.
    amounts = Augmentations(mirror=0.0, lean=given.lean, tell_elevation=0.0)
    losses = LossWeights(camera=given.camera)
    config = TrainConfig((str(data),), str(out), network, given.epochs, given.batch)
    config = replace(config, augmentations=amounts, losses=losses, extracted=False)
    return DepthRefiner.load(train(config, resume=out.exists()))


@dataclass(frozen=True)
class Row:
    """One way to tell where the camera stands: degrees, as :data:`COLUMNS`; medians by camera."""

    title: str
    figures: dict[str, float]
    views: dict[str, float]

    @classmethod
    def of(cls, title: str, said: Float[np.ndarray, "frames 3"], pairs: Pairs) -> "Row":
        """Compare directions with the truth, in whichever axes both are."""
        assert pairs.heading is not None
        off = np.rad2deg(direction_errors(said.astype(float), pairs.camera_relative.astype(float)))
        azimuth, elevation = view_angles(pairs.camera_relative)
        beside = np.abs(turn(view_angles(said)[0] - azimuth))
        above = np.abs(view_angles(said)[1] - elevation)
        share = 100 * np.mean(beside > HALFWAY)
        straight = np.median(off[np.abs(pairs.heading) < FACING])
        angles = np.rad2deg(np.median([beside, above], 1))
        values = (len(pairs), *np.percentile(off, (50, 90)), *angles, share, straight)
        views = ((view, off[seen_by(pairs, (view,))]) for view in VIEWS)
        by_view = {view: float(np.median(own)) for view, own in views if len(own)}
        return cls(title, dict(zip(COLUMNS, map(float, values), strict=True)), by_view)

    def __str__(self) -> str:
        cells = (f"{one:>11.{0 if name == 'poses' else 1}f}" for name, one in self.figures.items())
        return f"{self.title:<50}" + "".join(cells)


@dataclass(frozen=True)
class Rig:
    """What is known by heart of a rig: the mean direction to each camera in the training pairs."""

    directions: Float[np.ndarray, "9 3"]

    @classmethod
    def of(cls, world: Pairs) -> "Rig":
        """Learn it from pairs in world axes."""
        unit = world.camera_relative / np.linalg.norm(world.camera_relative, axis=1)[:, None]
        return cls(np.stack([unit[seen_by(world, (view,))].mean(0) for view in VIEWS]))

    def nearest(self, said: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
        """The direction of the camera whose azimuth is nearest."""
        apart = turn(view_angles(said)[0][:, None] - view_angles(self.directions)[0])
        return self.directions[np.abs(apart).argmin(1)]

    def named(self, pairs: Pairs) -> Float[np.ndarray, "frames 3"]:
        """The direction of the very camera that took each picture."""
        return np.stack([seen_by(pairs, (view,)) for view in VIEWS], 1) @ self.directions

    def levelled(self, said: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
        """The same azimuth at the cameras' mean elevation."""
        azimuth, level = view_angles(said)[0], np.tan(view_angles(self.directions)[1].mean())
        return np.stack([np.sin(azimuth), np.full(len(azimuth), level), np.cos(azimuth)], 1)


def said_by(refiner: DepthRefiner, pairs: Pairs) -> Float[np.ndarray, "frames 3"]:
    """Where a refiner says that the camera is."""
    camera = refined_poses(refiner, pairs).camera
    assert camera is not None
    return camera


def guesses(rig: Rig, own: Pairs) -> Iterator[Row]:
    """What the rig gives to whoever reads the pose perfectly, badly, or better."""
    world, shipped = in_world(own), said_by(DepthRefiner.load(), own)
    torso = torso_directions(own.corrupted)
    yield Row.of(FLOOR, rig.named(world), world)
    for title, said in (
        ("true view of the person", own.camera_relative),
        ("raw torso's view", torso),
        ("shipped refiner's view", shipped),
    ):
        yield Row.of(f"rig: camera nearest to the {title}", rig.nearest(said), world)
    yield Row.of("own axes: raw torso", torso, own)
    yield Row.of("own axes: shipped refiner", shipped, own)
    level = rig.levelled(shipped)
    yield Row.of("own axes: the same at the rig's elevation", level, own)
    yield Row.of("the same, taken to face c01: world axes", level, world)


def learned(rig: Rig, own: Pairs, given: Namespace) -> Iterator[Row]:
    """What networks make of the ring in both axes, trained with all cameras and without some."""
    windows = replace(CAMERA, frames=given.frames, rate=given.fps, pose_width=given.pose_width)
    some, ringed = "-".join(["without", *given.left_out]), in_world(own)
    for kind, network in (("single", replace(windows, frames=1)), ("windows", windows)):
        for axes, pairs in (("world", ringed), ("own", own)):
            test, world = (one.of_split(given.split) for one in (pairs, ringed))
            said = said_by(trained(f"{kind}-{axes}-all", pairs, network, given), test)
            yield Row.of(f"{axes} axes, {kind}", said, test)
            yield Row.of(f"{axes} axes, {kind}, nearest camera", rig.nearest(said), world)
            known, new = pairs[~seen_by(pairs, given.left_out)], test[seen_by(test, given.left_out)]
            said = said_by(trained(f"{kind}-{axes}-{some}", known, network, given), new)
            yield Row.of(f"{axes} axes, {kind}, cameras never trained", said, new)


def main() -> None:
    """Film, train, measure, and print one table."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--motions", type=Path, action="append", default=[])
    add("--library", type=Path, help="motions.npz of a store of synthetic pairs, instead")
    add("--out", type=Path, required=True)
    add("--performances", type=int, nargs=3, default=(60, 10, 20), help="train, val and test")
    add("--frames", type=int, default=12)
    add("--fps", type=float, default=7.5)
    add("--spread", type=float, default=20.0, help="of mean headings, degrees")
    add("--left-out", nargs="+", choices=VIEWS, default=["c03", "c06", "c08"])
    add("--epochs", type=int, default=40)
    add("--batch", type=int, default=512)
    add("--camera", type=float, default=3.0, help="weight of the camera's loss")
    add("--lean", type=float, default=0.05, help="of the raw 3D in training, radians")
    add("--pose-width", type=int, default=128)
    add("--split", default="test", choices=SPLITS, help="what is measured: val to choose by")
    add("--seed", type=int, default=0)
    add("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    own = make_pairs(given)
    rig = Rig.of(in_world(own.of_split("train")))
    print(f"{'degrees':<50}" + "".join(f"{title:>11}" for title in COLUMNS))
    rows = []
    for row in chain(guesses(rig, own.of_split(given.split)), learned(rig, own, given)):
        print(row, flush=True)
        rows.append(row)
    medians = {row.title: row.figures["median"] for row in rows}
    print(
        f"\nWhat the rig gives: {medians['own axes, windows']:.1f} degrees without it, "
        f"{medians['world axes, windows']:.1f} learned, {medians[SNAPPED]:.1f} with the answer put "
        f"on the nearest of the nine, {medians[FLOOR]:.1f} if it were always known which."
    )
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), "utf-8")


if __name__ == "__main__":
    main()
