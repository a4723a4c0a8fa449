"""What other people's readers make of the BVH files beside a take.

For every person: frames, frame rate, change of bone lengths, and the greatest distance of any
joint at any frame from the take's, in bvhio and, where ``MOCAP_BLENDER_PYTHON`` names an
interpreter with ``bpy``, in Blender.

    python benchmarks/bvh_readers.py demo-output/take.h5
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import bvhio
import numpy as np

from mocap import Take
from mocap.skeletons import SMPLX_55

CHECK = Path(__file__).parents[1] / "tests" / "exporters" / "blender_check.py"


def by_bvhio(path: Path) -> tuple[float, np.ndarray]:
    """Frame rate and joints (F, 55, 3), metres."""
    raw = bvhio.readAsBvh(str(path))
    root = bvhio.readAsHierarchy(str(path))
    joints = {joint.Name: joint for joint, _, _ in root.layout()}
    found = np.empty((raw.FrameCount, 55, 3))
    for frame in range(raw.FrameCount):
        root.loadPose(frame)
        found[frame] = [np.array(joints[name].PositionWorld) / 100 for name in SMPLX_55.names]
    return 1 / raw.FrameTime, found


def by_blender(path: Path, python: str) -> tuple[float, np.ndarray]:
    """Frame rate and joints (F, 55, 3), metres."""
    command = [python, str(CHECK), str(path), "0.01"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    seen = json.loads(run.stdout.splitlines()[-1])
    order = [seen["names"].index(name) for name in SMPLX_55.names]
    return seen["fps"], np.array(seen["heads"])[:, order]


def main() -> None:
    """Print a line a person and reader."""
    take_file = Path(sys.argv[1])
    take = Take.load(take_file)
    readers = {"bvhio": by_bvhio}
    if python := os.environ.get("MOCAP_BLENDER_PYTHON"):
        readers["Blender"] = lambda path: by_blender(path, python)
    for name, person in take.people.items():
        if person.body is None:
            continue
        for reader, read in readers.items():
            fps, joints = read(take_file.parent / f"{name}.bvh")
            bones = np.linalg.norm(joints[:, 1:] - joints[:, SMPLX_55.parents[1:]], axis=-1)
            away = np.linalg.norm(joints - person.body.joints, axis=-1).max()
            print(
                f"{name} in {reader}: {len(joints)} frames (take {len(person.frames)}), "
                f"{fps:.4f} fps (video {take.video.fps:.4f}), bones vary by "
                f"{1000 * np.ptp(bones, axis=0).max():.4f} mm, joints off by {1000 * away:.4f} mm"
            )


if __name__ == "__main__":
    main()
