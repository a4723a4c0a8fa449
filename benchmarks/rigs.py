"""Foot slide of motion on rigs with longer and shorter legs, beside that of the source.

Mean way over the ground, millimetres a frame, of heels and balls of the feet in frames in which the
source's rest: by the take's own contacts, or, in motion files, by speed and height. Rigs are the
person's own skeleton with thighs and shanks as many times as long, written as FBX and read back.

    python benchmarks/rigs.py demo-output/take.h5
    python benchmarks/rigs.py dance.bvh walk.bvh          # in centimetres or metres
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap import Take
from mocap.body import load_body
from mocap.datasets.results import read_result, take_of
from mocap.exporters import PRESETS, Performer
from mocap.exporters.fbx import write_fbx
from mocap.exporters.foot_rests import rests_from_take
from mocap.exporters.rigs import Rig, read_rig, retargeted
from mocap.exporters.rigs.soles import feet_of_body, feet_of_rig, resting
from mocap.exporters.styling import styled
from mocap.exporters.taken import motion_from_take

LEGS = (1.0, 1.2, 0.8)
PRESETS_TRIED = ("smplx", "mixamo", "unreal")
_SIDES = ("left", "right")


def performers(path: Path) -> list[Performer]:
    """The people of a take, or the performer of a BVH file."""
    take = Take.load(path) if path.suffix == ".h5" else None
    if take is None:
        take = take_of(read_result(path, "bvh", load_body()), path, load_body())
    found = []
    for name, person in take.people.items():
        if person.body is not None:
            motion = motion_from_take(take, name)
            found.append(Performer(name, motion, rests=rests_from_take(take, name, motion)))
    return found


def rig_of(one: Performer, preset: str, legs: float, folder: Path) -> Rig:
    """A person's skeleton with other legs, as a file of a preset."""
    motion = one.motion
    offsets = motion.rest_offsets.copy()
    for side in _SIDES:
        for joint in ("knee", "ankle"):
            offsets[motion.names.index(f"{side}_{joint}")] *= legs
    still = replace(
        motion,
        rest_offsets=offsets,
        rotations=np.tile(np.eye(3), (1, len(motion.names), 1, 1)),
        root_position=offsets[:1],
    )
    wanted = PRESETS[preset]
    path = folder / f"{preset}.fbx"
    standing = styled(Performer(one.name, still), wanted)
    write_fbx([standing], path, units=wanted.units, up=wanted.up, axes=wanted.axes)
    return read_rig(path)


def soles(one: Performer, rig: Rig | None = None, moved: Performer | None = None) -> np.ndarray:
    """(F, 4, 3) heels and balls of the feet, metres, +Y up."""
    body = feet_of_body(one.motion.rest_positions())
    if rig is None or moved is None:
        feet, placed, world = body, one.motion.joints(), one.motion.world_rotations()
    else:
        feet, placed = feet_of_rig(rig, body), moved.motion.joints() @ rig.upright
        rest = np.swapaxes(rig.skeleton.world_rotations(), 2, 3)
        world = rig.upright.T @ moved.motion.world_rotations() @ rest @ rig.upright
    points = []
    for side in _SIDES:
        ankle = feet[side].joints[2]
        points.append(feet[side].placed(placed[:, ankle], world[:, ankle]))
    return np.concatenate(points, axis=1)


def slide(points: np.ndarray, rests: np.ndarray) -> float:
    """Millimetres a frame."""
    steps = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1)
    both = rests[1:] & rests[:-1]
    return float(1000 * steps[both].mean()) if both.any() else float("nan")


def main() -> None:
    """Print a row for each person and rig."""
    print(f"{'person':16} {'rests':>6} {'rig':8} {'legs':>5} {'slide mm':>9} {'of source':>10}")
    for path in map(Path, sys.argv[1:]):
        for one in performers(path):
            own = soles(one)
            told = None if one.rests is None else one.rests.probability
            rests = resting(own, told, one.motion.fps)
            was = slide(own, rests)
            who = one.name if path.suffix == ".h5" else path.stem
            print(f"{who:16} {rests.mean():6.0%} {'source':8} {'':5} {was:9.2f}")
            with tempfile.TemporaryDirectory() as folder:
                for preset in PRESETS_TRIED:
                    for legs in LEGS:
                        rig = rig_of(one, preset, legs, Path(folder))
                        now = slide(soles(one, rig, retargeted(one, rig)), rests)
                        print(
                            f"{who:16} {'':6} {preset:8} {legs:5.1f} {now:9.2f} {now / was:10.2f}"
                        )


if __name__ == "__main__":
    main()
